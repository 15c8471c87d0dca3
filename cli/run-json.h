/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_RUN_JSON_H
#define CLI_RUN_JSON_H

#include <jansson.h>

#include "cli/events.h"

/* Returns the results of a run as one JSON document, for --json and --html; the caller owns it. dkms(8)
 * describes the schema. Only "dkms status --json" prints another document, in status.c. err says
 * what stopped the whole run, or is empty. */
json_t *run_json_make(const struct events *e, const struct error *err);

/* Whether a job of such a document is one that people ask about, which a successful evaluation of a
 * dkms.conf is not. */
bool run_json_is_work(const json_t *job);

/* Returns what came of the remote cache as a new JSON object, once plan_close_fleet() was called; null
 * without one. */
json_t *run_json_remote(const struct plan *p);

#endif
