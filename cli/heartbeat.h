/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_HEARTBEAT_H
#define CLI_HEARTBEAT_H

#include "cli/events.h"

/* Says on standard error, where there is no live display, what is running: 2 s after the first
 * job has started, and whenever 15 s have passed without a line. The variable DKMS_HEARTBEAT
 * has other seconds than 15; 0: it says nothing. */
struct heartbeat;

/* Creates one for a run on the loop; its timer does not keep the loop alive. Returns NULL if it
 * would say nothing. heartbeat_free() frees. */
struct heartbeat *heartbeat_new(uv_loop_t *loop);
/* The listener that feeds the events of a run to it. */
struct listener heartbeat_listener(struct heartbeat *h);
/* Closes the timer, for which it runs the loop, and frees. h may be NULL. */
void heartbeat_free(struct heartbeat *h);

#endif
