/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_RUN_HISTORY_H
#define CLI_RUN_HISTORY_H

#include <jansson.h>

#include "builder/tree/tree.h"
#include "cli/arguments.h"

/* What has dkms done on this machine? Each run that has changed something, or failed, adds one line
 * to settings_history_path(), a JSON object:
 *
 *   "schema"   "dkms-history-1"
 *   "when"     the end of the run: "2026-11-30T19:31:02Z"
 *   "command"  "autoinstall"
 *   "line"     the command line
 *   "by"       who has called dkms, as far as its environment tells, or null
 *   "status"   the exit status
 *   "jobs"     a list of what was done, each with the keys of json_set_job(), "result", "error",
 *              "log" and "changes", a list of words such as "built" and "installed"
 *
 * A file of more than HISTORY_BYTES is renamed to FILE.1, in place of an older one. */

#define HISTORY_SCHEMA "dkms-history-1"
#define HISTORY_BYTES (1024 * 1024)

/* Returns the runs in the file at path and in FILE.1, the oldest first, as a list that the caller
 * frees. Lines that are no runs are left out. Sets *ret to an empty list if there is no file. Returns
 * 0, or a negative errno with status 1. */
int run_history_read(const char *path, json_t **ret, struct error *err);
/* Returns whether the job of a run is about what the filter passes. */
bool run_history_job_passes(const json_t *job, const struct tree_filter *filter);
/* Returns what was done in the job: "built, installed" or "FAILED: make exited with 2". The caller
 * frees. */
char *run_history_job_words(const json_t *job);
/* Returns the newest run in a list of run_history_read() that has changed the version on the kernel, or
 * NULL. It belongs to the list. */
const json_t *run_history_find_last(const json_t *runs, struct version_on_kernel on);
/* Returns when and by which command the run was made, as one line; the caller frees. */
char *run_history_words(const json_t *run);

/* dkms history; returns the exit status. */
int command_history(struct arguments *args);

#endif
