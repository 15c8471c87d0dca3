/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a change of a kernel's directory leave in the record of the installed files? */
#include "config.h"

#include "base/file.h"
#include "builder/install/record.h"

/* Returns the path relative to the kernel's directory; points into path. */
static const char *relative(const struct job *job, const char *path)
{
	return path + strlen(job->kernel->dir) + 1;
}

static int write_record(struct job *job, const struct installed_files *l, struct error *err)
{
	return installed_files_write(
		job->shared->settings->trees.dkms, job_on_kernel(job), l, err);
}

/* Adds the files of previous, which no record has. */
static int add_previous(
	struct job *job, const struct destinations *previous, struct installed_files *ret)
{
	char digest[DIGEST_HEX];
	int r = 0;

	for (size_t i = 0; i < previous->n && r == 0; i++) {
		const char *path = previous->items[i].path;

		r = path ? path_look(path) : 0;
		if (r <= 0)
			continue;
		r = installed_files_digest(path, digest, &job->outcome.error);
		if (r == 0)
			installed_files_add(ret, relative(job, path), digest, false);
	}
	return r;
}

/* Adds the lines of from for path. */
static void add_lines_of(
	struct installed_files *ret, const struct installed_files *from, const char *path)
{
	for (size_t i = 0; i < from->n; i++)
		if (streq(from->items[i].path, path))
			installed_files_add(ret, path, from->items[i].digest, false);
}

int record_begin(struct job *job, const struct destinations *previous,
	const struct destinations *now, char *const *sources, struct record_change *ret)
{
	_cleanup_(installed_files_done) struct installed_files both = {0};
	char digest[DIGEST_HEX];
	int r = installed_files_read(job->shared->settings->trees.dkms, job_on_kernel(job),
		&ret->before, &job->outcome.error);

	ret->existed = r > 0;
	if (r == 0)
		r = add_previous(job, previous, &ret->before);
	for (size_t i = 0; i < ret->before.n; i++)
		installed_files_add(&both, ret->before.items[i].path,
			ret->before.items[i].digest, ret->before.items[i].pending);
	for (size_t i = 0; i < now->n && r >= 0; i++) {
		const char *path = now->items[i].path ? relative(job, now->items[i].path) : NULL;

		if (path && !sources[i])
			add_lines_of(&ret->after, &ret->before, path);
		if (!path || !sources[i])
			continue;
		r = installed_files_digest(sources[i], digest, &job->outcome.error);
		installed_files_add(&ret->after, path, digest, false);
		installed_files_add(&both, path, digest, ret->before.n > 0);
	}
	if (r < 0)
		return r;
	r = write_record(job, &both, &job->outcome.error);
	/* It may have been written, although that it is on the disk is not known. */
	if (r < 0)
		record_undo(job, ret);
	return r;
}

/* Writes the directories of these files to disk. Returns 0 or a negative errno. */
static int sync_places(const struct job *job, const struct installed_files *l)
{
	_cleanup_(strv_done) struct strv dirs = {0};
	int r = 0;

	for (size_t i = 0; i < l->n; i++) {
		_cleanup_free_ char *path = path_join(job->kernel->dir, l->items[i].path);
		_cleanup_free_ char *dir = path_parent(path);

		/* Those that are gone were empty. */
		while (path_look(dir) == 0 && path_is_below(dir, job->kernel->dir)) {
			char *above = path_parent(dir);

			free(dir);
			dir = above;
		}
		strv_push(&dirs, dir);
	}
	strv_sort_unique(&dirs);
	for (size_t i = 0; i < dirs.n && r == 0; i++)
		r = dir_sync(dirs.items[i]);
	return r;
}

/* A line must not be lost before the file that it is of is gone from the disk: after a power cut, the
 * file would count as somebody else's. */
void record_commit(struct job *job, const struct record_change *c)
{
	if (c->before.n && sync_places(job, &c->before) == 0 && sync_places(job, &c->after) == 0)
		write_record(job, &c->after, NULL);
}

void record_undo(struct job *job, const struct record_change *c)
{
	if (!c->existed)
		installed_files_remove(
			job->shared->settings->trees.dkms, job_on_kernel(job), NULL);
	else if (sync_places(job, &c->after) == 0)
		write_record(job, &c->before, NULL);
}

void record_change_done(struct record_change *c)
{
	installed_files_done(&c->before);
	installed_files_done(&c->after);
}
