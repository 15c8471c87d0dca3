/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in a kernel's tree does each built file of a version belong? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/installed-files.h"
#include "builder/tree/tree.h"
#include "builder/install/destinations.h"
#include "builder/install/ours.h"
#include "builder/install/rivals.h"

static struct destination *add_destination(struct destinations *p)
{
	p->items = xrealloc_array(p->items, p->n + 1, sizeof(*p->items));
	p->items[p->n] = (struct destination){0};
	return &p->items[p->n++];
}

void destinations_done(struct destinations *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].name);
		free(p->items[i].file);
		free(p->items[i].built);
		free(p->items[i].path);
	}
	free(p->items);
	*p = (struct destinations){0};
}

/* Returns the directory of the dkms tree that has the built files of a version of the
 * job's module; the caller frees. */
static char *built_module_dir(const struct job *job, const char *version)
{
	return tree_module_dir(job->shared->settings->trees.dkms,
		version_on_kernel(
			job->name, version, job->kernel->release, job->kernel->arch));
}

/* Returns the path in the kernel's tree where the conf puts the module m, as a file named
 * file; the caller frees. */
static char *destination_path(
	const struct job *job, const struct conf_module *m, const char *file)
{
	_cleanup_free_ char *dir = conf_install_dir(m, job->shared->settings);

	return xasprintf("%s%s/%s", job->kernel->dir, dir, file);
}

int destinations_list_by_conf(
	const struct job *job, struct destinations *ret, struct error *err)
{
	static const char *const suffixes[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
	_cleanup_free_ char *dir = built_module_dir(job, job->version);
	struct destinations found = {0};

	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		struct destination *f;
		size_t s;

		f = add_destination(&found);
		for (s = 0; s < ARRAY_SIZE(suffixes) && !f->built; s++) {
			f->file = xasprintf("%s%s", m->dest_name, suffixes[s]);
			f->built = path_join(dir, f->file);
			if (path_is_file(f->built))
				continue;
			free(TAKE_PTR(f->file));
			free(TAKE_PTR(f->built));
		}
		/* Modules that are excluded now may have been built with another conf. */
		if (!f->built && m->excluded) {
			found.n--;
			continue;
		}
		if (!f->built) {
			destinations_done(&found);
			error_set(err, -ENOENT, 6, "the built module %s/%s.ko is missing",
				dir, m->dest_name);
			error_remedy(err, "dkms build %s/%s -k %s --force", job->name,
				job->version, job->kernel->release);
			return -ENOENT;
		}
		f->name = module_name_of_file(f->file);
		f->path = destination_path(job, m, f->file);
	}
	*ret = found;
	return 0;
}

/* Returns the path where the conf puts the module name, as a file named file; NULL if the
 * conf has no such module. The caller frees. */
static char *find_path_by_conf(const struct job *job, const char *name, const char *file)
{
	for (size_t i = 0; job->conf && i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *ko = conf_dest_file(m);
		_cleanup_free_ char *its = module_name_of_file(ko);

		if (its && streq(its, name))
			return destination_path(job, m, file);
	}
	return NULL;
}

/* Whether the directory has a file for a module of this name. */
static bool has_module(const char *dir, const char *name)
{
	_cleanup_(strv_done) struct strv files = {0};
	bool found = false;

	dir_list(dir, &files);
	for (size_t i = 0; i < files.n && !found; i++) {
		_cleanup_free_ char *its = module_name_of_file(files.items[i]);

		found = its && streq(its, name);
	}
	return found;
}

bool destinations_are_of_others(const struct job *job, const struct destination *f)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_(strv_done) struct strv modules = {0};
	bool found = false;

	if (tree_list_modules(tree, &modules) < 0)
		return true;
	for (size_t i = 0; i < modules.n && !found; i++) {
		struct version_on_kernel on = job_module_on_kernel(job, modules.items[i]);
		_cleanup_free_ char *link = tree_installed_link(tree, on);
		_cleanup_free_ char *dir = path_join(link, "module");

		found = !streq(modules.items[i], job->name) && has_module(dir, f->name);
	}
	return found;
}

/* Sets f->path to that of any file in the kernel's tree that is equal to the built one and that no
 * other package has installed, or leaves it NULL. */
static int find_identical(const struct job *job, const struct strv *rivals,
	struct destination *f, struct error *err)
{
	const struct kernel *k = job->kernel;

	for (size_t i = 0; i < k->n_modules && !f->path; i++) {
		_cleanup_free_ char *path = NULL;
		int r;

		if (!streq(k->modules[i].name, f->name))
			continue;
		path = path_join(k->dir, k->modules[i].path);
		r = file_same_bytes(path, f->built);
		if (r < 0 && r != -ENOENT)
			return error_errno(
				err, r, 1, "cannot compare %s with %s", path, f->built);
		if (r != 1)
			continue;
		r = rivals_claim(job, rivals, path, err);
		if (r < 0)
			return r;
		if (r == 0)
			f->path = TAKE_PTR(path);
	}
	return 0;
}

/* Sets f->path to the path of an installed file, or leaves it NULL if it is not there. */
static int find_installed_path(const struct job *job, const struct strv *rivals,
	struct destination *f, struct error *err)
{
	_cleanup_free_ char *by_conf = find_path_by_conf(job, f->name, f->file);
	int r = by_conf ? path_look(by_conf) : 0;

	if (r < 0)
		return error_errno(err, r, 1, "cannot look at %s", by_conf);
	/* It may be another's: dkms does not replace a newer module. */
	if (r > 0 && file_same_bytes(by_conf, f->built) == 0 &&
		destinations_are_of_others(job, f))
		return 0;
	if (r > 0) {
		f->path = TAKE_PTR(by_conf);
		return 0;
	}
	return find_identical(job, rivals, f, err);
}

