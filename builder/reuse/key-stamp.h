/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_KEY_STAMP_H
#define BUILDER_REUSE_KEY_STAMP_H

#include <time.h>

#include "base/str.h"

/* What stat(2) says about the files that a text was made from: as long as it says the same,
 * the text need not be made again. Zero-initialised is a stamp that is not the same as any
 * other. */
struct key_stamp {
	struct str stats;
	/* A change of a file shows in its stat data; see cache/statcache.c. */
	bool is_reliable;
};

/* Takes the stamp of the files and directories that are the first words of the lines of
 * text, as far as they are absolute paths, escaped as in a listing, and of files, a
 * NULL-terminated list or NULL. began is the time before the text was made; with NULL the
 * stamp is only to be compared with an earlier one. key_stamp_done() frees. */
void key_stamp_take(const char *text, const char *const *files,
	const struct timespec *began, struct key_stamp *ret);
/* Returns whether no file has changed since the earlier stamp was taken. */
bool key_stamp_is_same(const struct key_stamp *earlier, const struct key_stamp *now);
void key_stamp_done(struct key_stamp *s);

#endif
