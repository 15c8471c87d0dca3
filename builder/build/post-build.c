/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does POST_BUILD add to the built files, or change? */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/dir-copy.h"
#include "base/file.h"
#include "base/walk.h"
#include "builder/host/module-name.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/collect.h"
#include "builder/build/places.h"
#include "builder/build/post-build.h"

/* What a script may leave: many times what the scripts of packages do. */
#define ENTRIES_MAX 10000
#define BYTES_MAX (4 * BUILD_MODULE_MAX)

void post_build_restore_place(const struct build *b)
{
	const struct build_paths *p = &b->paths;
	_cleanup_free_ char *release_dir = path_parent(p->built_dir);
	struct stat st;

	if (lstat(p->built_dir, &st) == 0 && S_ISLNK(st.st_mode))
		unlink(p->built_dir);
	if (path_exists(p->displaced_built_dir))
		rename(p->displaced_built_dir, p->built_dir);
	rmdir(release_dir); /* fails if something was built */
}

/* Makes a link to the copy at RELEASE/ARCH. */
static int link_place(struct job *job)
{
	const struct build_paths *p = &job->build->paths;
	_cleanup_free_ char *release_dir = path_parent(p->built_dir);
	int r;

	post_build_restore_place(job->build);
	r = dir_make(release_dir, &job->outcome.error);
	if (r < 0)
		return r;
	if (rename(p->built_dir, p->displaced_built_dir) < 0 && errno != ENOENT)
		return error_errno(&job->outcome.error, -errno, 1,
			"cannot rename %s to %s", p->built_dir, p->displaced_built_dir);
	return link_write(p->built_dir, p->lent_dir, &job->outcome.error);
}

int post_build_lend(struct job *job)
{
	struct build *b = job->build;
	uid_t uid = b->user.uid ? b->user.uid : (uid_t)-1;
	int r;

	if (!build_is_needed(job) || is_empty(job->conf->post_build))
		return 0;
	r = dir_remove(b->paths.lent_dir, &job->outcome.error);
	if (r == 0)
		r = dir_copy(b->paths.staging_dir, b->paths.lent_dir, uid, uid,
			&job->outcome.error);
	if (r == 0 && b->sandbox == SANDBOX_KIND_NONE)
		r = link_place(job);
	b->lent = r == 0;
	return r;
}

void post_build_show(const struct job *job, struct sandbox *box)
{
	const struct build *b = job->build;
	char *seen;

	if (!b->lent)
		return;
	seen = places_path(b, b->paths.built_dir);
	strv_push(&box->writable_dirs, b->paths.lent_dir);
	strv_push(&box->writable_dirs, seen);
	if (!streq(seen, b->paths.built_dir)) {
		strv_push(&box->symlinks, b->paths.built_dir);
		strv_push(&box->symlinks, seen);
	}
	free(seen);
}

/* What is being taken out of the copy. */
struct taking {
	struct job *job;
	const char *to; /* the new directory, which will be the staged one */
	size_t n_entries;
	uint64_t bytes;
	char *odd; /* the first that is neither a file nor a directory; or NULL */
	size_t n_odd;
	struct strv examined; /* modules in it that are new or changed */
};

static int take_file(struct taking *t, const char *name)
{
	struct job *job = t->job;
	struct build *b = job->build;
	_cleanup_free_ char *before = path_join(b->paths.staging_dir, name);
	_cleanup_free_ char *now = path_join(t->to, name);
	struct error *err = &job->outcome.error;
	struct stat st;
	int r = beneath_copy(b->paths.lent_dir, name, BUILD_MODULE_MAX, now, 0644, err);

	if (r < 0)
		return r;
	t->bytes += stat(now, &st) == 0 ? (uint64_t)st.st_size : 0;
	r = file_same_bytes(before, now);
	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, 1, "cannot compare %s and %s", before, now);
	if (r == 1)
		return 0;
	if (r == -ENOENT)
		strv_push(&b->added, name);
	else if (!b->changed)
		b->changed = xstrdup(name);
	strv_push(&t->examined, now);
	return 0;
}

