/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_TREES_H
#define CACHE_TREES_H

#include "base/str.h"
#include "cache/digest.h"

/* Listings (cache/listing.h) of large directories that seldom change, such as a kernel's
 * headers, kept between runs: while each file in there is what it was by its stat data, the
 * listing and its digest are known without being made. Any thread. */
struct trees;
struct tree;

/* What is kept is below dir. trees_close frees, trees too that were got. */
struct trees *trees_open(const char *dir);
void trees_close(struct trees *t); /* NULL is allowed */

/* The listing of the directory path, called by that path; markers is as for
 * listing_add_tree(). tree_free frees. 0 or a negative errno. */
int trees_get(struct trees *t, const char *path, const char *markers, struct tree **ret);
void tree_free(struct tree *tree); /* NULL is allowed */

const char *tree_path(const struct tree *tree);
const struct digest *tree_digest(const struct tree *tree);
/* The text; data is NULL when what is kept of it turns out to be damaged. */
struct str tree_text(struct tree *tree);
/* Whether the directory has been as it was from trees_get() until now. */
bool trees_is_unchanged(struct trees *t, const struct tree *tree);

#endif
