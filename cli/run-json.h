/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_RUN_JSON_H
#define CLI_RUN_JSON_H

#include <jansson.h>

#include "cli/events.h"

/* Prints the results of a run as one JSON document, for --json. dkms(8) describes the schema.
 * Only "dkms status --json" prints another document, in status.c. err says what stopped the
 * whole run, or is empty. */
void run_json_print(const struct events *e, const struct error *err, FILE *out);

/* Returns what came of the remote cache as a new JSON object, once plan_close_fleet() was called; null
 * without one. */
json_t *run_json_remote(const struct plan *p);

#endif
