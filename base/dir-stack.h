/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_DIR_STACK_H
#define BASE_DIR_STACK_H

#include <sys/types.h>

#include "base/util.h"

/* The directories from a top directory down to one below it, each with a descriptor, for
 * trees of any depth: only the deepest DIR_STACK_OPEN ones are open. When a directory
 * above them becomes the deepest one, it is opened again as ".." of the one below it, and
 * it must still be the same directory. */

#define DIR_STACK_OPEN 16

/* Zero-initialised is empty. */
struct dir_stack {
	struct stacked_dir {
		int fd;    /* -1: not open */
		dev_t dev; /* dev and ino are known if it is not open */
		ino_t ino;
	} *items; /* top first */
	size_t n, room;
};

/* Makes the directory that fd is open on the deepest one. Owns fd in all cases. Returns 0,
 * or a negative errno, and then the stack is as before. */
int dir_stack_push(struct dir_stack *s, int fd);
/* Closes the deepest directory and makes the one above it the deepest. Returns 0, or a
 * negative errno if that one cannot be opened again; -ESTALE if the directory has been
 * moved meanwhile. After an error, only dir_stack_done() may be called. */
int dir_stack_pop(struct dir_stack *s);
/* Returns the descriptor of the deepest directory of a stack that is not empty. */
int dir_stack_fd(const struct dir_stack *s);
void dir_stack_done(struct dir_stack *s);

#endif
