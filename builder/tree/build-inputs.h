/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_BUILD_INPUTS_H
#define BUILDER_TREE_BUILD_INPUTS_H

#include "builder/host/kernel.h"
#include "builder/tree/tree.h"

/* What stat(2) says of the files that a version was built from. It is kept beside the built
 * modules, so that a later run can tell, without reading the files, whether one of them has
 * changed since. */

/* The file in RELEASE/ARCH. It has a line "WHAT N TIMES HASH" in hexadecimal digits for each
 * struct file_stats, and behind that of the compiler its path. */
#define BUILD_INPUTS_FILE "log/inputs"

/* A number of files, in no order. Times are in seconds, because archives keep no more. The
 * time of a link does not count, only what it leads to. */
struct file_stats {
	uint64_t n;     /* of files */
	uint64_t times; /* the sum of the times of their last changes (s since 1970) */
	uint64_t hash;  /* of their names and sizes, and of the texts of links */
};

struct build_inputs {
	/* The files that every new package of headers changes: those at the top of each
	 * directory of header_trees_list(), and what is generated there. */
	struct file_stats headers;
	struct file_stats source;    /* all files but those in .git */
	struct file_stats overrides; /* the administrator's in /etc/dkms, for this package */
	struct file_stats compiler;
	char *compiler_path; /* "/usr/bin/gcc-12", or NULL if there was none */
};
void build_inputs_done(struct build_inputs *in);

/* Look at the files. They return false if one cannot be looked at, or if there is none where
 * there must be some. */
bool build_inputs_look_at_headers(struct kernel *k, struct file_stats *ret);
bool build_inputs_look_at_source(const char *dir, struct file_stats *ret);
bool build_inputs_look_at_compiler(const char *path, struct file_stats *ret);
/* names are those of the files in config_dir. */
void build_inputs_look_at_overrides(const struct settings *s, const struct strv *names,
	struct version_on_kernel on, struct file_stats *ret);

/* Returns whether files that were then are now others. Image builders that set the times of
 * all files to 0 or 1 do not change them by that. */
bool file_stats_differ(const struct file_stats *then, const struct file_stats *now);

/* Reads the inputs of what is built for a kernel below version_dir, DKMSTREE/NAME/VERSION.
 * Returns false if they are not known: they have not been written, or cannot be read.
 * build_inputs_done() frees. */
bool build_inputs_read(
	const char *version_dir, struct version_on_kernel on, struct build_inputs *ret);
/* Writes them to the file in the directory built, which is or will be RELEASE/ARCH. */
int build_inputs_write(
	const char *built, const struct build_inputs *in, struct error *err);
/* A script of the package has changed its source: what was built of the source as it was
 * before is not older than what is there now. Goes through all kernels. */
void build_inputs_follow_source(const char *dkms_tree, const char *name,
	const char *version, const struct file_stats *before, const struct file_stats *after);

#endif
