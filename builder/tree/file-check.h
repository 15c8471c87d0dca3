/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_FILE_CHECK_H
#define BUILDER_TREE_FILE_CHECK_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"

/* Whether the files of a built or installed version are still as dkms put them there. */
enum file_check {
	FILE_CHECK_OK,
	FILE_CHECK_MISSING, /* a module that the dkms.conf names is not in the tree */
	FILE_CHECK_DIFFERS, /* a module in the tree is not installed as it is there */
};

/* Checks the entries of a list. Returns list->n elements, which the caller frees. Broken
 * and added entries, and entries whose files cannot be examined, are FILE_CHECK_OK. Does
 * not run any dkms.conf: it finds FILE_CHECK_MISSING only if the names can be read from
 * the text or if no module is left. Files of the same size and time count as equal; other
 * files of the same size are compared byte by byte. */
enum file_check *file_check_entries(
	const struct settings *s, const struct tree_list *list);
/* The same for one built or installed version: returns whether it is FILE_CHECK_MISSING. In
 * the usual case this takes two system calls. */
bool file_check_is_missing(const struct settings *s, struct version_on_kernel on);

#endif
