/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the files of a module still where they were put, and the same? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/dirents.h"
#include "base/file.h"
#include "base/parallel.h"
#include "builder/host/kernel.h"
#include "builder/conf/quick-read.h"
#include "builder/tree/file-check.h"

/* What a thread costs is what some 30 entries take. */
#define ENTRIES_PER_THREAD 100

/* Where modules are on all distributions, for one installed by other rules than ours. */
static const char *const usual_places[] = {"/updates/dkms", "/extra", "/updates"};

/* What one thread keeps. */
struct looker {
	const struct tree_entry *conf_of; /* whose version conf is; NULL: none */
	struct quick_conf conf;
};

struct finder {
	const struct settings *settings;
	const struct tree_list *list;
	const char *place;     /* of this distribution, or NULL */
	struct strv overrides; /* names in /etc/dkms */
	enum file_check *ret;
	struct looker lookers[PARALLEL_MAX];
	/* Kernels whose whole tree had to be searched; used under the lock. */
	pthread_mutex_t lock;
	struct kernel **kernels;
	size_t n_kernels;
};

/* The text of a version's dkms.conf; entries of one version follow each other. */
static const struct quick_conf *get_conf(
	struct finder *f, struct looker *l, const struct tree_entry *e)
{
	_cleanup_free_ char *path = NULL;

	if (l->conf_of && streq(l->conf_of->name, e->name) &&
		streq(l->conf_of->version, e->version))
		return &l->conf;
	if (l->conf_of)
		quick_conf_done(&l->conf);
	path = xasprintf("%s/%s/%s/source/dkms.conf", f->settings->trees.dkms, e->name,
		e->version);
	quick_conf_read(path, &l->conf);
	for (size_t i = 0; i < f->overrides.n; i++)
		if (has_prefix(f->overrides.items[i], e->name) &&
			has_suffix(f->overrides.items[i], ".conf"))
			l->conf.names_known = false;
	l->conf_of = e;
	return &l->conf;
}

static bool has_module(const struct strv *files, const char *name)
{
	for (size_t i = 0; i < files->n; i++)
		if (module_file_is_called(files->items[i], name))
			return true;
	return false;
}

static bool is_any_module_file(const char *file)
{
	_cleanup_free_ char *name = module_name_of_file(file);

	return name != NULL;
}

/* Is a module that the conf names not among the files? */
static bool is_missing(const struct quick_conf *conf, const struct strv *files)
{
	if (files->n == 0)
		return conf->has_modules;
	if (conf->names_known)
		for (size_t i = 0; i < conf->module_names.n; i++)
			if (!has_module(files, conf->module_names.items[i]))
				return true;
	return false;
}

/* Is path the file that a stands for, or a copy of it? built is a's path. */
static bool is_same(const struct stat *a, const char *built, const char *path)
{
	struct stat b;

	if (stat(path, &b) < 0)
		return false;
	if (a->st_dev == b.st_dev && a->st_ino == b.st_ino)
		return true;
	if (a->st_size != b.st_size)
		return false;
	if (a->st_mtim.tv_sec == b.st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b.st_mtim.tv_nsec)
		return true;
	/* What may not be read is not said to differ. */
	return file_same(built, path) != 0;
}

/* A kernel with its modules listed, or NULL. Called under the lock. */
static struct kernel *get_kernel(struct finder *f, const struct tree_entry *e)
{
	struct kernel *k;

	for (size_t i = 0; i < f->n_kernels; i++)
		if (streq(f->kernels[i]->release, e->release))
			return f->kernels[i];
	k = kernel_new(f->settings, e->release, e->arch);
	kernel_find_modules(k, NULL);
	f->kernels =
		xrealloc_array(f->kernels, f->n_kernels + 1, sizeof(struct kernel *));
	f->kernels[f->n_kernels++] = k;
	return k;
}

