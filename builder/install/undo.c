/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are the changes of an install made, and undone if it fails? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/staging.h"
#include "builder/install/undo.h"

void undo_list_add(
	struct undo_list *undo, int kind, const char *from, const char *to)
{
	undo->steps = xrealloc_array(undo->steps, undo->n + 1, sizeof(*undo->steps));
	undo->steps[undo->n++] = (struct undo_step){kind, xstrdup(from), xstrdup(to)};
}

static bool exchange_files(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
}

int undoable_move(
	struct undo_list *undo, const char *from, const char *to, struct error *err)
{
	_cleanup_free_ char *dir = path_parent(to);
	int r = dir_make(dir, err);

	if (r < 0)
		return r;
	if (rename(from, to) < 0) {
		r = -errno;
		/* The kernel's tree and the dkms tree may be on different file systems.
		 */
		if (r == -EXDEV) {
			staging_remove_temporaries(to);
			r = file_copy(from, to, NULL);
		}
		if (r == 0)
			r = dir_sync(dir);
		if (r == 0 && unlink(from) < 0)
			r = -errno;
	}
	if (r < 0)
		return error_errno(err, r, 6, "cannot move %s to %s", from, to);
	undo_list_add(undo, MOVED, from, to);
	return 0;
}

int undoable_put(
	struct undo_list *undo, const char *from, const char *to, struct error *err)
{
	if (!exchange_files(from, to))
		return undoable_move(undo, from, to, err);
	undo_list_add(undo, EXCHANGED, from, to);
	return 0;
}

void undo_list_done(struct undo_list *undo)
{
	for (size_t i = 0; i < undo->n; i++) {
		free(undo->steps[i].from);
		free(undo->steps[i].to);
	}
	free(undo->steps);
	*undo = (struct undo_list){0};
}

bool undo_list_run(struct undo_list *undo)
{
	bool undone = true;

	while (undo->n) {
		struct undo_step *step = &undo->steps[--undo->n];
		struct undo_list ignored = {0};

		if (step->kind == WRITTEN)
			undone &= unlink(step->to) == 0;
		else if (step->kind == EXCHANGED)
			undone &= exchange_files(step->from, step->to);
		else
			undone &= undoable_move(&ignored, step->to, step->from, NULL) == 0;
		undo_list_done(&ignored);
		free(step->from);
		free(step->to);
	}
	return undone;
}
