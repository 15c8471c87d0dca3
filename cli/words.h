/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "builder/job/job.h"

/* Returns how messages call the job: "evdi/1.12.0 for 6.1.0-56-amd64", or without the kernel
 * if the job is not about one. The caller frees. */
char *job_title(const struct job *job);

/* Whether the summary at the end of a run counts the job: it does if the job acts on a module
 * for a kernel, or failed to read its dkms.conf. */
bool job_in_summary(const struct job *job);
/* Returns the word for the result of the job in the table of the summary, such as "linked" or
 * "FAILED"; "" if the job did not run. */
const char *job_outcome_word(const struct job *job);

#endif