/* Whether the record has a file for the module. */
static bool is_recorded(const struct installed_files *record, const char *module)
{
	bool found = false;

	for (size_t i = 0; i < record->n && !found; i++) {
		_cleanup_free_ char *name = module_name_of_file(record->items[i].path);

		found = name && streq(name, module);
	}
	return found;
}

/* Adds the built files of a version. With a record, those that it does not have were not installed:
 * an equal file in the kernel's tree is the kernel's, or another package's. Returns 0 or a negative
 * errno. */
static int add_built(const char *dir, const struct installed_files *record,
	struct destinations *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv files = {0};
	int r = dir_list(dir, &files);

	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, 1, "cannot read %s", dir);
	for (size_t i = 0; i < files.n; i++) {
		char *name = module_name_of_file(files.items[i]);
		struct destination *f;

		if (!name || (ret->has_record && !is_recorded(record, name))) {
			free(name);
			continue;
		}
		f = add_destination(ret);
		f->name = name;
		f->file = xstrdup(files.items[i]);
		f->built = path_join(dir, f->file);
	}
	return 0;
}

/* Returns the element of a built file of the module that is not found yet, or NULL. */
static struct destination *find_open(struct destinations *l, const char *module)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->items[i].path && streq(l->items[i].name, module))
			return &l->items[i];
	return NULL;
}

static bool has_path(const struct destinations *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].path && streq(l->items[i].path, path))
			return true;
	return false;
}

/* A line of the record, and what it is compared with. */
struct recorded {
	const struct installed_files *record;
	const struct strv *rivals;
	const struct installed_file *line;
	char *module; /* its name */
	char *plain;  /* line->path without the suffix of a compression */
	char *built;  /* the file of that name in the dkms tree, which may be gone */
};

/* Adds the file at path, if it is the one of the line, or has taken its place. */
static int add_recorded_path(const struct job *job, const struct recorded *l, const char *path,
	struct destinations *ret, struct error *err)
{
	struct destination *f = find_open(ret, l->module);
	struct destination asked = {.name = l->module};
	bool in_place = streq(path + strlen(job->kernel->dir) + 1, l->line->path);
	int r = path_look(path);

	if (r < 0)
		return error_errno(err, r, 1, "cannot look at %s", path);
	if (r == 0 || has_path(ret, path))
		return 0;
	r = ours_check(job, job->name, l->record, l->plain, path, f ? f->built : l->built, err);
	if (r == 1) {
		r = rivals_claim(job, l->rivals, path, err);
		if (r != 0)
			return r < 0 ? r : 0;
		r = 1;
	}
	if (r < 0 || (r == 0 && (!in_place || l->line->pending ||
					destinations_are_of_others(job, &asked))))
		return r;
	if (!f) {
		f = add_destination(ret);
		f->name = xstrdup(l->module);
		f->file = xstrdup(path_base(l->line->path));
		f->built = xstrdup(l->built);
	}
	f->path = xstrdup(path);
	f->recorded = r == 1;
	f->foreign = r == 0;
	return 0;
}

/* Adds the files that a line of the record stands for: the one at its path, and those that may
 * be it, compressed or decompressed by somebody. dir has the built files. */
static int add_recorded(const struct job *job, const struct installed_files *record,
	const struct strv *rivals, const struct installed_file *line, const char *dir, struct destinations *ret,
	struct error *err)
{
	const char *suffix = compression_suffix(compression_of_file(line->path));
	struct recorded l = {record, rivals, line, module_name_of_file(line->path),
		xstrndup(line->path, strlen(line->path) - strlen(suffix)),
		path_join(dir, path_base(line->path))};
	int r = 0;

	for (enum compression c = 0; l.module && c < N_COMPRESSIONS && r == 0; c++) {
		_cleanup_free_ char *path = xasprintf(
			"%s/%s%s", job->kernel->dir, l.plain, compression_suffix(c));

		r = add_recorded_path(job, &l, path, ret, err);
	}
	free(l.module);
	free(l.plain);
	free(l.built);
	return r;
}

/* Lists the paths that the conf gives. */
static void add_by_conf(const struct job *job, const char *dir, struct destinations *ret)
{
	for (size_t i = 0; job->conf && i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		struct destination *f = add_destination(ret);

		f->file = conf_dest_file(m);
		f->name = module_name_of_file(f->file);
		f->built = path_join(dir, f->file);
		f->path = destination_path(job, m, f->file);
	}
}

int destinations_list_installed(const struct job *job, const char *version,
	struct destinations *ret, struct error *err)
{
	_cleanup_free_ char *dir = built_module_dir(job, version);
	_cleanup_(installed_files_done) struct installed_files record = {0};
	_cleanup_(strv_done) struct strv rivals = {0};
	int r = installed_files_read(
		job->shared->settings->trees.dkms, job_on_kernel(job), &record, err);

	*ret = (struct destinations){.has_record = r > 0};
	if (r >= 0)
		r = rivals_list(job, &rivals, err);
	if (r == 0)
		r = add_built(dir, &record, ret, err);
	for (size_t i = 0; i < record.n && r == 0; i++)
		r = add_recorded(job, &record, &rivals, &record.items[i], dir, ret, err);
	for (size_t i = 0; i < ret->n && r == 0; i++) {
		struct destination *f = &ret->items[i];

		if (!f->path)
			r = ret->has_record ? find_identical(job, &rivals, f, err)
					    : find_installed_path(job, &rivals, f, err);
	}
	/* If the built files are gone, the conf tells where they were installed. */
	if (r == 0 && !ret->n && !ret->has_record)
		add_by_conf(job, dir, ret);
	return r;
}
