/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_PACKAGE_H
#define BUILDER_PACK_PACKAGE_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

/* Puts a package's files together; on a thread. */
int package_assemble(struct job *job);
enum phase package_enter(struct job *job);
enum phase package_leave(struct job *job, const struct outcome *outcome);
enum phase deliver_enter(struct job *job);
enum phase tidy_enter(struct job *job);
/* The state of a package that is not made yet. package_free frees; NULL is allowed. */
struct package *package_new(void);
void package_free(struct package *p);

#endif
