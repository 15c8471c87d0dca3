/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where do the commands of a build see the trees? */
#include "config.h"

#include <ctype.h>
#include <errno.h>

#include "base/file.h"
#include "base/guard.h"
#include "builder/host/header-trees.h"
#include "builder/build/build.h"
#include "builder/build/places.h"

#define MODULES "/lib/modules"

/* Whether path is / or directly in it. */
static bool is_at_top(const char *path)
{
	return !strchr(path + 1, '/');
}

static void add_pair(struct strv *pairs, const char *path, const char *place)
{
	strv_push(pairs, path);
	strv_push(pairs, place);
}

/* Adds the tree at path, unless it is at its place already or cannot be shown there. */
static void add_tree(struct strv *pairs, const char *path, const char *place)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_free_ char *mount = sandbox_place(place);

	if (streq(path, place) || is_at_top(path) || !mount)
		return;
	add_pair(pairs, path, place);
	if (real && !streq(real, path) && !is_at_top(real))
		add_pair(pairs, real, place);
}

/* Whether path is in a directory that has the headers of distributions. */
static bool is_system_path(const char *path)
{
	return path_is_in(path, "/usr/src") || path_is_in(path, "/usr/lib") ||
	       path_is_in(path, "/lib");
}

/* Adds the headers: those that move, and the others with their own paths, because the
 * source tree around them may move. Their relative links would not lead to each other if
 * only some of them moved. */
static void add_headers(struct strv *pairs, const struct job *job, bool is_chosen)
{
	struct kernel *k = job->kernel;
	const struct strv *mounts = &job->build->header_mounts;
	_cleanup_free_ char *real = realpath(k->headers, NULL);
	_cleanup_free_ char *mount = sandbox_place(MODULES);
	_cleanup_free_ char *place = xasprintf(MODULES "/%s/build", k->release);
	_cleanup_(strv_done) struct strv dirs = {0};
	bool path_is_named = !is_empty(job->shared->settings->kernel.source_dir) &&
			     !is_system_path(k->headers);

	header_trees_list(k, &dirs);
	is_chosen = is_chosen && real && mount && !is_system_path(real);
	if (is_chosen && dirs.n == 1 && !mounts->n) {
		add_pair(pairs, real, place);
		if (path_is_named && !streq(k->headers, real))
			add_pair(pairs, k->headers, place);
		return;
	}
	if (is_chosen)
		strv_extend(pairs, mounts);
	for (size_t i = 0; i < dirs.n; i++)
		add_pair(pairs, dirs.items[i], dirs.items[i]);
}

void places_choose(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct build *b = job->build;
	struct strv pairs = {0};
	size_t before;
	bool is_chosen = !is_empty(s->kernel.source_dir);

	if (b->sandbox == SANDBOX_KIND_NONE)
		return;
	before = pairs.n;
	add_tree(&pairs, s->trees.install, MODULES);
	is_chosen = is_chosen || pairs.n > before;
	add_tree(&pairs, s->trees.dkms, "/var/lib/dkms");
	add_tree(&pairs, s->trees.source, "/usr/src");
	add_tree(&pairs, s->config_dir, "/etc/dkms");
	if (pairs.n || is_chosen)
		add_headers(&pairs, job, is_chosen);
	b->places = pairs;
	for (size_t i = 0; i + 1 < pairs.n; i += 2) {
		char *mounted = sandbox_place(pairs.items[i + 1]);

		strv_take(&b->mounted_places,
			mounted ? mounted : xstrdup(pairs.items[i + 1]));
	}
	free(b->paths.build_dir);
	b->paths.build_dir = places_path(b, b->paths.real_build_dir);
}

/* Whether c can be in a name of a file that nobody has quoted, or begins a variable. */
static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       (c && strchr("._-+~@%$", c));
}

/* Whether ".." in the rest of a path, which begins with '/' or is not part of it, leads
 * out of the directory. */
