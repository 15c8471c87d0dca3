/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_SKIP_LIST_H
#define BUILDER_HOST_SKIP_LIST_H

#include "builder/host/settings.h"

/* Which modules does the administrator keep off which kernels? The file skip.list in /etc/dkms
 * has a line "NAME[/VERSION] [RELEASE...]" for each: without a release, or with "*", it holds
 * for all kernels. A line that begins with '#' is a comment. */

struct skip_record {
	char *name;
	char *version; /* NULL: all versions */
	char *release; /* of a kernel; NULL: all kernels */
};

/* Zero-initialised is empty. */
struct skip_list {
	struct skip_record *items; /* in the order of the file */
	size_t n;
};

/* Reads the list, which is empty if there is no file. skip_list_done() frees. Returns 0, or a
 * negative errno and err. */
int skip_list_read(const struct settings *s, struct skip_list *ret, struct error *err);
void skip_list_done(struct skip_list *l);

/* Returns the first record that keeps the version off the kernel; it belongs to the list. NULL
 * if there is none. version may be NULL for any version, which only a record for all versions
 * keeps off, and release for any kernel, in the same way. */
const struct skip_record *skip_list_find(const struct skip_list *l, const char *name,
	const char *version, const char *release);
/* Returns the arguments of dkms skip and unskip that mean the record: "evdi/1.0 -k RELEASE" or
 * "evdi --all". The caller frees. */
char *skip_record_words(const struct skip_record *r);

/* Adds a record, whose version and release may be NULL, to the file. Returns 1 if it, or one
 * that holds for more, is there already, 0 if it was added, or a negative errno and err. */
int skip_list_add(const struct settings *s, const char *name, const char *version,
	const char *release, struct error *err);
/* Removes all records of the module, or of the version, for the kernel; all of them if release is
 * NULL. Other lines stay as they are. Returns how many were removed, or a negative errno and
 * err. */
int skip_list_remove(const struct settings *s, const char *name, const char *version,
	const char *release, struct error *err);

#endif
