/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_PIECES_H
#define CACHE_PIECES_H

#include <stdint.h>

#include "base/str.h"
#include "base/strv.h"

/* A result in pieces, such as the object files of a module. Each piece has a list of the
 * inputs that it was made from. They are known only after it was made, so they cannot be
 * in a key. A piece can be used again if all of its inputs are unchanged. */

struct piece {
	struct strv files; /* the names of its files in the entry */
	size_t *inputs;    /* indexes into the inputs of struct pieces */
	size_t n_inputs;
};

struct pieces {
	struct strv inputs; /* "NAME VALUE"; no line ends, and no space in NAME */
	struct piece common; /* no files: the inputs that all pieces were made from */
	struct piece *items;
	size_t n;
	char *note; /* a line for the caller's own use, or NULL */
};

/* Adds an empty piece. The pointer is valid until the next piece is added. */
struct piece *pieces_add(struct pieces *p);
void piece_add_input(struct piece *piece, size_t number);
void pieces_done(struct pieces *p);

/* Appends the pieces as text. */
void pieces_write(const struct pieces *p, struct str *ret);
/* Reads pieces from their text; pieces_done frees *ret. Returns 0, or -EBADMSG if the
 * text has another format. */
int pieces_parse(const char *text, struct pieces *ret);

/* Finds out which pieces can be used: none if one of the common inputs has changed. same() tells whether an input still has that value.
 * Sets each of the p->n elements of changed to the index of the piece's first input that
 * has changed, or to PIECE_VALID if none has. Returns the number of pieces that are
 * PIECE_VALID. */
#define PIECE_VALID SIZE_MAX
size_t pieces_check(const struct pieces *p,
	bool (*same)(const void *userdata, const char *name, const char *value),
	const void *userdata, size_t *changed);

#endif
