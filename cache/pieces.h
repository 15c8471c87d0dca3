/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_PIECES_H
#define CACHE_PIECES_H

#include <stdint.h>

#include "base/str.h"
#include "base/strv.h"

/* A result in pieces, such as the object files of a module, each with the inputs that it was
 * made from. What these are is known only afterwards, so they are not in a key but listed:
 * a piece is as good as made anew where all of its inputs are what they were. */

struct piece {
	struct strv files; /* their names in the entry */
	size_t *inputs;	   /* numbers of inputs */
	size_t n_inputs;
};

struct pieces {
	struct strv inputs; /* "NAME VALUE"; no line ends in it, no blank in NAME */
	struct piece *items;
	size_t n;
	char *note; /* a line of the maker's own, or NULL */
};

/* Adds an empty one; borrowed until the next is added. */
struct piece *pieces_add(struct pieces *p);
void piece_add_input(struct piece *piece, size_t number);
void pieces_done(struct pieces *p);

void pieces_write(const struct pieces *p, struct str *ret);
/* 0, or -EBADMSG when text is not in our format. pieces_done frees *ret. */
int pieces_parse(const char *text, struct pieces *ret);

/* Fills changed, of p->n, with the number of the first of the piece's inputs that is not the
 * same, which same() tells of one; PIECE_VALID when all are. Returns how many have that. */
#define PIECE_VALID SIZE_MAX
size_t pieces_check(const struct pieces *p,
	bool (*same)(const void *userdata, const char *name, const char *value),
	const void *userdata, size_t *changed);

#endif
