/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_INPUTS_H
#define BUILDER_REUSE_INPUTS_H

#include "cache/pieces.h"
#include "builder/reuse/fingerprint-objects.h"

/* What make is about to see: the files of the build directory and the kernel. The inputs
 * of objects that are kept are compared with that. */
struct view {
	const char *seen;	   /* the build directory, as make sees it */
	const struct strv *places; /* of the kernel: header_mounts_list() */
	struct str files;	   /* the build directory: a listing, by SEEN/NAME */
	struct line_index *index;  /* of files; made by view_read */
	struct kernel_index kernel;
};

/* Lists dir as what make will see at seen; both and places must outlive the view.
 * view_done frees. 0 or a negative errno. */
int view_read(struct statcache *stats, const char *dir, const char *seen,
	const struct strv *places, struct view *ret);
void view_done(struct view *v);

/* The names of its files, without what is in them. Caller frees. */
char *view_names(const struct view *v);
/* What the listings say of a file, as the value of an input; caller frees; NULL:
 * nothing. */
char *view_describe(const struct view *v, const char *seen);
/* Whether an input, a path or "CONFIG_X", has that value here. */
bool view_is_same(const struct view *v, const char *name, const char *value);
/* What pieces_check() found changed, a line for each input that differs: "sub/a.o and 2
 * more: include/linux/kernel.h differs", its name being that below the build directory or
 * the kernel's. */
void view_add_changes(const struct view *v, const struct pieces *p, const size_t *changed,
	struct strv *ret);

#endif
