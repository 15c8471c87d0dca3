/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>

#include "builder/job.h"

/* A new JSON string, or null for NULL. It must be UTF-8, a file name need not be: strange
 * bytes become U+FFFD. */
json_t *json_text(const char *s);

/* The time from a to b in seconds, to the microsecond; 0 when b is before a. */
json_t *json_seconds(uint64_t a_ns, uint64_t b_ns);

/* Sets what says which job it is: "kind", "module", "version", "kernel" and "arch", null
 * where it has none. */
void json_set_job(json_t *object, const struct job *job);
/* Sets how it ended: "result", "status", "failed_in", "error", "remedy", "log", "built",
 * "installed" and "wall_s". */
void json_set_result(json_t *object, const struct job *job);

#endif
