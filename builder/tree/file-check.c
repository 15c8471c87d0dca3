/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the files of a module still in their places and unchanged? */
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
#include "builder/tree/installed-files.h"

/* Starting a thread takes as long as checking some 30 entries. */
#define ENTRIES_PER_THREAD 100

/* The module directories of all distributions, for a module that was not installed by the
 * rules of this distribution. */
static const char *const usual_places[] = {"/updates/dkms", "/extra", "/updates"};

/* The data of one thread. */
struct worker {
	const struct tree_entry
		*conf_of; /* the entry whose version conf is for, or NULL */
	struct quick_conf conf;
};

struct checker {
	const struct settings *settings;
	const struct tree_list *list;
	const char *place;     /* the module directory of this distribution, or NULL */
	struct strv overrides; /* names of the files in /etc/dkms */
	enum file_check *ret;
	struct worker workers[PARALLEL_MAX];
	/* The kernels whose module files have been listed. The lock protects them. */
	pthread_mutex_t lock;
	struct kernel **kernels;
	size_t n_kernels;
};

/* Returns what the text of a version's dkms.conf says. Keeps only the last one, because
 * the entries of one version follow each other. */
static const struct quick_conf *get_conf(
	struct checker *c, struct worker *w, const struct tree_entry *e)
{
	_cleanup_free_ char *path = NULL;

	if (w->conf_of && streq(w->conf_of->name, e->name) &&
		streq(w->conf_of->version, e->version))
		return &w->conf;
	if (w->conf_of)
		quick_conf_done(&w->conf);
	path = xasprintf("%s/%s/%s/source/dkms.conf", c->settings->trees.dkms, e->name,
		e->version);
	quick_conf_read(path, &w->conf);
	for (size_t i = 0; i < c->overrides.n; i++)
		if (has_prefix(c->overrides.items[i], e->name) &&
			has_suffix(c->overrides.items[i], ".conf"))
			w->conf.names_known = false;
	w->conf_of = e;
	return &w->conf;
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

/* Tells whether a module that the dkms.conf names is not among the files. */
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

/* A module file in the dkms tree. */
struct built_file {
	const char *name;
	int dir; /* a descriptor of the directory that it is in */
	struct stat st;
};

/* Opens a file that was a regular one a moment ago. By now it may be a FIFO, for which
 * open(2) would wait. */
static int open_regular(int dir, const char *path)
{
	return openat(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Tells whether the file at path, of the same size, has the bytes of a built file. A file
 * that cannot be read counts as equal. */
static bool has_same_bytes(const struct built_file *built, const char *path)
{
	_cleanup_close_ int a = open_regular(built->dir, built->name);
	_cleanup_close_ int b = a < 0 ? -1 : open_regular(AT_FDCWD, path);

	return b < 0 || file_same_bytes_fd(a, b, built->st.st_size) != 0;
}

/* Tells whether the file at path is a built file or a copy of it. */
static bool is_same(const struct built_file *built, const char *path)
{
	const struct stat *a = &built->st;
	struct stat b;

	if (stat(path, &b) < 0)
		return false;
	if (stat_is_same(a, &b))
		return true;
	if (a->st_size != b.st_size || !S_ISREG(b.st_mode) != !S_ISREG(a->st_mode))
		return false;
	/* A time in whole seconds may be that of SOURCE_DATE_EPOCH, which files of other
	 * content have, too. */
	if (a->st_mtim.tv_nsec && a->st_mtim.tv_sec == b.st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b.st_mtim.tv_nsec)
		return true;
	return !S_ISREG(a->st_mode) || has_same_bytes(built, path);
}

/* Returns a kernel whose module files are listed. The caller holds the lock. */
static struct kernel *get_kernel(struct checker *c, const struct tree_entry *e)
{
	struct kernel *k;

	for (size_t i = 0; i < c->n_kernels; i++)
		if (streq(c->kernels[i]->release, e->release))
			return c->kernels[i];
	k = kernel_new(c->settings, e->release, e->arch);
	kernel_find_modules(k, NULL);
	c->kernels =
		xrealloc_array(c->kernels, c->n_kernels + 1, sizeof(struct kernel *));
	c->kernels[c->n_kernels++] = k;
	return k;
}

/* Tells whether a copy of the file is anywhere in the kernel's directory. */
static bool is_anywhere(
	struct checker *c, const struct tree_entry *e, const struct built_file *built)
{
	struct kernel *k;
	bool found = false;

	pthread_mutex_lock(&c->lock);
	k = get_kernel(c, e);
	for (size_t i = 0; i < k->n_modules && !found; i++)
		if (streq(path_base(k->modules[i].path), built->name)) {
			_cleanup_free_ char *path = path_join(k->dir, k->modules[i].path);

			found = is_same(built, path);
		}
	pthread_mutex_unlock(&c->lock);
	return found;
}

/* Tells whether a copy of the file is in the directory place of the kernel. */
static bool is_in_place(struct checker *c, const struct tree_entry *e, const char *place,
	const struct built_file *built)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/%s/%s", c->settings->trees.install,
		e->release, place + strspn(place, "/"), built->name);

	return is_same(built, path);
}

/* Looks for the file where the record of the installed files has one of this name. Returns 1 if it
 * is there, 0 if there is another file, and -1 if there is none, or no record. */
static int is_recorded(
	struct checker *c, const struct tree_entry *e, const struct built_file *built)
{
	_cleanup_(installed_files_done) struct installed_files record = {0};
	int found = -1;

