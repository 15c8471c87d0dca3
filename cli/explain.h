/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "builder/job/job.h"

/* Returns what a job is going to do, once its checks are over: "build, install". With why, the
 * reason follows in parentheses. Returns NULL if there is nothing to print for such a job. The
 * caller frees. */
char *explain_job(const struct job *job, bool why);

#endif
