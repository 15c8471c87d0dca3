/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "builder/job/job.h"

/* "evdi/1.12.0 for 6.1.0-56-amd64"; caller frees. */
char *job_title(const struct job *job);

/* Whether a job is one of a module on a kernel, which the summary counts, and the word
 * that tells there how it went. */
bool job_in_summary(const struct job *job);
const char *job_outcome_word(const struct job *job);

#endif
