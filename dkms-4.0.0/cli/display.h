/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DISPLAY_H
#define CLI_DISPLAY_H

#include "cli/events.h"

/* A run as it goes on, in the last lines of a terminal. The cursor rests at its first
 * character, so that clearing it is erasing what follows, whatever the terminal has made
 * of the lines when its window changed. */
struct display;

/* Whether standard output is a terminal that can show it, and a person's: dpkg's is not. */
bool display_possible(void);

/* loop is the one that the plan runs on; the display does not keep it going. */
struct display *display_new(uv_loop_t *loop);
struct listener display_listener(struct display *d);
/* Makes room for a line that stays; the next event brings the display back. NULL is
 * allowed. */
void display_clear(struct display *d);
/* Clears it and closes its handles; runs the loop for that. NULL is allowed. */
void display_free(struct display *d);

#endif
