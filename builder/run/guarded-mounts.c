/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does bubblewrap show what it was to show? */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "base/guard.h"
#include "builder/run/guarded-mounts.h"

#define NOTHING "/proc/0" /* a path that never exists */

/* Returns how many arguments follow an option of bwrap(1) that dkms uses. */
static size_t count_arguments(const char *option)
{
	static const char *const none[] = {"--as-pid-1", "--die-with-parent",
		"--unshare-cgroup-try", "--unshare-ipc", "--unshare-net", "--unshare-pid",
		"--unshare-user", "--unshare-uts"};
	static const char *const two[] = {"--bind", "--chmod", "--ro-bind",
		"--ro-bind-data", "--ro-bind-try", "--setenv", "--symlink"};

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (streq(option, none[i]))
			return 0;
	for (size_t i = 0; i < ARRAY_SIZE(two); i++)
		if (streq(option, two[i]))
			return 2;
	return 1;
}

static bool is_mount(const char *option)
{
	return streq(option, "--bind") || streq(option, "--ro-bind") ||
	       streq(option, "--ro-bind-try");
}

/* Appends the line that compares what is at place, once all mounts are made. */
static void add_check(struct str *checks, const char *place, const struct stat *st)
{
	str_add(checks, "[ \"$(stat -c %d:%i ");
	str_add_quoted(checks, place);
	str_addf(checks, ")\" = %ju:%ju ] || { printf '" GUARDED_MOUNTS_MESSAGE "%%s\\n' ",
		(uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	str_add_quoted(checks, place);
	str_add(checks, " >&2; exit 1; }\n");
}

/* Its inode cannot become another file's while it is open. */
static void keep_open(struct command *cmd, int fd)
{
	cmd->kept = xrealloc_array(cmd->kept, cmd->n_kept + 1, sizeof(*cmd->kept));
	cmd->kept[cmd->n_kept++] = fd;
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = xstrdup(by);
}

static int refuse(const char *path, struct error *err)
{
	error_set(err, -EPERM, 1,
		"cannot show %s to the commands of a package: another user leads that path "
		"to what is not his own",
		path);
	error_remedy(err, "name the file or directory itself, not a link of another user");
	return -EPERM;
}

/* Looks at what option[1] names, which is to be mounted at option[2]. */
static int guard_mount(
	struct command *cmd, char **option, struct str *checks, struct error *err)
{
	struct read_guard guard = {0};
	_cleanup_free_ char *real = NULL;
	_cleanup_close_ int fd = guard_resolve(option[1], &guard, &real);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR || (fd < 0 && geteuid() != 0)) {
		/* Somebody may make it now. */
		if (guard.exchangeable)
			replace(&option[1], NOTHING);
		return 0;
	}
	if (fd == -EPERM)
		return refuse(option[1], err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, fd < 0 ? fd : -errno, 1,
			"cannot show %s in the sandbox", option[1]);
	if (!guard.exchangeable)
		return 0;
	replace(&option[1], real);
	add_check(checks, option[2], &st);
	keep_open(cmd, take_fd(&fd));
	return 0;
}

int guarded_mounts_add(struct command *cmd, struct strv *argv, size_t first,
	struct str *checks, struct error *err)
{
	size_t n;
	int r = 0;

	for (size_t i = first; i < argv->n && r == 0; i += n + 1) {
		n = count_arguments(argv->items[i]);
		if (!has_prefix(argv->items[i], "--") || i + n >= argv->n)
			return error_set(err, -EINVAL, 1, "not an option of bwrap: %s",
				argv->items[i]);
		if (is_mount(argv->items[i]))
			r = guard_mount(cmd, argv->items + i, checks, err);
	}
	return r;
}
