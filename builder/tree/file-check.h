/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_FILE_CHECK_H
#define BUILDER_TREE_FILE_CHECK_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"

/* What became of the files of a built or installed module since dkms put them there. */
enum file_check {
	FILE_CHECK_OK,
	FILE_CHECK_MISSING, /* of the modules that the dkms.conf names, one is not in the tree
			*/
	FILE_CHECK_DIFFERS, /* of those in the tree, one is not installed, or another one is */
};

/* Looks at all entries of a list; the result has list->n elements, the caller frees it.
 * Broken and added entries, and what cannot be looked at, count as FILE_CHECK_OK. Runs no
 * dkms.conf: FILE_CHECK_MISSING is found where the text tells the names, or none is left.
 * Files of the same size and time count as the same; others are read. */
enum file_check *file_check_entries(const struct settings *s, const struct tree_list *list);

#endif
