/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cached objects is make given? */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "cache/cache.h"
#include "builder/run/private-tmp.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/fixed-files.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/restore-objects.h"
#include "builder/reuse/reuse.h"

static bool is_same_input(const void *inputs, const char *name, const char *value)
{
	return inputs_has_value(inputs, name, value);
}

/* A file of a piece, which is created in the build directory. */
struct target {
	int dir;    /* the descriptor of the directory that it is in */
	char *path; /* its path through that descriptor, without links */
};

/* Finds out where the file name goes, below the build directory. No link may be on the
 * way to it: it could make dkms write somewhere else. Returns 0 or a negative errno;
 * -EEXIST if there is a file already. */
static int target_find(struct target *t, const struct build *b, const char *name)
{
	t->dir = beneath_open_parent(b->work_dir, name);
	if (t->dir < 0)
		return t->dir;
	t->path = path_join(fd_path(t->dir).path, path_base(name));
	return path_exists(t->path) ? -EEXIST : 0;
}

static void target_done(struct target *t)
{
	close_ptr(&t->dir);
	free(t->path);
}

/* Puts the files of a piece into the build directory: an object and its .cmd file.
 * Returns 0, or a negative errno, and then the files do not exist; -EBADMSG means that
 * the entry is damaged. */
static int restore_piece(
	struct job *job, const struct entry *e, const struct piece *piece)
{
	struct build *b = job->build;
	struct objects *o = job->reuse->objects;
	struct cache_file files[2];
	struct target targets[ARRAY_SIZE(files)];
	size_t n = 0;
	int r = piece->files.n == ARRAY_SIZE(files) ? 0 : -EBADMSG;

	for (; n < piece->files.n && r == 0; n++) {
		targets[n] = (struct target){0};
		r = target_find(&targets[n], b, piece->files.items[n]);
		files[n] = (struct cache_file){
			.name = piece->files.items[n], .path = targets[n].path};
	}
	if (r < 0) {
		while (n)
			target_done(&targets[--n]);
		return r;
	}
	r = cache_restore_piece(job->shared->cache, e, files, n, 0644);
	for (size_t i = 0; i < n && r == 0 && b->user.uid; i++)
		if (lchown(files[i].path, b->user.uid, b->user.uid) < 0)
			r = -errno;
	if (r == 0) {
		o->restored_stats = xrealloc_array(
			o->restored_stats, o->restored.n + 1, sizeof(*o->restored_stats));
		if (lstat(files[0].path, &o->restored_stats[o->restored.n]) == 0)
			strv_push(&o->restored, piece->files.items[0]);
		else
			r = -errno;
	}
	for (size_t i = 0; i < n; i++) {
		if (r < 0)
			unlink(files[i].path);
		target_done(&targets[i]);
	}
	return r;
}

/* Writes to make.log which objects come from the cache, and why the others do not. */
static void log_restored(const struct job *job, const char *title, const struct pieces *p,
	const size_t *changed)
{
	const struct build *b = job->build;
	_cleanup_(strv_done) struct strv changes = {0};

	buildlog_add_note(b->log_fd, "%s: %zu of %zu, %s", OBJECTS_NOTE,
		job->reuse->objects->restored.n, p->n, title + strlen(OBJECTS_TITLE));
	inputs_add_changes(&job->reuse->objects->inputs, p, changed, &changes);
	for (size_t i = 0; i < changes.n; i++)
		buildlog_add_note(
			b->log_fd, "%s, not %s", OBJECTS_NOTE, changes.items[i]);
}

/* Restores objects from the one of the n entries that has most objects with the same
 * inputs. That entry is taken from the array, if an object was restored. */
static void restore_best_entry(struct job *job, struct entry *entries, size_t n)
{
	struct objects *o = job->reuse->objects;
	struct pieces best = {0};
	_cleanup_free_ size_t *best_changed = NULL;
	size_t best_n = 0, best_at = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ size_t *changed = NULL;
		struct pieces p = {0};
		size_t n_valid;

		if (cache_get_pieces(job->shared->cache, &entries[i], &p) < 0)
			continue;
		changed = xcalloc(p.n + 1, sizeof(*changed));
		n_valid = pieces_check(&p, is_same_input, &o->inputs, changed);
		if (!best_changed || n_valid > best_n) {
			struct pieces worse = best;
			size_t *its = best_changed;

			best = p;
			p = worse;
			best_changed = changed;
			changed = its;
			best_n = n_valid;
			best_at = i;
		}
		pieces_done(&p);
	}
	/* What is linked with these objects depends on what their build looked at. */
	if (best_changed && fingerprint_is_traced(job) &&
		cache_get_manifest(job->shared->cache, &entries[best_at],
			&o->origin_manifest) < 0) {
		pieces_done(&best);
		return;
	}
	for (size_t i = 0; i < best.n; i++)
		if (best_changed[i] == PIECE_VALID &&
			restore_piece(job, &entries[best_at], &best.items[i]) == -EBADMSG)
			break;
	if (best_changed)
		log_restored(job, entries[best_at].title, &best, best_changed);
	if (o->restored.n) {
		o->origin = entries[best_at];
		entries[best_at] = (struct entry){0};
		o->origin_pieces = best;
		best = (struct pieces){0};
	}
	pieces_done(&best);
}

/* Keeps those of the n entries that this build may use. Returns their number. */
static size_t keep_usable(const struct job *job, struct entry *entries, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (objects_may_use(job, &entries[i], NULL))
			entries[kept++] = entries[i];
		else
			entry_done(&entries[i]);
	}
	return kept;
}

static int link_work(struct job *job)
{
	struct build *b = job->build;
	struct objects *o = xcalloc(1, sizeof(*o));
	struct entry entries[CACHE_SLOTS] = {0};
	_cleanup_free_ char *names = NULL;
	size_t n;

	objects_free(job->reuse->objects);
	job->reuse->objects = NULL;
	/* Programs that make runs may read it, since /tmp is also $HOME, and no listing has it. */
	if (private_tmp_is_used(b->paths.tmp_dir)) {
		objects_free(o);
		buildlog_add_note(b->log_fd,
			OBJECTS_NOTE ": none, PRE_BUILD or a patch has left files in /tmp");
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &o->began);
	if (inputs_read(cache_statcache(job->shared->cache), b->work_dir,
		    b->paths.build_dir, &b->header_mounts, &o->inputs) < 0) {
		objects_free(o);
		return 0;
	}
	names = inputs_list_names(&o->inputs);
	if (fingerprint_objects(
		    job->shared->key_texts, job, names, &o->inputs.kernel, &o->key) < 0) {
		objects_free(o);
		return 0;
	}
	job->reuse->objects = o;
	fixed_files_watch(job);
	/* --force means that everything is compiled again. The new objects are stored. */
	if (job->reuse->without_objects || job->shared->settings->switches.force)
		return 0;
	n = keep_usable(job, entries,
		cache_find_pieces(job->shared->cache, &o->key, entries));
	restore_best_entry(job, entries, n);
	for (size_t i = 0; i < n; i++)
		entry_done(&entries[i]);
	return 0;
}

enum transition link_enter(struct job *job)
{
	if (!build_is_needed(job) || objects_find_obstacle(job))
		return TRANSITION_NEXT;
	job->ask.work = link_work;
	return TRANSITION_WORK;
}