static bool climbs_out(const char *rest)
{
	int depth = 0;

	while (*rest == '/' && depth >= 0) {
		size_t n = 0;

		rest += strspn(rest, "/");
		while (is_name_char(rest[n]) || rest[n] == '{' || rest[n] == '}')
			n++;
		if (n == 2 && has_prefix(rest, ".."))
			depth--;
		else if (n > 1 || (n == 1 && *rest != '.'))
			depth++;
		rest += n;
	}
	return depth < 0;
}

/* Returns the index in b->places of the longest path that at begins with as a whole, or
 * SIZE_MAX. */
static size_t find_place(const struct build *b, const char *at)
{
	size_t best = SIZE_MAX, best_n = 0;

	for (size_t i = 0; i + 1 < b->places.n; i += 2) {
		size_t n = strlen(b->places.items[i]);

		if (n > best_n && has_prefix(at, b->places.items[i]) &&
			!is_name_char(at[n]) && !climbs_out(at + n)) {
			best = i;
			best_n = n;
		}
	}
	return best;
}

/* Whether a path can begin at this place of the text: not in the middle of another path,
 * unless it follows an option of one letter such as -I. */
static bool may_begin(const char *text, const char *at)
{
	size_t before = (size_t)(at - text);

	if (!before)
		return true;
	if (!is_name_char(at[-1]))
		return !strchr("/)}", at[-1]);
	return before >= 2 && isalpha((unsigned char)at[-1]) && at[-2] == '-' &&
	       (before == 2 || strchr(" \t\n\"'=", at[-3]));
}

char *places_path(const struct build *b, const char *path)
{
	for (size_t best = SIZE_MAX, n = 0, i = 0; path && i <= b->places.n; i += 2) {
		if (i == b->places.n)
			return best == SIZE_MAX
				       ? xstrdup(path)
				       : xasprintf("%s%s", b->places.items[best + 1],
						 path + n);
		if (path_is_in(path, b->places.items[i]) &&
			strlen(b->places.items[i]) > n &&
			!climbs_out(path + strlen(b->places.items[i]))) {
			best = i;
			n = strlen(b->places.items[i]);
		}
	}
	return NULL;
}

char *places_text(const struct build *b, const char *text)
{
	struct str result = {0};

	if (!text)
		return NULL;
	str_add(&result, "");
	for (const char *at = text; *at;) {
		size_t i =
			*at == '/' && may_begin(text, at) ? find_place(b, at) : SIZE_MAX;

		if (i == SIZE_MAX) {
			str_add_bytes(&result, at++, 1);
			continue;
		}
		str_add(&result, b->places.items[i + 1]);
		at += strlen(b->places.items[i]);
	}
	return str_take(&result);
}

/* Adds the pair to the list, unless it has it. */
static void add_pair_once(struct strv *pairs, const char *a, const char *b)
{
	for (size_t i = 0; i + 1 < pairs->n; i += 2)
		if (streq(pairs->items[i], a) && streq(pairs->items[i + 1], b))
			return;
	add_pair(pairs, a, b);
}

void places_show(const struct build *b, const char *path, struct sandbox *box)
{
	struct read_guard guard = {0};
	_cleanup_free_ char *real = NULL;
	_cleanup_close_ int fd = guard_resolve(path, &guard, &real);
	_cleanup_free_ char *seen = places_path(b, path);
	_cleanup_free_ char *seen_real = real ? places_path(b, real) : NULL;
	_cleanup_free_ char *mount = NULL, *link = NULL;

	if (fd == -EPERM) /* sandbox_wrap_command() says why it is not shown */
		strv_push(&box->readable_paths, path);
	if (fd < 0)
		return;
	if (streq(seen, path) && streq(seen_real, real)) {
		strv_push(&box->readable_paths, path);
		return;
	}
	mount = sandbox_place(seen_real);
	if (streq(seen_real, real) || !mount)
		strv_push(&box->readable_paths, real);
	else
		add_pair_once(&box->moved_paths, real, mount);
	if (streq(path, seen)) {
		add_pair_once(&box->symlinks, path, seen_real);
		return;
	}
	link = sandbox_place(seen);
	if (!streq(seen, seen_real))
		add_pair_once(&box->placed_links, link, seen_real);
	add_pair_once(&box->symlinks, path, seen);
}
