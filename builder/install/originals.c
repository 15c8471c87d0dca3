/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where are the kernel's own modules kept while dkms has replaced them? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/install/originals.h"
#include "builder/install/rivals.h"
#include "builder/tree/tree.h"

/* Writes the file that says where the module path, which is to be moved to the path to,
 * comes from. */
static int write_origin(
	struct job *job, struct undo_list *undo, const char *path, const char *to)
{
	_cleanup_free_ char *origin = xasprintf("%s.origin", to);
	_cleanup_free_ char *dir = path_parent(origin);
	_cleanup_free_ char *line = xasprintf("%s\n", path);
	int r = dir_make(dir, &job->outcome.error);

	if (r == 0)
		r = file_write(origin, line, strlen(line), 0644, &job->outcome.error);
	if (r < 0)
		return r;
	undo_list_add(undo, WRITTEN, NULL, origin);
	/* After a crash the module must not be in a directory that is not there. */
	r = dir_sync_all(dir);
	return r < 0 ? error_errno(&job->outcome.error, r, 1, "cannot write %s", dir) : 0;
}

/* Whether the file saved came from path. */
static bool is_saved_from(const char *saved, const char *path)
{
	_cleanup_free_ char *origin = xasprintf("%s.origin", saved);
	_cleanup_free_ char *line = xasprintf("%s\n", path);
	_cleanup_(str_done) struct str is = {0};

	return file_read(origin, 4096, &is, NULL) == 0 && is.len && streq(is.data, line);
}

/* Moves a file away, to a temporary name that is to be removed in the end. */
static int move_away(struct job *job, struct undo_list *undo, const char *path, struct strv *to_remove)
{
	_cleanup_free_ char *name = xasprintf(".%s" INSTALL_TEMPORARY, path_base(path));
	_cleanup_free_ char *away = path_beside(path, name);
	int r = undoable_move(undo, path, away, &job->outcome.error);

	if (r == 0)
		strv_push(to_remove, away);
	return r;
}

/* Moves the module at path to the path to. A file that is there keeps a temporary name, so that it
 * is not lost if the install fails. */
static int save(struct job *job, struct undo_list *undo, const char *path, const char *to,
	struct strv *replaced)
{
	int r = path_look(to);

	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot look at %s", to);
	r = r > 0 ? move_away(job, undo, to, replaced) : write_origin(job, undo, path, to);
	if (r < 0)
		return r;
	strv_push(&job->outcome.moved, path);
	strv_push(&job->outcome.saved, to);
	strv_push(&job->outcome.saved_from, path);
	return undoable_move(undo, path, to, &job->outcome.error);
}

int originals_take_back(struct job *job, struct undo_list *undo, const struct destination *f,
	struct strv *to_remove)
{
	_cleanup_free_ char *dir =
		tree_original_dir(job->shared->settings->trees.dkms, job_on_kernel(job));
	_cleanup_free_ char *theirs = rivals_find_successor(job, f->file, f->built);
	_cleanup_free_ char *own = path_join(dir, f->file);
	_cleanup_free_ char *own_origin = xasprintf("%s.origin", own);
	_cleanup_free_ char *stale = theirs ? path_join(theirs, f->file) : NULL;
	_cleanup_free_ char *stale_origin = theirs ? xasprintf("%s.origin", stale) : NULL;
	int has_own = theirs ? path_look(own) : 0, r = 0;

	if (!theirs)
		return 0;
	/* Another dkms that has saved it has not written from where. */
	if (has_own > 0 && !path_exists(own_origin))
		return 0;
	if (has_own < 0)
		return error_errno(&job->outcome.error, has_own, 1, "cannot look at %s", own);
	if (has_own) {
		r = undoable_put(undo, own_origin, stale_origin, &job->outcome.error);
		if (r == 0)
			r = undoable_put(undo, own, stale, &job->outcome.error);
	}
	if (r == 0 && path_exists(has_own ? own : stale))
		r = move_away(job, undo, has_own ? own : stale, to_remove);
	if (r == 0 && path_exists(has_own ? own_origin : stale_origin))
		r = move_away(job, undo, has_own ? own_origin : stale_origin, to_remove);
	return r;
}

int originals_move_back(struct job *job)
{
	const struct strv *saved = &job->outcome.saved, *from = &job->outcome.saved_from;
	int r = 0;

	for (size_t i = 0; i < saved->n && r == 0; i++) {
		_cleanup_free_ char *origin = xasprintf("%s.origin", saved->items[i]);
		_cleanup_free_ char *dir = path_parent(origin);
		_cleanup_free_ char *package =
			path_join(job->shared->settings->trees.dkms, job->name);
		struct undo_list ignored = {0};

		if (path_look(from->items[i]) != 0 || path_look(saved->items[i]) == 0)
			continue;
		r = undoable_move(&ignored, saved->items[i], from->items[i], &job->outcome.error);
		undo_list_done(&ignored);
		if (r == 0 && unlink(origin) < 0 && errno != ENOENT)
			r = error_errno(
				&job->outcome.error, -errno, 1, "cannot remove %s", origin);
		dir_prune(dir, package);
	}
	return r;
}

/* Returns where to keep the module at path; the caller frees. */
static char *place_for(
	const struct job *job, const char *dir, const char *path, bool is_original)
{
	char *to = path_join(dir, path_base(path));

	if (path_look(to) == 0 ? is_original : is_saved_from(to, path))
		return to;
	free(to);
	return xasprintf("%s/collisions/%s", dir, path + strlen(job->kernel->dir) + 1);
}

int originals_save(struct job *job, struct undo_list *undo, const struct destination *f,
	const struct strv *foreign, struct strv *replaced)
{
	const struct kernel *k = job->kernel;
	_cleanup_free_ char *dir =
		tree_original_dir(job->shared->settings->trees.dkms, job_on_kernel(job));
	_cleanup_free_ char *dest_dir = path_parent(f->path);
	_cleanup_free_ char *extra = path_join(k->dir, "extra");
	_cleanup_free_ char *updates = path_join(k->dir, "updates");
	const char *preferred[] = {extra, updates, dest_dir};
	const char *original = foreign->n == 1 ? foreign->items[0] : NULL;
	int r = 0;

	for (size_t p = 0; p < ARRAY_SIZE(preferred) && foreign->n > 1 && !original;
		p++) {
		for (size_t i = 0; i < foreign->n && !original; i++) {
			const char *path = foreign->items[i];
			size_t len = (size_t)(path_base(path) - path) - 1;

			if (strlen(preferred[p]) == len && has_prefix(path, preferred[p]))
				original = path;
		}
	}
	for (size_t i = 0; i < foreign->n && r == 0; i++) {
		const char *path = foreign->items[i];
		_cleanup_free_ char *to =
			place_for(job, dir, path, original && streq(path, original));

		r = save(job, undo, path, to, replaced);
	}
	return r;
}
