/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the objects that make was given those that it would have compiled? */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/walk.h"
#include "cache/cache.h"
#include "cache/listing.h"
#include "builder/run/readers.h"
#include "builder/build/build.h"
#include "builder/reuse/check-objects.h"
#include "builder/reuse/reuse.h"

/* A path through more links than this is treated as if make had created one of them. */
#define LINKS_MAX 8

/* Appends a line for a file of the build directory to the list. */
static void add_made_file(const struct job *job, const char *name, struct str *list)
{
	const struct build *b = job->build;
	_cleanup_free_ char *seen = path_join(b->paths.build_dir, name);
	_cleanup_free_ char *path = path_join(b->work_dir, name);
	_cleanup_(str_done) struct str escaped = {0};
	_cleanup_free_ char *target = NULL;
	size_t n;

	if (readers_is_kbuild_product(name))
		return;
	listing_add_escaped(&escaped, seen);
	str_add(list, escaped.data);
	/* The targets of new links do not matter, because no object is stored that was
	 * compiled from a file behind a new link. */
	if (line_index_find(job->reuse->objects->inputs.files_index, escaped.data, &n) &&
		link_read(path, &target) == 0)
		str_addf(list, " link %s", target);
	str_add(list, "\n");
}

char *objects_digest_made_files(const struct job *job)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	_cleanup_(str_done) struct str list = {0};
	struct digest digest;
	char hex[DIGEST_HEX];
	int r = walk_begin(&w, job->build->work_dir, WALK_SORTED);

	while (r == 0 && (e = walk_next(&w)))
		if (e->type != DT_DIR && !e->error)
			add_made_file(job, e->path, &list);
	digest_bytes(list.data ? list.data : "", list.len, &digest);
	digest_hex(&digest, hex);
	return xstrdup(hex);
}

bool objects_file_is_unchanged(
	const struct job *job, const char *path, const char *listed)
{
	const char *work_dir = job->build->work_dir;
	struct digest digest;
	struct stat st;
	char hex[DIGEST_HEX];
	_cleanup_close_ int fd = beneath_open(work_dir, path + strlen(work_dir) + 1,
		BUILD_MODULE_MAX, &st, NULL);

	if (fd < 0 || statcache_digest(cache_statcache(job->shared->cache), AT_FDCWD,
			      fd_path(fd).path, &st, &digest) < 0)
		return false;
	digest_hex(&digest, hex);
	return has_suffix(listed, hex);
}

/* Whether the file was changed, or replaced, after that time. */
static bool is_changed_since(const struct stat *st, const struct timespec *began)
{
	return timespec_ns(&st->st_ctim) > timespec_ns(began);
}

/* The same as objects_path_has_new_link(), after depth links have been followed. */
static bool follow_links(const struct objects *o, const char *path, int depth)
{
	for (const char *end = path + 1; *end;) {
		_cleanup_free_ char *partial = NULL, *target = NULL, *next = NULL;
		struct stat st;
		int dir;

		end += strcspn(end, "/");
		partial = xstrndup(path, (size_t)(end - path));
		end += *end == '/';
		if (lstat(partial, &st) < 0 || !S_ISLNK(st.st_mode))
			continue;
		if (is_changed_since(&st, &o->began) || depth == LINKS_MAX ||
			link_read(partial, &target) < 0)
			return true;
		dir = *target == '/' ? 0 : (int)(path_base(partial) - partial);
		next = xasprintf("%.*s%s/%s", dir, partial, target, end);
		return follow_links(o, next, depth + 1);
	}
	return false;
}

bool objects_path_has_new_link(const struct objects *o, const char *path)
{
	return follow_links(o, path, 0);
}

/* Whether make changed a file of the build directory, which is given as an input: "NAME
 * VALUE". */
static bool is_changed_input(const struct job *job, const char *input)
{
	const struct build *b = job->build;
	_cleanup_free_ char *name = xstrndup(input, strcspn(input, " "));
	_cleanup_free_ char *path =
		path_is_below(name, b->paths.build_dir) ? build_real_path(b, name) : NULL;
	struct stat st;

	if (!path)
		return false;
	return lstat(path, &st) < 0 ||
	       (is_changed_since(&st, &job->reuse->objects->began) &&
		       !objects_file_is_unchanged(job, path, input));
}

bool objects_was_reused(const struct job *job, const char *name)
{
	const struct objects *o = job->reuse->objects;
	_cleanup_free_ char *path = path_join(job->build->work_dir, name);
	struct stat st;

	for (size_t i = 0; i < o->restored.n; i++)
		if (streq(o->restored.items[i], name))
			return lstat(path, &st) == 0 &&
			       st.st_ino == o->restored_stats[i].st_ino &&
			       st.st_size == o->restored_stats[i].st_size &&
			       st.st_mtim.tv_sec == o->restored_stats[i].st_mtim.tv_sec &&
			       st.st_mtim.tv_nsec == o->restored_stats[i].st_mtim.tv_nsec;
	return false;
}

/* Whether make used a restored object, and then replaced a file that the object depends
 * on by one with an older time, so that make did not compile the object again. */
static bool has_outdated_object(const struct job *job)
{
	const struct objects *o = job->reuse->objects;
	const struct pieces *p = &o->origin_pieces;
	_cleanup_free_ bool *changed = xcalloc(p->inputs.n + 1, sizeof(*changed));

	for (size_t i = 0; i < p->inputs.n; i++)
		changed[i] = is_changed_input(job, p->inputs.items[i]);
	for (size_t i = 0; i < p->n; i++)
		for (size_t j = 0; j < p->items[i].n_inputs; j++)
			if (changed[p->items[i].inputs[j]] &&
				objects_was_reused(job, p->items[i].files.items[0]))
				return true;
	return false;
}

bool objects_are_valid(const struct job *job)
{
	const struct objects *o = job->reuse->objects;
	_cleanup_free_ char *made = NULL;

	if (!objects_were_restored(job))
		return true;
	made = objects_digest_made_files(job);
	return o->origin_pieces.note && has_prefix(o->origin_pieces.note, made) &&
	       !has_outdated_object(job);
}
