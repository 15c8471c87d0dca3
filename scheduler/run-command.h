/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_RUN_COMMAND_H
#define SCHEDULER_RUN_COMMAND_H

#include <uv.h>

#include "builder/run/command.h"

/* Runs one command and waits for it. Returns 0, also if the command failed or could not
 * be started, which the outcome says; or a negative errno. outcome_done frees.
 *
 * If a signal arrives that ends dkms, the command is ended first, or waited for if it has
 * runs_when_cancelled, which a second signal ends. Then the signal ends dkms. */
int runner_run_command(uv_loop_t *loop, const struct command *cmd, struct outcome *ret);

#endif
