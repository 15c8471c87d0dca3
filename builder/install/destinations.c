/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file of a built package belongs where in a kernel's tree. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "builder/install/destinations.h"

static struct placed_file *add(struct placed *p)
{
	p->files = xrealloc_array(p->files, p->n + 1, sizeof(*p->files));
	p->files[p->n] = (struct placed_file){0};
	return &p->files[p->n++];
}

void placed_done(struct placed *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->files[i].name);
		free(p->files[i].file);
		free(p->files[i].built);
		free(p->files[i].dest);
	}
	free(p->files);
	*p = (struct placed){0};
}

static char *built_module_dir(const struct job *job, const char *version)
{
	return tree_module_dir(job->shared->settings->trees.dkms,
		version_on_kernel(
			job->name, version, job->kernel->release, job->kernel->arch));
}

static char *dest_path(const struct job *job, const struct conf_module *m, const char *file)
{
	_cleanup_free_ char *dir = conf_install_dir(m, job->shared->settings);

	return xasprintf("%s%s/%s", job->kernel->dir, dir, file);
}

int placed_by_conf(const struct job *job, struct placed *ret, struct error *err)
{
	static const char *const suffixes[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
	_cleanup_free_ char *dir = built_module_dir(job, job->version);
	struct placed placed = {0};

	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		struct placed_file *f;
		size_t s;

		f = add(&placed);
		for (s = 0; s < ARRAY_SIZE(suffixes) && !f->built; s++) {
			f->file = xasprintf("%s%s", m->dest_name, suffixes[s]);
			f->built = path_join(dir, f->file);
			if (path_is_file(f->built))
				continue;
			free(TAKE_PTR(f->file));
			free(TAKE_PTR(f->built));
		}
		/* Excluded ones have not been built, unless the conf was another then. */
		if (!f->built && m->excluded) {
			placed.n--;
			continue;
		}
		if (!f->built) {
			placed_done(&placed);
			return error_set(err, -ENOENT, 6, "the built module %s/%s.ko is missing",
				dir, m->dest_name);
		}
		f->name = module_name_of_file(f->file);
		f->dest = dest_path(job, m, f->file);
	}
	*ret = placed;
	return 0;
}

/* Where the conf puts a module of that name; caller frees; NULL when it names none. */
static char *dest_by_conf(const struct job *job, const char *name, const char *file)
{
	for (size_t i = 0; job->conf && i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *ko = conf_dest_file(m);
		_cleanup_free_ char *its = module_name_of_file(ko);

		if (its && streq(its, name))
			return dest_path(job, m, file);
	}
	return NULL;
}

static char *find_installed(const struct job *job, const struct placed_file *f)
{
	const struct kernel *k = job->kernel;
	char *path = dest_by_conf(job, f->name, f->file);

	if (path && path_exists(path))
		return path;
	free(path);
	for (size_t i = 0; i < k->n_modules; i++) {
		if (!streq(k->modules[i].name, f->name))
			continue;
		path = path_join(k->dir, k->modules[i].path);
		if (file_same_bytes(path, f->built) == 1)
			return path;
		free(path);
	}
	return NULL;
}

void placed_by_tree(const struct job *job, const char *version, struct placed *ret)
{
	_cleanup_free_ char *dir = built_module_dir(job, version);
	_cleanup_(strv_done) struct strv files = {0};

	*ret = (struct placed){0};
	dir_list(dir, &files);
	for (size_t i = 0; i < files.n; i++) {
		char *name = module_name_of_file(files.items[i]);
		struct placed_file *f;

		if (!name)
			continue;
		f = add(ret);
		f->name = name;
		f->file = xstrdup(files.items[i]);
		f->built = path_join(dir, f->file);
		f->dest = find_installed(job, f);
	}
	/* The built files may be gone, or not all of them be here. */
	for (size_t i = 0; job->conf && i < job->conf->n_modules && !files.n; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		struct placed_file *f = add(ret);

		f->file = conf_dest_file(m);
		f->name = module_name_of_file(f->file);
		f->built = path_join(dir, f->file);
		f->dest = dest_path(job, m, f->file);
	}
}
