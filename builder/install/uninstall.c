/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes modules out of a kernel's tree, puts originals back, and forgets what was built. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/walk.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/job/hooks.h"
#include "builder/install/destinations.h"
#include "builder/install/kernel-lock.h"
#include "builder/install/uninstall.h"

/* Where an archived original came from: what its .origin file says; without one, which
 * older versions of dkms did not write, where the conf puts a module of that name. */
static char *origin_of(const struct job *job, const char *archived,
	const struct placed *installed)
{
	_cleanup_free_ char *path = xasprintf("%s.origin", archived);
	_cleanup_free_ char *name = module_name_of_file(archived);
	struct str origin = {0};

	if (file_read(path, 4096, &origin, NULL) == 0 && origin.len) {
		origin.data[strcspn(origin.data, "\n")] = '\0';
		if (has_prefix(origin.data, job->kernel->dir) &&
			origin.data[strlen(job->kernel->dir)] == '/' &&
			!strstr(origin.data, "/../"))
			return str_take(&origin);
	}
	str_done(&origin);
	for (size_t i = 0; name && i < installed->n; i++) {
		const char *dest = installed->files[i].dest;

		if (dest && streq(installed->files[i].name, name))
			return xasprintf("%.*s%s", (int)(path_base(dest) - dest), dest,
				path_base(archived));
	}
	return NULL;
}

static int restore(struct job *job, const char *from, const char *to)
{
	_cleanup_free_ char *dir = path_parent(to);
	int r = dir_make(dir, &job->outcome.error);

	return r < 0 ? r : file_copy(from, to, &job->outcome.error);
}

/* Returns the path in the kernel's tree that an archived module comes from; path is its
 * place below dir, the archive. For a file in a directory of the archive ("collisions")
 * the rest of the path says it; for others origin_of() does. NULL when there is no such
 * path, or the file is no module. The caller frees it. */
static char *place_of(struct job *job, const char *dir, const char *path,
	const struct placed *installed)
{
	_cleanup_free_ char *from = path_join(dir, path);
	_cleanup_free_ char *name = module_name_of_file(from);
	const char *slash = strchr(path, '/');

	if (!name)
		return NULL;
	return slash ? path_join(job->kernel->dir, slash + 1)
		     : origin_of(job, from, installed);
}

/* Puts the modules in dir back, and appends their paths there to restored. */
static int restore_dir(struct job *job, const char *dir, const struct placed *installed,
	struct strv *restored)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = 0;

	if (walk_begin(&w, dir, WALK_SORTED) < 0)
		return 0;
	while (r == 0 && (e = walk_next(&w))) {
		_cleanup_free_ char *from = path_join(dir, e->path);
		_cleanup_free_ char *to =
			e->type == DT_DIR ? NULL : place_of(job, dir, e->path, installed);

		if (to) {
			r = restore(job, from, to);
			strv_push(restored, from);
		}
	}
	return r;
}

/* Takes what has been put back out of the archive, and the archive when it is empty. */
static void discard(const struct strv *restored, const char *originals, const char *package)
{
	for (size_t i = 0; i < restored->n; i++) {
		_cleanup_free_ char *origin = xasprintf("%s.origin", restored->items[i]);

		unlink(restored->items[i]);
		unlink(origin);
	}
	dir_remove_empty(originals);
	dir_prune(originals, package);
}

static int remove_files(struct job *job, const struct placed *installed)
{
	for (size_t i = 0; i < installed->n; i++) {
		const char *dest = installed->files[i].dest;
		_cleanup_free_ char *dir = NULL;

		if (!dest)
			continue;
		if (unlink(dest) < 0 && errno != ENOENT)
			return error_errno(
				&job->outcome.error, -errno, 1, "cannot remove %s", dest);
		strv_push(&job->outcome.removed, dest);
		dir = path_parent(dest);
		dir_prune(dir, job->kernel->dir);
	}
	return 0;
}

/* Of a version that is not installed only files that are in their places, byte for byte,
 * are its own: an install was killed. Returns whether there is anything of that kind. */
static bool keep_identical(struct placed *placed, const char *originals)
{
	_cleanup_(strv_done) struct strv archived = {0};
	bool any = false;

	for (size_t i = 0; i < placed->n; i++) {
		struct placed_file *f = &placed->files[i];

		if (f->dest && file_same_bytes(f->dest, f->built) != 1)
			free(TAKE_PTR(f->dest));
		any |= f->dest != NULL;
	}
	dir_list(originals, &archived);
	for (size_t i = 0; i < archived.n; i++) {
		_cleanup_free_ char *name = module_name_of_file(archived.items[i]);

		any |= name != NULL;
	}
	return any;
}

static int uninstall_locked(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct kernel *k = job->kernel;
	_cleanup_(placed_done) struct placed installed = {0};
	_cleanup_(strv_done) struct strv restored = {0};
	_cleanup_free_ char *package = path_join(s->trees.dkms, job->name);
	_cleanup_free_ char *originals =
		tree_original_dir(s->trees.dkms, job_on_kernel(job));
	_cleanup_free_ char *version =
		tree_installed_version(s->trees.dkms, job_on_kernel(job));
	int r = 0;

	if (version && path_is_dir(k->dir))
		r = kernel_find_modules(k, &job->outcome.error);
	if (r < 0)
		return r;
	placed_by_tree(job, job->version, &installed);
	if (!version && !keep_identical(&installed, originals))
		return 0;
	/* The link goes after the originals have come back, and they leave the archive
	 * last: what is cut short can be done again. */
	r = remove_files(job, &installed);
	if (r == 0)
		r = restore_dir(job, originals, &installed, &restored);
	if (r == 0)
		r = tree_set_installed(
			s->trees.dkms, job_on_kernel(job), false, &job->outcome.error);
	if (r == 0)
		discard(&restored, originals, package);
	kernel_forget_modules(k);
	if (r == 0)
		job->outcome.uninstalled = job->outcome.changed_kernel = true;
	return r;
}

int uninstall_work(struct job *job)
{
	return with_kernel_locked(job, uninstall_locked);
}

enum phase uninstall_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *version = NULL;

	if (job->outcome.state_before < STATE_INSTALLED)
		version = tree_installed_version(s->trees.dkms, job_on_kernel(job));
	if (version)
		return PHASE_NEXT; /* another one is installed */
	job->ask.work = uninstall_work;
	return PHASE_WORK;
}

enum phase post_remove_enter(struct job *job)
{
	if (!job->outcome.uninstalled || !job->conf)
		return PHASE_NEXT;
	return hook_enter(job, "POST_REMOVE", job->conf->post_remove);
}

static int unpublish_work(struct job *job)
{
	int r = tree_unpublish(job->shared->settings->trees.dkms, job_on_kernel(job),
		&job->outcome.error);

	if (r == 0)
		job->outcome.unbuilt = true;
	return r;
}

enum phase unpublish_enter(struct job *job)
{
	job->ask.work = unpublish_work;
	return PHASE_WORK;
}
