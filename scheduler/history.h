/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_HISTORY_H
#define SCHEDULER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

/* What jobs took when they last ran, for each title ("NAME/VERSION" or "depmod") and
 * kernel release. It is kept in a file between runs. Only the thread of the loop may use
 * it. */
struct history;

struct cost {
	uint64_t cpu_ms;        /* user and system time */
	uint64_t max_rss_bytes; /* the largest resident set of one process */
};

/* Reads the file. A missing or damaged file is an empty history. With NULL as path there
 * is no file, and nothing is saved. history_free frees, and does not save. */
struct history *history_read(const char *path);
void history_free(struct history *h); /* NULL is allowed */
/* Reads the file at path. Returns 1 if all of its lines are records, 0 if there is no
 * file, -EBADMSG if it is damaged, or another negative errno. */
int history_verify(const char *path);

/* Finds a record of a job: one for the title and the release; else one for the title on
 * another kernel; else one for another version of the module. Of several records it takes
 * the latest. Returns false if there is none. */
bool history_find(const struct history *h, const char *title, const char *release,
	struct cost *ret);
/* Records what a job took now. */
void history_note(struct history *h, const char *title, const char *release,
	const struct cost *cost);
/* Writes the file if anything was recorded. First reads it again, to keep what other
 * processes have written since. Returns 0 or a negative errno. */
int history_save(struct history *h);

#endif
