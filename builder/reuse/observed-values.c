/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would a build see at a path now? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dirents.h"
#include "base/file.h"
#include "cache/cache.h"
#include "cache/listing.h"
#include "builder/host/inventory.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"
#include "builder/build/others.h"
#include "builder/reuse/observed-values.h"

/* A larger file in /proc is not read (bytes). */
#define PROC_MAX (1024 * 1024)

static char *hex_of(const struct digest *digest)
{
	char hex[DIGEST_HEX];

	digest_hex(digest, hex);
	return xstrdup(hex);
}

static char *digest_of_text(const struct str *text)
{
	struct digest digest;

	digest_bytes(text->data ? text->data : "", text->len, &digest);
	return hex_of(&digest);
}

/* The size and times of files in /proc and /sys say nothing. Those that are not for everybody, such
 * as kmsg, cannot be read by builds, and may wait for something. */
static char *digest_of_proc(const char *path)
{
	_cleanup_(str_done) struct str text = {0};
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & S_IROTH))
		return xstrdup("-");
	if (file_read(path, PROC_MAX, &text, NULL) < 0)
		return xstrdup("-");
	return digest_of_text(&text);
}

char *observed_real_path(const struct job *job, const char *path)
{
	const struct build *b = job->build;
	char *real = build_real_path(job->build, path);
	size_t longest = 0;

	if (real)
		return real;
	for (size_t i = 0; i < b->mounted_places.n; i++) {
		const char *place = b->mounted_places.items[i];
		size_t n = strlen(place);

		if (n <= longest || !path_is_in(path, place))
			continue;
		longest = n;
		free(real);
		real = xasprintf("%s%s", b->places.items[2 * i], path + n);
	}
	return real ? real : xstrdup(path);
}

static char *digest_of_file(const struct job *job, const char *path)
{
	_cleanup_free_ char *name = observed_real_path(job, path);
	struct digest digest;
	struct stat st;

	if (has_prefix(path, "/proc/") || has_prefix(path, "/sys/"))
		return digest_of_proc(path);
	if (stat(name, &st) < 0 || !S_ISREG(st.st_mode) ||
		statcache_digest(cache_statcache(job->shared->cache), AT_FDCWD, name, &st,
			&digest) < 0)
		return xstrdup("-");
	return hex_of(&digest);
}

/* Whether every root directory has this name. Others, such as those of people's own
 * directories, are no reason to build again. */
static bool is_standard_top(const char *name)
{
	static const char *const names[] = {"bin", "boot", "dev", "etc", "home", "lib",
		"lib64", "media", "mnt", "opt", "proc", "root", "run", "sbin", "srv",
		"sys", "tmp", "usr", "var"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(name, names[i]))
			return true;
	return false;
}

/* Appends the names in a directory that begin with start, each on a line. Returns 0 or a negative
 * errno. */
static int list_names(
	const struct job *job, const char *path, const char *start, struct str *ret)
{
	_cleanup_free_ char *name = observed_real_path(job, path);
	struct dirents entries = {0};
	int fd = dir_open_at(AT_FDCWD, name);
	bool is_root = streq(path, "/"), is_partial = others_is_partial(job, path);
	int r = fd < 0 ? fd : dirents_read_all(fd, &entries);

	if (fd >= 0)
		close(fd);
	dirents_sort(&entries);
	for (size_t i = 0; i < entries.n; i++) {
		const char *entry = entries.items[i].name;

		if (!has_prefix(entry, start) || (is_root && !is_standard_top(entry)) ||
			(is_partial && !others_shows_entry(job, path, entry)))
			continue;
		listing_add_escaped(ret, entry);
		str_add(ret, "\n");
	}
	dirents_done(&entries);
	return r;
}

static char *digest_of_dir(const struct job *job, const char *path)
{
	_cleanup_(str_done) struct str text = {0};

	return list_names(job, path, "", &text) < 0 ? xstrdup("-") : digest_of_text(&text);
}

static char *digest_of_fact(const struct job *job, const char *name)
{
	_cleanup_(str_done) struct str text = {0};

	if (streq(name, "accounts")) {
		/* constants.c makes the same files for root and nobody. */
		if (streq(confine_user(job), "user"))
			str_add(&text, "dkms");
	} else if (streq(name, "processor")) {
		inventory_add_processor(&text);
	} else if (has_prefix(name, OBSERVED_MODULE)) {
		others_find_module(job, name + strlen(OBSERVED_MODULE), &text);
	} else if (has_prefix(name, OBSERVED_NAMES)) {
		_cleanup_free_ char *dir = path_parent(name + strlen(OBSERVED_NAMES));

		list_names(job, dir, path_base(name), &text);
	} else if (streq(name, "others")) {
		str_add(&text, job->shared->shows_others ? "shown" : "hidden");
	} else if (streq(name, "user")) {
		str_add(&text, confine_user(job));
	} else if (streq(name, "visible")) {
		for (const char *const *path = sandbox_visible_etc; *path; path++)
			if (path_exists(*path))
				str_addf(&text, "%s\n", *path);
	} else {
		return xstrdup("-");
	}
	return digest_of_text(&text);
}

/* Returns the path of the program that a shell in the sandbox runs by this name. */
static char *find_program(const struct job *job, const char *name)
{
	_cleanup_free_ char *copy = xstrdup(build_search_path(job));
	char *dir, *rest = copy;

	while ((dir = strsep(&rest, ":"))) {
		_cleanup_free_ char *path = path_join(dir, name);

		if (path_is_program(path))
			return TAKE_PTR(path);
	}
	return xstrdup("-");
}

static char *exists(const struct job *job, const char *path)
{
	_cleanup_free_ char *name = observed_real_path(job, path);

	return xstrdup(path_exists(name) ? "yes" : "no");
}

char *observed_value(const struct job *job, enum manifest_kind kind, const char *path)
{
	char *target = NULL;

	switch (kind) {
	case MANIFEST_DIR:
		return digest_of_dir(job, path);
	case MANIFEST_EXISTS:
		return exists(job, path);
	case MANIFEST_FACT:
		return digest_of_fact(job, path);
	case MANIFEST_FILE:
	case MANIFEST_INPUT:
		return digest_of_file(job, path);
	case MANIFEST_LINK:
		return link_read(path, &target) < 0 ? xstrdup("-") : target;
	case MANIFEST_PROGRAM:
		return find_program(job, path);
	case MANIFEST_KINDS:
		break;
	}
	return xstrdup("-");
}

/* Whether it does not matter that something is missing here: a machine that compiles nothing
 * need not have the tools. What it has must be as it was. */
static bool is_left_out(
	const struct job *job, const struct manifest_item *item, const char *value)
{
	return job->shared->settings->remote.only &&
	       streq(value, item->kind == MANIFEST_EXISTS ? "no" : "-");
}

size_t observed_find_changes(const struct job *job, const struct manifest *m,
	struct observed_change *ret, size_t max)
{
	size_t n = 0;

	others_forget_modules(job);
	for (size_t i = 0; i < m->n && n < max; i++) {
		const struct manifest_item *item = &m->items[i];
		char *value;

		if (item->kind == MANIFEST_INPUT)
			continue;
		value = observed_value(job, item->kind, item->path);
		if (streq(value, item->value) || is_left_out(job, item, value))
			free(value);
		else
			ret[n++] = (struct observed_change){item, value};
	}
	return n;
}
