/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files that belong to no package can a build see, and have they changed? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/walk.h"
#include "cache/listing.h"
#include "builder/host/unpackaged.h"

/* The limit on the number of files, which each run has to look at: this many take some
 * 150 ms. fail_too_many() tells the user. */
#define FILES_MAX 100000

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

struct description {
	struct str *out;
	size_t n; /* the number of files so far */
};

/* Ends the line for a file that is not a directory. */
static void add_entry(
	struct description *d, int dir, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		str_add(d->out, " link ");
		listing_add_escaped(d->out, target);
		str_add(d->out, "\n");
	} else {
		str_addf(d->out, " %o %lld %lld %lld\n", st->st_mode,
			(long long)st->st_size, (long long)timespec_ns(&st->st_mtim),
			(long long)timespec_ns(&st->st_ctim));
	}
}

/* Adds a line for each file below the directory fd, which is at path. Closes fd. Returns
 * -E2BIG if there are more files than FILES_MAX. */
static int add_files(struct description *d, int fd, const char *path)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = 0;

	if (walk_begin_at(&w, fd, WALK_SORTED) < 0)
		return 0;
	while (r == 0 && (e = walk_next(&w))) {
		_cleanup_free_ char *below = path_join(path, e->path);
		struct stat st;

		if (fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		listing_add_escaped(d->out, below);
		if (S_ISDIR(st.st_mode)) {
			str_addf(d->out, " dir %04o\n", st.st_mode & 07777);
			continue;
		}
		add_entry(d, e->parent, e->name, &st);
		r = d->n++ < FILES_MAX ? 0 : -E2BIG;
	}
	return r;
}

/* Adds the files in / itself. Leaves out links to kernels and their initrds, which change
 * with each new kernel. */
static void add_root_files(struct description *d)
{
	_cleanup_close_ int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(strv_done) struct strv names = {0};

	dir_list("/", &names);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.items[i];
		struct stat st;

		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			S_ISDIR(st.st_mode) || has_prefix(name, "vmlinuz") ||
			has_prefix(name, "initrd"))
			continue;
		str_add(d->out, "/");
		listing_add_escaped(d->out, name);
		add_entry(d, fd, name, &st);
	}
}

static int fail_too_many(const struct strv *dirs, struct error *err)
{
	_cleanup_free_ char *names = strv_join(dirs, " and ");

	error_set(err, -E2BIG, 1, "more than 100,000 files in %s", names);
	error_remedy(err, "move files that no build needs to /srv or /home, which builds "
			  "do not see");
	return -E2BIG;
}

int unpackaged_describe(
	const char *path, const char *more, struct str *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv dirs = {0}, tools = {0};
	struct description d = {.out = ret};
	int r = 0;

	strv_push_all(&dirs, (const char *const[]){"/usr/local", "/opt", NULL});
	unpackaged_list_tool_dirs(path, &tools);
	strv_extend(&dirs, &tools);
	strv_split(&dirs, more ? more : "");
	add_root_files(&d);
	for (size_t i = 0; i < dirs.n && r == 0; i++) {
		int fd = open(dirs.items[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct stat st;

		if (fd >= 0) {
			r = add_files(&d, fd, dirs.items[i]);
		} else if (stat(dirs.items[i], &st) == 0) {
			listing_add_escaped(ret, dirs.items[i]);
			add_entry(&d, AT_FDCWD, dirs.items[i], &st);
		}
	}
	return r < 0 ? fail_too_many(&dirs, err) : 0;
}
