/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_INPUTS_H
#define BUILDER_REUSE_INPUTS_H

#include "cache/pieces.h"
#include "builder/reuse/fingerprint-objects.h"

/* Everything that can be an input of the objects of a build: the files that its make
 * sees, and the options of its kernel. The inputs of stored objects are compared with it.
 *
 * The name of an input is the path of a file as make sees it, or "CONFIG_X". Its value is
 * the rest of the file's line in a listing (cache/listing.h), or that of
 * kbuild_option_value(). */
struct inputs {
	const char *build_dir;		  /* its path as make sees it */
	const struct strv *header_mounts; /* of the kernel, by header_mounts_list() */
	struct str files;		  /* listing of the build directory, with paths as
					   * make sees them */
	struct line_index *files_index;	  /* of files */
	struct kernel_index kernel;	  /* set by the caller of inputs_read() */
};

/* Reads the directory dir, which make will see at build_dir. build_dir and header_mounts
 * must live longer than *ret. Returns 0 or a negative errno; -ENOENT if the directory is
 * empty. inputs_done() frees. */
int inputs_read(struct statcache *stats, const char *dir, const char *build_dir,
	const struct strv *header_mounts, struct inputs *ret);
void inputs_done(struct inputs *in);

/* Returns the listing of the build directory without the content of files; the caller
 * frees. */
char *inputs_list_names(const struct inputs *in);
/* Returns the value of a file as an input, or NULL if no regular file is listed at this
 * path. The caller frees. */
char *inputs_describe_file(const struct inputs *in, const char *path);
/* Whether an input has this value here. */
bool inputs_has_value(const struct inputs *in, const char *name, const char *value);
/* Describes what pieces_check() found changed. Appends a line for each input that
 * differs, such as "sub/a.o and 2 more: include/linux/kernel.h differs": the objects that
 * cannot be used, and the path of the file below the build directory or the kernel's. */
void inputs_add_changes(const struct inputs *in, const struct pieces *p,
	const size_t *changed, struct strv *ret);

#endif
