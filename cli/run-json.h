/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_RUN_JSON_H
#define CLI_RUN_JSON_H

#include "cli/events.h"

/* Prints what the run did as one JSON document: --json of every command but status, whose
 * document is its own. dkms(8) has the schema. err is what stopped the whole run, or
 * empty. */
void run_json_print(const struct events *e, const struct error *err, FILE *out);

#endif
