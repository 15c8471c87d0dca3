/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Did a build fail because of its sandbox or its limits? Other versions of dkms let a build
 * read and change all files and use the network, and some modules depend on that. */
#include "config.h"

#include "base/file.h"
#include "base/guard.h"
#include "builder/run/memory-group.h"
#include "builder/build/advice.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"
#include "builder/build/hidden-paths.h"

/* Only the last part of a log is searched (bytes). */
#define SEARCH_MAX (256 * 1024)
#define MAKEFILE_MAX (1024 * 1024)
#define LAST_LINES 20 /* of the log, which count even if they do not complain */

/* What the lines of a log complain about. */
struct complaints {
	struct hidden_paths hidden;
	bool root, network, processes, refused;
	bool of_others; /* what builds before this one have left in sandbox_write */
};

/* Whether a line of a log complains about a missing network. */
static bool misses_network(const char *line)
{
	static const char *const words[] = {"Could not resolve", "could not resolve",
		"unable to resolve", "failure in name resolution",
		"Name or service not known", "Network is unreachable"};

	return text_has_any(line, words, ARRAY_SIZE(words));
}

/* Whether a line of a log complains that a process could not be started. */
static bool misses_processes(const char *line)
{
	static const char *const words[] = {
		"annot fork", "an't fork", "Resource temporarily unavailable"};

	return text_has_any(line, words, ARRAY_SIZE(words));
}

/* Whether a line of a log complains about a missing file. */
static bool misses_file(const char *line)
{
	static const char *const words[] = {"No such file", "not found",
		"Permission denied", "annot open", "an't open", "No rule to make target"};

	return text_has_any(line, words, ARRAY_SIZE(words));
}

/* Whether a line of a log complains that the user is not root. */
static bool misses_root(const char *line)
{
	static const char *const words[] = {"must be root", "be run as root", "un as root",
		"need to be root", "not root", "oot privileges", "equires root",
		"need root", "are you root", "uperuser", "sudo: "};

	return text_has_any(line, words, ARRAY_SIZE(words));
}

/* Whether the line has an absolute path that is not in the build directory or in /tmp. */
static bool names_outside(const struct sandbox *box, const char *line)
{
	for (const char *at = line; (at = strchr(at, '/')); at += strcspn(at, " \t\"'`:;,)")) {
		bool inside = (at > line && !strchr(" \t\"'`=:(", at[-1])) ||
			      has_prefix(at, "/tmp/");

		for (size_t i = 0; i < box->writable_dirs.n; i++)
			inside = inside || has_prefix(at, box->writable_dirs.items[i]);
		if (!inside)
			return true;
	}
	return false;
}

/* Whether a line of a log complains that something could not be changed. To see its
 * directory would not help. */
static bool misses_writing(const struct sandbox *box, const char *line)
{
	static const char *const words[] = {
		"Read-only file system", "Operation not permitted"};
	static const char *const writers[] = {"annot create", "an't create", "annot touch", "tee: "};
	static const char *const hidden[] = {"No such file", "nonexistent"};

	return text_has_any(line, words, ARRAY_SIZE(words)) ||
	       (text_has_any(line, writers, ARRAY_SIZE(writers)) &&
		       text_has_any(line, hidden, ARRAY_SIZE(hidden)) && names_outside(box, line));
}

/* Whether a line of a log complains that something was not permitted. A file of the
 * package may not be executable, which has nothing to do with the sandbox. */
static bool is_refused(const struct sandbox *box, const char *line)
{
	return misses_writing(box, line) ||
	       (strstr(line, "Permission denied") && names_outside(box, line));
}

/* Whether a line of a log complains that something in sandbox_write was not permitted. */
static bool misses_owning(const struct job *job, const char *line)
{
	static const char *const words[] = {"Permission denied", "Operation not permitted"};
	_cleanup_(strv_done) struct strv listed = {0};
	bool named = false;

	if (!job->policy.sandbox.write || !text_has_any(line, words, ARRAY_SIZE(words)))
		return false;
	strv_split(&listed, job->policy.sandbox.write);
	for (size_t i = 0; i < listed.n; i++)
		named = named || strstr(line, listed.items[i]);
	return named;
}

static void read_line(const struct job *job, const struct sandbox *box, const char *line,
	struct complaints *ret)
{
	ret->root = ret->root || misses_root(line);
	ret->network = ret->network || misses_network(line);
	ret->processes = ret->processes || misses_processes(line);
	ret->refused = ret->refused || is_refused(box, line);
	ret->of_others = ret->of_others || misses_owning(job, line);
	if (box->kind != SANDBOX_KIND_NONE && misses_file(line) && !misses_writing(box, line))
		hidden_paths_list(job, box, line, &ret->hidden);
}

/* Lists the hidden paths in a text, except for comments. */
static void search_text(const struct job *job, const struct sandbox *box, char *text,
	struct complaints *ret)
{
	char *line;

	while (text && (line = strsep(&text, "\n")))
		if (line[strspn(line, " \t")] != '#' && !strstr(line, "ing directory '") &&
			!misses_writing(box, line))
			hidden_paths_list(job, box, line, &ret->hidden);
}

/* Returns the last lines of a text. */
static char *last_lines(struct str *text)
{
	char *at = text->data + text->len;

	for (size_t n = 0; at > text->data && n <= LAST_LINES; at--)
		n += at[-1] == '\n';
	return at;
}

