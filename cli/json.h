/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>

#include "builder/job/job.h"

/* A new JSON string, or null for NULL. It must be UTF-8, a file name need not be: strange
 * bytes become U+FFFD. */
json_t *json_text(const char *s);

/* The time from a to b in seconds, to the microsecond; 0 when b is before a. */
json_t *json_seconds(uint64_t a_ns, uint64_t b_ns);

/* Sets what says which job it is: "kind", "module", "version", "kernel" and "arch", null
 * where it has none. */
void json_set_job(json_t *object, const struct job *job);
/* Sets how it ended and what it used: "result", "status", "failed_in", "error", "remedy",
 * "log", "archive", "built", "installed", "cache" and what json_set_used does. */
void json_set_result(json_t *object, const struct job *job);
/* Sets "wall_s", "cpu_s" and "max_rss_bytes", which is null for 0. */
void json_set_used(json_t *object, uint64_t wall_ns, uint64_t cpu_ns, uint64_t max_rss_bytes);
/* A list of what the job went through in a run that began then (uv_hrtime): "phase",
 * "start_s", "exit_status" and what json_set_used sets. */
json_t *json_phases(uint64_t began_ns, const struct job *job);

#endif
