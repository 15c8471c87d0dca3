/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LINE_INDEX_H
#define CACHE_LINE_INDEX_H

#include "base/str.h"

/* Finds the lines of a text by the name that each begins with, up to a blank: those of a
 * listing by their paths. Read by any number of threads at once. */
struct line_index;

/* Borrows text, which must outlive the index. Of lines with the same name, the first
 * counts. line_index_free frees. */
struct line_index *line_index_new(const char *text);
void line_index_free(struct line_index *i); /* NULL is allowed */
/* What follows the name and the blank, up to a line end that *ret_len leaves out;
 * borrowed; NULL when there is no such line. */
const char *line_index_find(
	const struct line_index *i, const char *name, size_t *ret_len);

#endif