/* Searches the makefiles and scripts of a build that said nothing. */
static void search_scripts(const struct job *job, const struct sandbox *box,
	struct complaints *ret)
{
	static const char *const makefiles[] = {
		"Kbuild", "Makefile", "makefile", "GNUmakefile", NULL};
	const char *scripts[] = {job->conf->make, job->conf->pre_build};
	_cleanup_(strv_done) struct strv files = {0};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_free_ char *text = xstrdup(scripts[i]);

		search_text(job, box, text, ret);
	}
	strv_push_all(&files, makefiles);
	if (job->conf->pre_build)
		strv_take(&files, xstrndup(job->conf->pre_build,
					  strcspn(job->conf->pre_build, " \t")));
	for (size_t i = 0; i < files.n; i++) {
		_cleanup_free_ char *path =
			path_join(job->build->paths.source_dir, files.items[i]);
		_cleanup_close_ int fd = -1;
		_cleanup_(str_done) struct str text = {0};
		struct read_guard guard;
		struct stat st;

		/* It may be a link to what only root may read. */
		if (!path_has_dot_dot(files.items[i]))
			fd = guard_open_file(path, &guard, &st);
		if (fd >= 0 && file_read_fd(fd, MAKEFILE_MAX, &text) == 0)
			search_text(job, box, text.data, ret);
	}
}

static void search(const struct job *job, const struct sandbox *box, bool silent,
	struct complaints *ret)
{
	_cleanup_(str_done) struct str log = {0};
	_cleanup_free_ char *copy = NULL;
	char *line, *rest;

	if (file_read_tail(job->build->paths.log, SEARCH_MAX, &log, NULL) < 0 || !log.len)
		return;
	copy = rest = xstrdup(log.data);
	while ((line = strsep(&rest, "\n")))
		read_line(job, box, line, ret);
	if (box->kind == SANDBOX_KIND_NONE || ret->hidden.paths.n)
		return;
	search_text(job, box, last_lines(&log), ret);
	if (silent && !ret->hidden.paths.n)
		search_scripts(job, box, ret);
}

/* Returns the advice to show the hidden paths. */
static char *advise_paths(const struct settings *s, const struct complaints *found)
{
	_cleanup_(strv_done) struct strv listed = {0};
	_cleanup_free_ char *paths = NULL, *list = NULL;
	struct str names = {0};
	char *advice;

	/* The setting replaces one that is there. */
	strv_split(&listed, s->sandbox.paths ? s->sandbox.paths : "");
	strv_extend(&listed, &found->hidden.shows);
	paths = strv_join(&listed, " ");
	for (size_t i = 0; i < found->hidden.paths.n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", found->hidden.paths.items[i]);
	list = str_take(&names);
	advice = xasprintf("builds do not see %s; sandbox_paths=\"%s\" in %s/framework.conf "
			   "shows %s",
		list, paths, s->config_dir, found->hidden.paths.n > 1 ? "them" : "it");
	return advice;
}

static char *choose_advice(
	const struct job *job, const struct sandbox *box, const struct complaints *found)
{
	static const char scripts[] = "POST_ADD, PRE_INSTALL and POST_INSTALL run as root";
	const struct settings *s = job->shared->settings;
	bool confined = box->kind != SANDBOX_KIND_NONE;

	if (found->hidden.running_kernel) {
		_cleanup_free_ char *running = kernel_running_release();

		return xasprintf("it looks for the running kernel %s, but is built for %s; "
				 "$kernelver in dkms.conf and KERNELRELEASE in makefiles name it",
			running, job->kernel->release);
	}
	if (found->hidden.paths.n)
		return advise_paths(s, found);
	if (found->processes && job->build->user.uid && s->limits.max_processes)
		return xasprintf("builds may have %u processes; max_processes in "
				 "%s/framework.conf changes that",
			s->limits.max_processes, s->config_dir);
	if (found->network && confined && !box->network)
		return xasprintf("builds have no network; sandbox_network=\"%s\" in "
				 "%s/framework.conf gives it one",
			job->name, s->config_dir);
	if (found->of_others && job->build->user.uid)
		return xstrdup("what a build leaves in sandbox_write belongs to its user; another "
			       "one cannot change it, and can replace it if the directory has mode 0777");
	if (found->root && job->build->user.uid)
		return xasprintf("builds do not run as root; %s", scripts);
	if (found->refused && job->build->user.uid)
		return xasprintf("builds run as a user without privileges, who can write only "
				 "to the build directory and to /tmp; %s",
			scripts);
	if (found->refused && confined)
		return xasprintf("builds can write only to the build directory and to /tmp; %s",
			scripts);
	return NULL;
}

char *advice_find(const struct job *job, bool silent)
{
	_cleanup_(sandbox_done) struct sandbox box = {.kind = job->build->sandbox};
	struct complaints found = {0};
	char *advice;

	if (memory_group_was_full(job->build->user.memory_group))
		return xasprintf("the build used all of the memory that max_build_memory in "
				 "%s/framework.conf permits",
			job->shared->settings->config_dir);
	if (box.kind != SANDBOX_KIND_NONE)
		build_fill_sandbox(job, &box);
	search(job, &box, silent, &found);
	advice = choose_advice(job, &box, &found);
	hidden_paths_done(&found.hidden);
	return advice;
}
