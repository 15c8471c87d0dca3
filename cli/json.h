/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "base/json-text.h"
#include "builder/build/buildlog.h"
#include "builder/job/job.h"

/* How jobs look in JSON: what the documents and the events that dkms writes have in common.
 * Values that are returned belong to the caller. */

/* Prints a document to a terminal or file, and a newline. Other characters than those of ASCII
 * are written as \u escapes, since U+0080 to U+009F control terminals. */
void json_print(const json_t *j, FILE *out);
/* Returns the time from a to b in seconds, to the microsecond; 0 if b is before a. */
json_t *json_seconds(uint64_t a_ns, uint64_t b_ns);

/* Returns a time in seconds since 1970 as "2026-11-30T19:31:02Z". */
json_t *json_when(int64_t seconds);
/* Returns the seconds since 1970 of such a text; 0 if it is none. */
int64_t json_when_seconds(const json_t *when);

/* Sets the keys that identify a job: "kind", "module", "version", "kernel" and "arch". A key
 * that does not apply to the job is null. */
void json_set_job(json_t *object, const struct job *job);
/* Sets how the job ended: "result", "status", "failed_in", "error", "remedy", "log",
 * "archive", "built", "installed", "cache", "linked_from", "not_kept" and the keys of
 * json_set_usage(). */
void json_set_result(json_t *object, const struct job *job);
/* Sets what the log of a build says: "phase", "exit_status", "error", "log" and "when". The log
 * of a build that has not failed has no summary: NULL. */
void json_set_log(json_t *object, const char *log, int64_t when_s,
	const struct buildlog_summary *summary);
/* Sets "wall_s", "cpu_s" and "max_rss_bytes", which is null for 0. */
void json_set_usage(json_t *object, uint64_t wall_ns, uint64_t cpu_ns, uint64_t max_rss_bytes);
/* Returns a list of the phases of a job. Each has "phase", "start_s", "exit_status" and the
 * keys of json_set_usage(). began_ns is uv_hrtime() at the start of the run. */
json_t *json_phases(uint64_t began_ns, const struct job *job);

#endif