	if (installed_files_read(c->settings->trees.dkms, tree_entry_on_kernel(e), &record,
		    NULL) <= 0)
		return -1;
	for (size_t i = 0; i < record.n && found < 1; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s/%s", c->settings->trees.install,
			e->release, record.items[i].path);

		if (streq(path_base(path), built->name) && !record.items[i].pending &&
			path_exists(path))
			found = is_same(built, path);
	}
	return found;
}

/* Tells whether a copy of the file is installed: in the distribution's directory, where the
 * record says, in one of the usual ones, in those that the dkms.conf names, or anywhere else. */
static bool is_file_installed(struct checker *c, struct worker *w,
	const struct tree_entry *e, const struct built_file *built)
{
	const struct quick_conf *conf;
	int recorded;

	if (c->place && is_in_place(c, e, c->place, built))
		return true;
	recorded = is_recorded(c, e, built);
	if (recorded >= 0)
		return recorded;
	for (size_t i = 0; i < ARRAY_SIZE(usual_places); i++)
		if (is_in_place(c, e, usual_places[i], built))
			return true;
	conf = get_conf(c, w, e);
	for (size_t i = 0; i < conf->destinations.n; i++)
		if (is_in_place(c, e, conf->destinations.items[i], built))
			return true;
	return is_anywhere(c, e, built);
}

static enum file_check check_entry(
	struct checker *c, struct worker *w, const struct tree_entry *e)
{
	_cleanup_free_ char *dir =
		tree_module_dir(c->settings->trees.dkms, tree_entry_on_kernel(e));
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, dir);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	_cleanup_(strv_done) struct strv files = {0};

	if (fd < 0 || dirents_read(fd, &dirents) < 0)
		return FILE_CHECK_OK;
	for (size_t i = 0; i < dirents.n; i++)
		if (is_any_module_file(dirents.items[i].name))
			strv_push(&files, dirents.items[i].name);
	if (e->changed && is_missing(get_conf(c, w, e), &files))
		return FILE_CHECK_MISSING;
	for (size_t i = 0; i < files.n && e->state == STATE_INSTALLED; i++) {
		struct built_file built = {.name = files.items[i], .dir = fd};

		/* A file that has just been removed is not checked. */
		if (fstatat(fd, built.name, &built.st, 0) == 0 &&
			!is_file_installed(c, w, e, &built))
			return FILE_CHECK_DIFFERS;
	}
	return FILE_CHECK_OK;
}

static void check_nth(void *arg, size_t thread, size_t i)
{
	struct checker *c = arg;
	const struct tree_entry *e = &c->list->entries[i];

	if (e->state == STATE_INSTALLED || (e->state == STATE_BUILT && e->changed))
		c->ret[i] = check_entry(c, &c->workers[thread], e);
}

enum file_check *file_check_entries(
	const struct settings *s, const struct tree_list *list)
{
	const char *place = is_empty(s->addon_modules_dir) ? distro_module_dir(s->distro)
							   : s->addon_modules_dir;
	struct checker c = {
		.settings = s,
		.list = list,
		.place = place,
		.ret = xcalloc(list->n + 1, sizeof(enum file_check)),
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};

	dir_list(s->config_dir, &c.overrides);
	parallel_for(
		list->n, parallel_threads(list->n, ENTRIES_PER_THREAD), check_nth, &c);
	for (size_t i = 0; i < PARALLEL_MAX; i++)
		if (c.workers[i].conf_of)
			quick_conf_done(&c.workers[i].conf);
	for (size_t i = 0; i < c.n_kernels; i++)
		kernel_free(c.kernels[i]);
	free(c.kernels);
	strv_done(&c.overrides);
	return c.ret;
}

bool file_check_is_missing(const struct settings *s, struct version_on_kernel on)
{
	/* Not as an installed one, whose installed files would be compared. */
	struct tree_entry entry = {.name = (char *)on.name,
		.version = (char *)on.version,
		.release = (char *)on.release,
		.arch = (char *)on.arch,
		.state = STATE_BUILT,
		.changed = tree_has_changed(s->trees.dkms, on)};
	const struct tree_list list = {&entry, 1};
	_cleanup_free_ enum file_check *checks = NULL;

	if (!entry.changed)
		return false;
	checks = file_check_entries(s, &list);
	return checks[0] == FILE_CHECK_MISSING;
}
