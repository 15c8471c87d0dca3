/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which paths that a build does not see does a text name? */
#include "config.h"

#include <glob.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/build/build.h"
#include "builder/build/hidden-paths.h"

/* What is around a path in a message or in a script. */
#define AROUND " \t\"'`=:(<;,)>|&\n"
#define WILDCARDS "*?["
#define PATTERNS_MAX 16 /* so many are looked for */

static bool is_below_any(const char *path, const struct strv *dirs)
{
	for (size_t i = 0; i < dirs->n; i++)
		if (path_is_in(path, dirs->items[i]))
			return true;
	return false;
}

/* Whether the path exists, and may be shown to builds. */
static bool may_be_shown(const struct sandbox *box, const char *path)
{
	_cleanup_free_ char *dir = path_parent(path);
	struct stat st, above;

	return stat(path, &st) == 0 && stat(*dir ? dir : "/", &above) == 0 &&
	       (!box->uid || (st.st_mode & S_IROTH && above.st_mode & S_IXOTH));
}

/* Whether builds are shown the path, or what it is in. */
static bool is_shown(const struct sandbox *box, const char *path)
{
	const struct strv *const visible[] = {&box->readable_paths, &box->writable_dirs,
		&box->moved_paths, &box->placed_links, &box->symlinks};

	for (size_t i = 0; i < ARRAY_SIZE(visible); i++)
		if (is_below_any(path, visible[i]))
			return true;
	return false;
}

/* Whether the path exists, but a build does not see it. What it has made itself does not
 * count. */
static bool is_hidden(const struct sandbox *box, const char *path)
{
	return (sandbox_hides_path(path) || is_below_any(path, &box->hidden_dirs)) &&
	       !is_shown(box, path) && may_be_shown(box, path);
}

/* Returns the path to suggest for sandbox_paths: the directory of the file, or the file
 * itself if this directory is / or a directory in /, such as /home. The caller frees. */
static char *choose_path_to_show(const char *path)
{
	const char *base = path_base(path);
	_cleanup_free_ char *dir =
		base - path > 1 ? xstrndup(path, (size_t)(base - path) - 1) : NULL;

	return xstrdup(dir && strchr(dir + 1, '/') ? dir : path);
}

/* The same for a pattern: the directory in which the first name with a wildcard is. */
static char *choose_dir_to_show(const char *pattern)
{
	_cleanup_free_ char *start = xstrndup(pattern, strcspn(pattern, WILDCARDS));

	return path_parent(start);
}

static void add(struct hidden_paths *ret, const char *path, char *show)
{
	_cleanup_free_ char *taken = show;

	if (strv_contains(&ret->paths, path) || ret->paths.n == HIDDEN_PATHS_MAX)
		return;
	strv_push(&ret->paths, path);
	if (!strv_contains(&ret->shows, taken))
		strv_push(&ret->shows, taken);
}

/* Whether a pattern has wildcards in more than one component. To look for it would take long:
 * that for / and seven times a * reads all directories. */
static bool is_costly(const char *pattern)
{
	const char *first = strpbrk(pattern, WILDCARDS);
	const char *rest = first ? strchr(first, '/') : NULL;

	return strlen(pattern) >= PATH_MAX || (rest && strpbrk(rest, WILDCARDS));
}

/* Adds a pattern if it matches something that is hidden. A hostile build chooses the pattern,
 * and none of its limits apply here. */
static void add_pattern(
	const struct sandbox *box, const char *pattern, struct hidden_paths *ret)
{
	_cleanup_free_ char *dir = choose_dir_to_show(pattern);
	glob_t found;
	bool hidden = false;

	/* The whole system is not to be shown. */
	if (!dir[strspn(dir, "/")] || is_costly(pattern) || is_shown(box, dir) ||
		ret->n_patterns == PATTERNS_MAX)
		return;
	ret->n_patterns++;
	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc && !hidden; i++)
		hidden = is_hidden(box, found.gl_pathv[i]);
	globfree(&found);
	if (hidden)
		add(ret, pattern, xstrdup(dir));
}

/* Adds what a path in the build directory, or a relative one, leads to if it goes through a
 * link of the source that leads out of the source. */
static void add_linked(const struct job *job, const struct sandbox *box, const char *path,
	struct hidden_paths *ret)
{
	const struct build *b = job->build;
	const char *const dirs[] = {b->paths.build_dir, b->paths.real_build_dir, b->work_dir};
	_cleanup_free_ char *source = realpath(b->paths.source_dir, NULL);
	_cleanup_free_ char *inside = NULL, *real = NULL;
	const char *name = *path == '/' ? NULL : path;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && !name; i++)
		if (path_is_below(path, dirs[i]))
			name = path + strlen(dirs[i]) + 1;
	if (!name || !source || path_has_dot_dot(name))
		return;
	inside = path_join(source, name);
	real = realpath(inside, NULL);
	if (real && !path_is_in(real, source) && is_hidden(box, real))
		add(ret, real, choose_path_to_show(real));
}

/* Whether the path is of the running kernel, and the job is for another one. */
static bool is_of_running_kernel(const struct job *job, const char *path)
{
	_cleanup_free_ char *running = kernel_running_release();
	size_t n = strlen(running);

	if (streq(running, job->kernel->release))
		return false;
	for (const char *at = path; (at = strstr(at, running)); at += n)
		if (at > path && strchr("/-", at[-1]) && (!at[n] || at[n] == '/'))
			return true;
	return false;
}

void hidden_paths_done(struct hidden_paths *paths)
{
	strv_done(&paths->paths);
	strv_done(&paths->shows);
}

void hidden_paths_list(const struct job *job, const struct sandbox *box, const char *line,
	struct hidden_paths *ret)
{
	for (const char *at = line; *at;) {
		size_t n;
		_cleanup_free_ char *path = NULL;

		at += strspn(at, AROUND);
		n = strcspn(at, AROUND);
		path = xstrndup(at, n);
		at += n;
		if (*path == '/' && !is_shown(box, path) && is_of_running_kernel(job, path))
			ret->running_kernel = true;
		else if (*path == '/' && strpbrk(path, WILDCARDS))
			add_pattern(box, path, ret);
		else if (*path == '/' && is_hidden(box, path))
			add(ret, path, choose_path_to_show(path));
		else if (*path)
			add_linked(job, box, path, ret);
	}
}
