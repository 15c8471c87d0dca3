/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_HISTORY_H
#define SCHEDULER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

/* What jobs took when they last ran, by what they are about ("NAME/VERSION") and the
 * kernel: a file between runs. Only the loop's thread uses it. */
struct history;

struct cost {
	uint64_t cpu_ms;	/* user and system time */
	uint64_t max_rss_bytes; /* the largest resident set of a process */
};

/* Never fails: a file that is missing or bad is an empty history. path NULL: nothing is
 * kept. history_free frees, and does not save. */
struct history *history_read(const char *path);
void history_free(struct history *h); /* NULL is allowed */

/* What is known of title on that kernel; else of it on another one, else of another
 * version, the latest. False when there is nothing. */
bool history_find(const struct history *h, const char *title, const char *release,
	struct cost *ret);
/* What it took just now. */
void history_note(struct history *h, const char *title, const char *release,
	const struct cost *cost);
/* Writes what was noted, if anything, to the file, with what other processes have written
 * meanwhile. Returns 0 or a negative errno. */
int history_save(struct history *h);

#endif
