/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Did a build fail because of its sandbox or its limits? Other versions of dkms let a build
 * read all files and use the network, and some modules depend on that. */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "builder/run/memory-group.h"
#include "builder/host/unpackaged.h"
#include "builder/build/advice.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"

/* Only the last part of a log is searched (bytes). */
#define SEARCH_MAX (256 * 1024)

static bool has_any(const char *line, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

/* Whether a line of a log complains about a missing network. */
static bool misses_network(const char *line)
{
	static const char *const words[] = {"Could not resolve", "could not resolve",
		"unable to resolve", "failure in name resolution",
		"Name or service not known", "Network is unreachable"};

	return has_any(line, words, ARRAY_SIZE(words));
}

/* Whether a line of a log complains that a process could not be started. */
static bool misses_processes(const char *line)
{
	static const char *const words[] = {
		"annot fork", "an't fork", "Resource temporarily unavailable"};

	return has_any(line, words, ARRAY_SIZE(words));
}

/* Whether a line of a log complains about a missing file. */
static bool misses_file(const char *line)
{
	static const char *const words[] = {"No such file", "not found",
		"Permission denied", "annot open", "an't open", "No rule to make target"};

	return has_any(line, words, ARRAY_SIZE(words));
}

static bool is_below_any(const char *path, const struct strv *dirs)
{
	for (size_t i = 0; i < dirs->n; i++)
		if (path_is_below(path, dirs->items[i]))
			return true;
	return false;
}

/* Whether the path exists, and may be shown to builds. A hostile build can complain about
 * any path to have it shown, so what only root may read is not suggested. */
static bool may_be_shown(const struct sandbox *box, const char *path)
{
	_cleanup_free_ char *dir = path_parent(path);
	struct stat st, above;

	return stat(path, &st) == 0 && stat(*dir ? dir : "/", &above) == 0 &&
	       (!box->uid || (st.st_mode & S_IROTH && above.st_mode & S_IXOTH));
}

/* Whether the path exists, but a build does not see it. What it has made itself does not
 * count. */
static bool is_hidden(const struct sandbox *box, const char *path)
{
	return (sandbox_hides_path(path) || is_below_any(path, &box->hidden_dirs)) &&
	       !is_below_any(path, &box->readable_paths) &&
	       !is_below_any(path, &box->writable_dirs) && may_be_shown(box, path);
}

/* Returns the first hidden path in a line, or NULL; the caller frees. */
static char *find_hidden(const struct sandbox *box, const char *line)
{
	static const char before[] = " \t\"'`=:(<", after[] = " \t\"'`:;,)>";

	for (const char *at = line; (at = strchr(at, '/')); at++) {
		_cleanup_free_ char *path = xstrndup(at, strcspn(at, after));

		if ((at == line || strchr(before, at[-1])) && is_hidden(box, path))
			return TAKE_PTR(path);
		at += strlen(path) - 1;
	}
	return NULL;
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

char *advice_find(const struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct build *b = job->build;
	_cleanup_(sandbox_done) struct sandbox box = {.kind = b->sandbox};
	bool has_limit = b->user.uid && s->limits.max_processes;
	_cleanup_(str_done) struct str log = {0};
	char *advice = NULL, *line, *rest;

	if (memory_group_was_full(b->user.memory_group))
		return xasprintf("the build used all of the memory that max_build_memory in "
				 "%s/framework.conf permits",
			s->config_dir);
	if (file_read_tail(b->paths.log, SEARCH_MAX, &log, NULL) < 0)
		return NULL;
	if (box.kind != SANDBOX_KIND_NONE)
		build_fill_sandbox(job, &box);
	rest = log.data;
	while (!advice && (line = strsep(&rest, "\n"))) {
		_cleanup_free_ char *path =
			box.kind != SANDBOX_KIND_NONE && misses_file(line)
				? find_hidden(&box, line)
				: NULL;
		_cleanup_free_ char *show = path ? choose_path_to_show(path) : NULL;

		if (path)
			advice =
				xasprintf("builds do not see %s; sandbox_paths=\"%s\" in "
					  "%s/framework.conf shows it",
					path, show, s->config_dir);
		else if (has_limit && misses_processes(line))
			advice = xasprintf(
				"builds may have %u processes; max_processes in "
				"%s/framework.conf changes that",
				s->limits.max_processes, s->config_dir);
		else if (box.kind != SANDBOX_KIND_NONE && !box.network &&
			 misses_network(line))
			advice = xasprintf(
				"builds have no network; sandbox_network=\"%s\" in "
				"%s/framework.conf gives it one",
				job->name, s->config_dir);
	}
	return advice;
}
