/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where are archives and packages written? */
#include "config.h"

#include "base/file.h"
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

int output_make_dir(struct job *job)
{
	_cleanup_free_ char *dir = path_parent(job->pack->archive);
	struct error why = {0};
	int r = dir_make(dir, &why);

	if (r < 0)
		error_set(&job->outcome.error, r, 9, "%s", why.what);
	error_done(&why);
	return r;
}
