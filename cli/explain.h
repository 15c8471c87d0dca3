/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "builder/job/job.h"

/* What a job whose checks are over is going to do ("build, install"), and with why the
 * reason in parentheses. NULL when it is not worth a word; caller frees. */
char *explain_job(const struct job *job, bool why);

#endif
