/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where are archives and packages written? */
#include "config.h"

#include "base/file.h"
#include "base/output-file.h"
#include "builder/tree/tree.h"
#include "builder/pack/output.h"

char *output_path(const struct job *job, const char *subdir, const char *file)
{
	const char *given = job->pack->path;
	_cleanup_free_ char *version_dir = NULL;

	if (given && strchr(given, '/'))
		return xstrdup(given);
	version_dir = tree_version_dir(
		job->shared->settings->trees.dkms, job->name, job->version);
	return xasprintf("%s/%s/%s", version_dir, subdir, given ? given : file);
}

/* Checks that no link of another user leads to where the missing part of dir is made. path is
 * in dir. */
static int check_above(const char *dir, const char *path, struct error *err)
{
	_cleanup_free_ char *above = xstrdup(dir), *name = NULL, *probe = NULL;
	_cleanup_close_ int fd = -1;

	while (*above && !path_is_dir(above)) {
		char *next = path_parent(above);

		free(above);
		above = next;
	}
	probe = path_join(*above ? above : ".", path_base(path));
	fd = output_open_dir(probe, &name, err);
	return fd < 0 ? fd : 0;
}

int output_make_dir(struct job *job)
{
	_cleanup_free_ char *dir = path_parent(job->pack->archive);
	struct error why = {0};
	int r = path_is_dir(dir) ? 0 : check_above(dir, job->pack->archive, &why);

	if (r == 0)
		r = dir_make(dir, &why);

	if (r < 0)
		error_set(&job->outcome.error, r, 9, "%s", why.what);
	error_done(&why);
	return r;
}
