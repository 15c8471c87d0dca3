/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_COLLECT_H
#define BUILDER_BUILD_COLLECT_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_COLLECTING */
enum transition collect_enter(struct job *job);
/* Checks whether the staged modules fit the kernel (examine_for_kernel()). Appends what is
 * wrong with them to job->outcome.warnings. Also called for modules from the cache.
 * Returns 0; or a negative errno and job->outcome.error if a module ends the process that
 * looks at it, because it would do so to depmod(8), too. */
int build_check_staged_modules(struct job *job);
/* Does this with the module files at these paths only, which may be compressed. */
int build_check_modules(struct job *job, const struct strv *paths);
/* Returns a text that says what the modules of the job have to fit: the kernel's release,
 * and the digests of the Module.symvers files that belong to other packages. The same
 * modules need not be checked again while it is the same. NULL if the cache is off. The
 * caller frees it. */
char *build_describe_fit(const struct job *job);

#endif
