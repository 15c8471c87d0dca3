/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_STALE_H
#define BUILDER_TREE_STALE_H

#include "builder/tree/build-inputs.h"

/* Is what is built older than what it was built from? What is known of a kernel and of a
 * source is found out once for as long as this exists. */
struct stale_check {
	const struct settings *settings;
	bool overrides_known;
	struct strv overrides; /* the names in /etc/dkms */
	struct stale_kernel *kernels;
	size_t n_kernels;
	/* What source is about, or NULL; then also the directory NAME/VERSION. */
	char *name, *version, *version_dir;
	bool source_read, source_known;
	struct file_stats source;
};

/* Frees what a check that began as {.settings = s} has found out. */
void stale_check_done(struct stale_check *c);

/* Returns why what is built of a version for a kernel is stale, for a message: "its source
 * has changed"; static. Also if a module that was built is missing in the dkms tree, whatever
 * built it. NULL if it is not, or if that is not known: it was built by another dkms, with
 * other headers than the kernel's, with --directive or with SOURCE_DATE_EPOCH, or came from
 * an archive; or it could not be built now, because the source or the headers are missing. */
const char *stale_find(struct stale_check *c, struct version_on_kernel on);

#endif