static int take_entry(struct taking *t, const struct walk_entry *e)
{
	const struct build *b = t->job->build;
	struct error *err = &t->job->outcome.error;
	_cleanup_free_ char *to = path_join(t->to, e->path);

	if (e->error)
		return error_errno(err, e->error, 1, "cannot read %s/%s",
			b->paths.lent_dir, e->path);
	if (++t->n_entries > ENTRIES_MAX || t->bytes > BYTES_MAX)
		return error_set(err, -EFBIG, 1, "POST_BUILD left too many files in %s",
			b->paths.built_dir);
	if (e->type == DT_DIR)
		return dir_make(to, err);
	if (e->type == DT_REG)
		return take_file(t, e->path);
	if (!t->n_odd++)
		t->odd = xstrdup(e->path);
	return 0;
}

/* Leaves out what would say of the modules that dkms has not built them, and the directory that says
 * who has signed them and from what they are made. dkms makes that later. */
static bool leave_mark_out(struct taking *t, struct walk *w, const struct walk_entry *e)
{
	if (!streq(e->path, TREE_FROM_ARCHIVE) && !streq(e->path, "log"))
		return false;
	if (e->type == DT_DIR)
		walk_skip(w);
	strv_pushf(&t->job->outcome.warnings,
		"POST_BUILD made %s/%s, a name that dkms uses, and it is not kept",
		t->job->build->paths.built_dir, e->path);
	return true;
}

static int take_files(struct taking *t)
{
	struct job *job = t->job;
	const char *lent = job->build->paths.lent_dir;
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, lent, WALK_SORTED);

	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot read %s", lent);
	r = dir_make(t->to, &job->outcome.error);
	while (r == 0 && (e = walk_next(&w)))
		r = leave_mark_out(t, &w, e) ? 0 : take_entry(t, e);
	if (t->n_odd == 1)
		strv_pushf(&job->outcome.warnings,
			"POST_BUILD made %s/%s, which is no file and is not kept",
			job->build->paths.built_dir, t->odd);
	else if (t->n_odd)
		strv_pushf(&job->outcome.warnings,
			"POST_BUILD made %s/%s and %zu more that are no files and are not kept",
			job->build->paths.built_dir, t->odd, t->n_odd - 1);
	return r;
}

/* Notes the first file of the staged directory that the script has removed. */
static int find_removed(struct taking *t)
{
	struct build *b = t->job->build;
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, b->paths.staging_dir, WALK_SORTED);

	while (r == 0 && !b->changed && (e = walk_next(&w))) {
		_cleanup_free_ char *now = path_join(t->to, e->path);

		r = e->error;
		if (r == 0 && !path_exists(now))
			b->changed = xstrdup(e->path);
	}
	return r < 0 ? error_errno(&t->job->outcome.error, r, 1, "cannot read %s",
			       b->paths.staging_dir)
		     : 0;
}

/* Checks whether all modules are still there. Leaves in t->examined those that are new or
 * changed. */
static int find_modules(struct taking *t)
{
	struct job *job = t->job;
	struct strv found = {0};

	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = conf_dest_file(m);
		_cleanup_free_ char *path = xasprintf("%s/module/%s", t->to, name);
		bool exists = m->excluded;

		for (enum compression c = COMPRESSION_NONE; c < N_COMPRESSIONS; c++) {
			_cleanup_free_ char *file =
				xasprintf("%s%s", path, compression_suffix(c));

			exists = exists || path_is_file(file);
			if (strv_contains(&t->examined, file))
				strv_push(&found, file);
		}
		if (!exists) {
			strv_done(&found);
			return error_set(&job->outcome.error, -ENOENT, 7,
				"POST_BUILD removed the module %s/module/%s",
				job->build->paths.built_dir, name);
		}
	}
	strv_done(&t->examined);
	t->examined = found;
	return 0;
}

int post_build_take_back(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *to = build_job_path(job, "taken");
	struct taking t = {.job = job, .to = to};
	int r;

	if (!b->lent)
		return 0;
	r = dir_remove(to, &job->outcome.error);
	if (r == 0)
		r = take_files(&t);
	if (r == 0)
		r = find_removed(&t);
	if (r == 0)
		r = find_modules(&t);
	if (r == 0 && t.examined.n)
		r = build_check_modules(job, &t.examined);
	strv_done(&t.examined);
	free(t.odd);
	if (r < 0)
		return r;
	if (b->sandbox == SANDBOX_KIND_NONE)
		post_build_restore_place(b);
	b->lent = false;
	r = dir_remove(b->paths.staging_dir, &job->outcome.error);
	if (r == 0 && rename(to, b->paths.staging_dir) < 0)
		r = error_errno(&job->outcome.error, -errno, 1,
			"cannot rename %s to %s", to, b->paths.staging_dir);
	return r;
}
