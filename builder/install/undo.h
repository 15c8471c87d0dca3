/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_UNDO_H
#define BUILDER_INSTALL_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The changes that an install makes to files, so that they can be undone. */

/* The suffix of the temporary names, which begin with a dot: ".evdi.ko.xz.dkms-new". */
#define INSTALL_TEMPORARY ".dkms-new"

/* A change that an install has made. */
struct undo_step {
	enum {
		MOVED,	   /* the file from was moved to the path to */
		EXCHANGED, /* the files from and to were exchanged */
		WRITTEN,   /* the file to was written; from is NULL */
	} kind;
	char *from, *to;
};

/* The changes of an install in the order in which they were made. undo_list_done() frees them. */
struct undo_list {
	struct undo_step *steps;
	size_t n;
};

/* Adds a change that was made; from is NULL or copied, as is to. */
void undo_list_add(struct undo_list *undo, int kind, const char *from, const char *to);
/* Moves a file, also to another file system, and makes the directory for it. Returns 0, or a
 * negative errno and err with status 6. */
int undoable_move(
	struct undo_list *undo, const char *from, const char *to, struct error *err);
/* Renames the file at from to the path to. A file that exists at to is kept at from if
 * the file system can exchange files. Returns what undoable_move() does. */
int undoable_put(
	struct undo_list *undo, const char *from, const char *to, struct error *err);
/* Undoes the changes in reverse order, as far as that is possible. Returns whether all of
 * them are undone. */
bool undo_list_run(struct undo_list *undo);
/* Frees what is in undo and makes it empty. */
void undo_list_done(struct undo_list *undo);

#endif
