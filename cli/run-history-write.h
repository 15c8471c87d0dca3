/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_RUN_HISTORY_WRITE_H
#define CLI_RUN_HISTORY_WRITE_H

#include "cli/arguments.h"
#include "cli/events.h"

/* The listener that adds a line about a run to settings_history_path() at its end: see
 * cli/run-history.h. args must outlive the run. */
struct listener run_history_listener(const struct arguments *args);

#endif