static bool search_tree(struct finder *f, const struct tree_entry *e, const char *file,
	const struct stat *st, const char *built)
{
	struct kernel *k;
	bool found = false;

	pthread_mutex_lock(&f->lock);
	k = get_kernel(f, e);
	for (size_t i = 0; i < k->n_modules && !found; i++)
		if (streq(path_base(k->modules[i].path), file)) {
			_cleanup_free_ char *path = path_join(k->dir, k->modules[i].path);

			found = is_same(st, built, path);
		}
	pthread_mutex_unlock(&f->lock);
	return found;
}

static bool is_in_place(struct finder *f, const struct tree_entry *e, const char *place,
	const char *file, const struct stat *st, const char *built)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/%s/%s", f->settings->trees.install,
		e->release, place + strspn(place, "/"), file);

	return is_same(st, built, path);
}

/* Is a copy of the file installed: at the distribution's place, at one of the usual ones,
 * where the conf wants it, or anywhere? */
static bool is_file_installed(struct finder *f, struct looker *l,
	const struct tree_entry *e, int module_fd, const char *file)
{
	_cleanup_free_ char *built = NULL;
	const struct quick_conf *conf;
	struct stat st;

	if (fstatat(module_fd, file, &st, 0) < 0)
		return true; /* it has just gone */
	built = xasprintf("%s/%s/%s/%s/%s/module/%s", f->settings->trees.dkms, e->name,
		e->version, e->release, e->arch, file);
	if (f->place && is_in_place(f, e, f->place, file, &st, built))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(usual_places); i++)
		if (is_in_place(f, e, usual_places[i], file, &st, built))
			return true;
	conf = get_conf(f, l, e);
	for (size_t i = 0; i < conf->destinations.n; i++)
		if (is_in_place(f, e, conf->destinations.items[i], file, &st, built))
			return true;
	return search_tree(f, e, file, &st, built);
}

static enum file_check find_one(struct finder *f, struct looker *l, const struct tree_entry *e)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/%s/%s/%s/module",
		f->settings->trees.dkms, e->name, e->version, e->release, e->arch);
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, path);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	_cleanup_(strv_done) struct strv files = {0};

	if (fd < 0 || dirents_read(fd, &dirents) < 0)
		return FILE_CHECK_OK;
	for (size_t i = 0; i < dirents.n; i++)
		if (is_any_module_file(dirents.items[i].name))
			strv_push(&files, dirents.items[i].name);
	if (e->touched && is_missing(get_conf(f, l, e), &files))
		return FILE_CHECK_MISSING;
	for (size_t i = 0; i < files.n && e->state == STATE_INSTALLED; i++)
		if (!is_file_installed(f, l, e, fd, files.items[i]))
			return FILE_CHECK_DIFFERS;
	return FILE_CHECK_OK;
}

static void find_nth(void *arg, size_t thread, size_t i)
{
	struct finder *f = arg;
	const struct tree_entry *e = &f->list->entries[i];

	if (e->state == STATE_INSTALLED || (e->state == STATE_BUILT && e->touched))
		f->ret[i] = find_one(f, &f->lookers[thread], e);
}

enum file_check *file_check_entries(const struct settings *s, const struct tree_list *list)
{
	const char *place = is_empty(s->addon_modules_dir) ? distro_module_dir(s->distro)
							   : s->addon_modules_dir;
	struct finder f = {
		.settings = s,
		.list = list,
		.place = place,
		.ret = xcalloc(list->n + 1, sizeof(enum file_check)),
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};

	dir_list(s->config_dir, &f.overrides);
	parallel_for(
		list->n, parallel_threads(list->n, ENTRIES_PER_THREAD), find_nth, &f);
	for (size_t i = 0; i < PARALLEL_MAX; i++)
		if (f.lookers[i].conf_of)
			quick_conf_done(&f.lookers[i].conf);
	for (size_t i = 0; i < f.n_kernels; i++)
		kernel_free(f.kernels[i]);
	free(f.kernels);
	strv_done(&f.overrides);
	return f.ret;
}
