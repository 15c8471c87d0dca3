/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files that belong to no package can a build see, and have they changed? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/walk.h"
#include "cache/listing.h"
#include "builder/host/unpackaged.h"

/* The limits on the files that belong to no package. Each build has to look at all files,
 * which takes some 2 us each, and the first build has to read them.
 * add_amount() tells the user. */
#define FILES_MAX 50000
#define BYTES_MAX (4ULL << 30)

/* Tells whether distributions have a directory of this name in /. */
static bool is_system_dir(const char *name)
{
	static const char *const names[] = {"bin", "boot", "dev", "etc", "gnu", "home",
		"lib", "lib32", "lib64", "libx32", "media", "mnt", "nix", "opt", "proc",
		"root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(names[i], name))
			return true;
	return false;
}

void unpackaged_list_hidden(struct strv *ret)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list("/", &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join("/", names.items[i]);
		struct stat st;

		if (!is_system_dir(names.items[i]) && lstat(path, &st) == 0 &&
			S_ISDIR(st.st_mode))
			strv_push(ret, path);
	}
}

bool unpackaged_is_mentioned(const char *command)
{
	_cleanup_(strv_done) struct strv dirs = {0};

	unpackaged_list_hidden(&dirs);
	for (size_t i = 0; i < dirs.n; i++) {
		_cleanup_free_ char *start = xasprintf("%s/", dirs.items[i]);

		for (const char *at = command; (at = strstr(at, start)); at++)
			if (at == command || strchr(" \t\"'=:", at[-1]))
				return true;
	}
	return false;
}

/* Returns the directory to show for the directory dir of a PATH; the caller frees. For
 * /x/toolchain/bin it is /x/toolchain, because a compiler needs the files beside bin. */
static char *toolchain_prefix(const char *dir)
{
	const char *base = path_base(dir);

	if ((streq(base, "bin") || streq(base, "sbin")) && base - dir > 1)
		return xstrndup(dir, (size_t)(base - dir) - 1);
	return xstrdup(dir);
}

void unpackaged_list_tool_dirs(const char *path, struct strv *ret)
{
	_cleanup_(strv_done) struct strv hidden = {0};
	_cleanup_free_ char *copy = xstrdup(path ? path : "");
	char *dir, *rest = copy;

	unpackaged_list_hidden(&hidden);
	while ((dir = strsep(&rest, ":"))) {
		_cleanup_free_ char *real = realpath(dir, NULL);

		for (size_t i = 0; real && i < hidden.n; i++)
			if (path_is_below(real, hidden.items[i]))
				strv_take(ret, toolchain_prefix(real));
	}
	strv_sort_unique(ret);
}

/* What unpackaged_describe() has found. */
struct description {
	struct statcache *stats;
	struct str *out;
	size_t files;
	uint64_t bytes;
	double largest_share; /* of the limits, that one directory or file in / takes */
	char *largest;        /* its path */
};

/* Adds the files and bytes that are at path. Returns 0, or -E2BIG and err if there are
 * too many now. */
static int add_amount(struct description *d, const char *path, size_t files,
	uint64_t bytes, struct error *err)
{
	double share = (double)files / FILES_MAX + (double)bytes / BYTES_MAX;

	d->files += files;
	d->bytes += bytes;
	if (!d->largest || share > d->largest_share) {
		d->largest_share = share;
		str_replace(&d->largest, path);
	}
	if (d->files <= FILES_MAX && d->bytes <= BYTES_MAX)
		return 0;
	if (d->files > FILES_MAX)
		error_set(err, -E2BIG, 1,
			"more than 50,000 files belong to no package, most of them in %s",
			d->largest);
	else
		error_set(err, -E2BIG, 1,
			"more than 4 GiB of files belong to no package, most of it in %s",
			d->largest);
	error_remedy(err, "move what no build needs to /srv or /home, which builds do not "
			  "see");
	return -E2BIG;
}

/* Counts the files below dir. */
static int count_files(struct description *d, const char *dir, struct error *err)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	uint64_t bytes = 0;
	size_t files = 0;
	struct stat st;

	if (walk_begin(&w, dir, 0) < 0)
		return 0;
	while (files <= FILES_MAX && bytes <= BYTES_MAX && (e = walk_next(&w))) {
		if (e->type == DT_DIR ||
			fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		files++;
		bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	}
	return add_amount(d, dir, files, bytes, err);
}

/* Adds a file in /, other than a directory. */
static int add_root_file(struct description *d, const char *path, const struct stat *st,
	struct error *err)
{
	_cleanup_free_ char *target = NULL;
	int r = 0;

	if (S_ISLNK(st->st_mode)) {
		listing_add_escaped(d->out, path);
		str_add(d->out, " link ");
		if (link_read(path, &target) == 0)
			listing_add_escaped(d->out, target);
		str_add(d->out, "\n");
	} else if (S_ISREG(st->st_mode) && !(st->st_mode & 077)) {
		/* Such as a swap file: builds run as a user who cannot read it. */
		listing_add_escaped(d->out, path);
		str_addf(d->out, " private %04o\n", st->st_mode & 07777);
	} else if (S_ISREG(st->st_mode)) {
		r = add_amount(d, path, 1, (uint64_t)st->st_size, err);
		if (r == 0)
			listing_add_file(d->stats, path, path, d->out);
	}
	return r;
}

/* Adds the files in / itself. Leaves out links to kernels and their initrds, which change
 * with each new kernel. */
static int add_root_files(struct description *d, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	int r = 0;

	str_add(d->out, "/ dir\n");
	dir_list("/", &names);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		_cleanup_free_ char *path = path_join("/", names.items[i]);
		struct stat st;

		if (!has_prefix(names.items[i], "vmlinuz") &&
			!has_prefix(names.items[i], "initrd") && lstat(path, &st) == 0)
			r = add_root_file(d, path, &st, err);
	}
	return r;
}

/* Adds a directory with its content, or a file. */
static int add_path(struct description *d, const char *path, struct error *err)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		listing_add_file(d->stats, path, path, d->out);
		return 0;
	}
	r = count_files(d, path, err);
	if (r < 0)
		return r;
	listing_add_escaped(d->out, path);
	str_addf(d->out, " dir %04o\n", st.st_mode & 07777);
	r = listing_add_dir(d->stats, path, path, d->out);
	if (r == -EACCES) {
		listing_add_escaped(d->out, path);
		str_add(d->out, " unreadable\n");
		r = 0;
	}
	return r < 0 ? error_errno(err, r, 1, "cannot read %s", path) : 0;
}

/* Whether the path at i is the same as an earlier one, or below it. */
static bool is_repeated(const struct strv *paths, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (path_is_in(paths->items[i], paths->items[j]))
			return true;
	return false;
}

int unpackaged_describe(struct statcache *stats, const char *path, const char *more,
	struct str *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv paths = {0};
	struct description d = {.stats = stats, .out = ret};
	int r;

	strv_push_all(&paths, (const char *const[]){"/usr/local", "/opt", NULL});
	unpackaged_list_tool_dirs(path, &paths);
	strv_split(&paths, more ? more : "");
	r = add_root_files(&d, err);
	for (size_t i = 0; i < paths.n && r == 0; i++)
		if (!is_repeated(&paths, i))
			r = add_path(&d, paths.items[i], err);
	free(d.largest);
	return r;
}
