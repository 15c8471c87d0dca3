/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DISPLAY_H
#define CLI_DISPLAY_H

#include "cli/events.h"

/* The live display: shows the progress of a run in the last lines of a terminal.
 *
 * Between two frames the cursor stays on the first character of the display. So the display
 * can always be cleared by erasing everything after the cursor, even if the terminal has
 * wrapped its lines after a change of the window's size. */
struct display;

/* Returns true if standard output is a terminal that can move its cursor. Returns false while
 * dpkg runs dkms, because the terminal then shows dpkg's own progress. */
bool display_possible(void);

/* Creates a display. loop is the loop on which the plan runs; the display's timer does not
 * keep it alive. The caller frees with display_free(). */
struct display *display_new(uv_loop_t *loop);
/* The listener that feeds the events of a run to the display. */
struct listener display_listener(struct display *d);
/* Erases the display, so that a line that is to stay can be printed. The next event draws the
 * display again below that line. d may be NULL. */
void display_clear(struct display *d);
/* Erases the display, closes its handles, for which it runs the loop, and frees it. d may be
 * NULL. */
void display_free(struct display *d);

#endif
