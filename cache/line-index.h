/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LINE_INDEX_H
#define CACHE_LINE_INDEX_H

#include "base/str.h"

/* Finds lines of a text by their first word: lines of a listing by their paths, for
 * example. Several threads may use one index at the same time. */
struct line_index;

/* Makes an index of text, which must outlive it. If several lines have the same first
 * word, the first of them is found. line_index_free frees. */
struct line_index *line_index_new(const char *text);
void line_index_free(struct line_index *i); /* NULL is allowed */
/* Returns what follows name and a space in its line, or NULL if there is no such line. It
 * is a part of the text, and has *ret_len bytes without the line end. */
const char *line_index_find(
	const struct line_index *i, const char *name, size_t *ret_len);

#endif
