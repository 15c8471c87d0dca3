/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_OUTPUT_H
#define BUILDER_PACK_OUTPUT_H

#include "builder/job/job.h"

/* Where what is packed goes: name in SUBDIR of the version, unless it was said; caller
 * frees.
 */
char *pack_path(const struct job *job, const char *subdir, const char *name);
/* Makes the directory of job->pack->archive; 0 or a negative errno. */
int pack_make_dir(struct job *job);

#endif
