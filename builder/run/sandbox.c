/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns a command into one that bubblewrap confines: bwrap(1). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/guard.h"
#include "builder/run/guarded-mounts.h"
#include "builder/run/sandbox.h"
#include "builder/run/seccomp.h"
#include "builder/run/user.h"

#define LINKS_MAX 8 /* that are followed to what is shown */

/* Directories that are empty in every sandbox. Paths below them that a command needs are
 * bind-mounted again. */
static const char *const always_hidden[] = {"/tmp", "/var/tmp", "/run", "/root", "/home"};

/* Directories that a strict sandbox hides as well. */
static const char *const hidden_if_strict[] = {"/boot", "/etc", "/lib/firmware",
	"/lib/modules", "/media", "/mnt", "/nix/var/nix/daemon-socket", "/srv", "/sys",
	"/usr/src", "/var"};

const char *const sandbox_visible_etc[] = {"/etc/alternatives", "/etc/bash.bashrc",
	"/etc/debian_version", "/etc/default", "/etc/environment", "/etc/fedora-release",
	"/etc/inputrc", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/lsb-release",
	"/etc/magic", "/etc/os-release", "/etc/perl", "/etc/pki/tls/openssl.cnf",
	"/etc/python3", "/etc/redhat-release", "/etc/rpm", "/etc/ssl/openssl.cnf",
	"/etc/sysconfig", "/etc/system-release", NULL};

const char *const sandbox_visible_boot[2] = {"/boot/System.map-", "/boot/config-"};

/* Files that programs need in order to run but that do not change what a build makes.
 * Every program opens ld.so.cache, which says only which libraries are opened next. The
 * databases of package managers are here too, since they say only what the installed
 * packages say. Not here are localtime, so that the time zone is UTC, nor machine-id and
 * hostname, which name the machine; users, groups and hosts are among the shown_files of a
 * build. The locales in /usr/lib/locale are not hidden, but LC_ALL=C opens none. */
static const char *const runtime_files[] = {"/etc/java", "/etc/ld.so.cache", "/etc/pki",
	"/var/lib/dpkg", "/var/lib/pacman", "/var/lib/rpm"};

/* The same for builds that have a network. Their results are not kept in the cache. */
static const char *const network_files[] = {"/etc/ca-certificates",
	"/etc/ca-certificates.conf", "/etc/gai.conf", "/etc/host.conf", "/etc/hosts",
	"/etc/nsswitch.conf", "/etc/protocols", "/etc/resolv.conf", "/etc/services",
	"/etc/ssl"};

/* Paths in /proc that a strict sandbox masks because they describe the running kernel and
 * its devices, and no build needs them. libselinux reads filesystems in many programs, to
 * find whether SELinux is there, which it never is in a build. */
static const char *const masked_proc[] = {"/proc/cmdline", "/proc/config.gz",
	"/proc/crypto", "/proc/devices", "/proc/driver", "/proc/filesystems",
	"/proc/interrupts", "/proc/iomem", "/proc/ioports", "/proc/kallsyms",
	"/proc/key-users", "/proc/keys", "/proc/misc", "/proc/modules", "/proc/partitions", "/proc/version_signature"};

void sandbox_done(struct sandbox *box)
{
	strv_done(&box->writable_dirs);
	strv_done(&box->readable_paths);
	strv_done(&box->secret_files);
	strv_done(&box->hidden_dirs);
	strv_done(&box->moved_paths);
	strv_done(&box->placed_links);
	strv_done(&box->bwrap_options);
	strv_done(&box->symlinks);
	strv_done(&box->shown_files);
	strv_done(&box->data_files);
}

/* Returns the directory directly below one of always_hidden that path is in ("/home/joe"
 * for "/home/joe/src/x"), which the caller frees, or NULL if path is in none of them. */
static char *hidden_top_of(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(always_hidden); i++) {
		size_t n = strlen(always_hidden[i]);

		if (strncmp(path, always_hidden[i], n) == 0 && path[n] == '/' &&
			path[n + 1])
			return xstrndup(path, n + 1 + strcspn(path + n + 1, "/"));
	}
	return NULL;
}

bool sandbox_user_can_read(const struct sandbox *box, const char *path)
{
	_cleanup_free_ char *partial = realpath(path, NULL);
	struct stat st;

	while (partial) {
		char *slash = strrchr(partial, '/');

		if (stat(partial, &st) < 0 ||
			!(st.st_mode & (S_ISDIR(st.st_mode) ? S_IXOTH : S_IROTH)))
			return false;
		/* bubblewrap shows the path itself, and makes the directories above
		 * it anew. */
		if (slash == partial || (box->kind == SANDBOX_KIND_UNTRUSTED && box->strict &&
						sandbox_hides_path(partial)))
			break;
		*slash = '\0';
	}
	return true;
}

static void add_namespaces(struct strv *argv, enum sandbox_kind kind, bool network)
{
	/* The shell of add_shell() is PID 1 instead of bubblewrap's own init
	 * process. bubblewrap does not wait for its init, so the resources used by the
	 * processes below it would not be counted. This way the sandbox is also empty
	 * once bubblewrap exits. */
	static const char *const always[] = {"bwrap", "--die-with-parent",
		"--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts",
		"--unshare-cgroup-try", NULL};
	static const char *const become[] = {
		"--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", NULL};

	strv_push_all(argv, always);
	if (!network)
		strv_push(argv, "--unshare-net");
	/* Some makefiles write the host name into what they build. */
	strv_push_all(argv, (const char *const[]){"--hostname", "localhost", NULL});
	/* Otherwise root would keep its capabilities and could remount the system
	 * writable. */
	if (kind == SANDBOX_KIND_USERNS)
		strv_push_all(argv, (const char *const[]){
					    "--unshare-user", "--cap-drop", "ALL", NULL});
	else
		strv_push_all(argv, become);
}

/* Returns whether each directory that leads to path can be searched by other users or is
 * owned by the user of dkms. */
static bool can_be_reached(const char *path)
{
	_cleanup_free_ char *partial = xstrdup(path);
	char *slash;
	struct stat st;

	while ((slash = strrchr(partial, '/')) && slash != partial) {
		*slash = '\0';
		if (stat(partial, &st) < 0)
			return false;
		if (!(st.st_mode & S_IXOTH) && st.st_uid != geteuid())
			return false;
	}
	return true;
}

bool sandbox_hides_path(const char *path)
{
	_cleanup_free_ char *top = hidden_top_of(path);

	for (size_t i = 0; !top && i < ARRAY_SIZE(hidden_if_strict); i++)
		if (has_prefix(path, hidden_if_strict[i]) &&
			path[strlen(hidden_if_strict[i])] == '/')
			return true;
	return top;
}

char *sandbox_place(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden_if_strict); i++) {
		const char *dir = hidden_if_strict[i];
		_cleanup_free_ char *real = NULL;

		if (!path_is_in(path, dir))
			continue;
		real = realpath(dir, NULL);
		return real && path_is_dir(real)
			       ? xasprintf("%s%s", real, path + strlen(dir))
			       : NULL;
	}
	return NULL;
}

/* Makes dir empty in the sandbox, unless that was done before, and adds it to emptied. */
static void empty_dir(struct strv *argv, struct strv *emptied, const char *dir)
{
	_cleanup_free_ char *real = realpath(dir, NULL);
	struct stat st;

	if (!real || lstat(real, &st) < 0 || !S_ISDIR(st.st_mode) ||
		strv_contains(emptied, real))
		return;
	strv_push_all(argv, (const char *const[]){"--tmpfs", real, NULL});
	strv_push(emptied, real);
}

/* Returns whether path is in a directory that is empty in the sandbox. The directories
 * of always_hidden stay writable, so if path is below one of them, a read-only empty
 * directory is added for the part of path directly below it. */
static bool is_emptied(struct strv *argv, struct strv *emptied, const char *path)
{
	_cleanup_free_ char *top = hidden_top_of(path);

	/* This is needed even inside of an emptied directory, as /var/tmp is in /var. */
	if (top && !streq(top, path) && !strv_contains(emptied, top)) {
		strv_push_all(argv, (const char *const[]){"--tmpfs", top, NULL});
		strv_push(emptied, top);
	}
	for (size_t i = 0; !top && i < emptied->n; i++)
		if (path_is_below(path, emptied->items[i]))
			return true;
	return top;
}

/* Makes the directories between an emptied directory and path. bubblewrap would make
 * them too, but searchable only by the user who starts it. */
static void make_parent_dirs(
	struct strv *argv, const struct strv *emptied, const char *path)
{
	for (size_t i = 0; i < emptied->n; i++) {
		size_t n = strlen(emptied->items[i]);
		const char *slash;

		if (!path_is_below(path, emptied->items[i]))
			continue;
		for (slash = path + n; (slash = strchr(slash + 1, '/'));) {
			_cleanup_free_ char *dir = xstrndup(path, (size_t)(slash - path));

			strv_push_all(argv, (const char *const[]){"--dir", dir, NULL});
		}
		return;
	}
}

/* Returns path with links resolved in all components but the last. The caller frees
 * it. */
static char *resolve_parent(const char *path)
{
	_cleanup_free_ char *dir = path_parent(path);
	_cleanup_free_ char *real = realpath(*dir ? dir : "/", NULL);

	return real ? path_join(real, path_base(path)) : xstrdup(path);
}

static void show_path(struct strv *argv, struct strv *emptied, struct strv *shown,
	const char *path, int depth);

/* Shows what is at path, of which only the last component may be a link. */
static void show_resolved(struct strv *argv, struct strv *emptied, struct strv *shown,
	const char *path, int depth)
{
	_cleanup_free_ char *target = NULL, *next = NULL;

	if (is_emptied(argv, emptied, path))
		make_parent_dirs(argv, emptied, path);
	if (link_read(path, &target) < 0) {
		if (is_emptied(argv, emptied, path))
			strv_push_all(argv,
				(const char *const[]){"--ro-bind-try", path, path, NULL});
		return;
	}
	if (is_emptied(argv, emptied, path))
		strv_push_all(
			argv, (const char *const[]){"--symlink", target, path, NULL});
	next = *target == '/' ? xstrdup(target) : path_beside(path, target);
	show_path(argv, emptied, shown, next, depth + 1);
}

/* Returns whether path, or a directory that it is in, has been shown. */
static bool is_shown(const struct strv *shown, const char *path)
{
	for (size_t i = 0; i < shown->n; i++)
		if (path_is_in(path, shown->items[i]))
			return true;
	return false;
}

/* Makes a symbolic link at place, if that is in an emptied directory and if nothing was
 * shown there. */
static void place_link(struct strv *argv, struct strv *emptied, struct strv *shown,
	const char *place, const char *target)
{
	/* bubblewrap would follow ".." out of the sandbox, to the root directory of the
	 * machine, where it may write. */
	if (path_has_dot_dot(place) || streq(place, target) || is_shown(shown, place) ||
		!is_emptied(argv, emptied, place))
		return;
	strv_push(shown, place);
	make_parent_dirs(argv, emptied, place);
	strv_push_all(argv, (const char *const[]){"--symlink", target, place, NULL});
}

/* Makes links to real at path and at each path that the links there lead to. These are but
 * names, and what is shown at them is real. */
static void place_links(struct strv *argv, struct strv *emptied, struct strv *shown,
	const char *path, const char *real)
{
	_cleanup_free_ char *at = xstrdup(path);

	for (int depth = 0; at && depth <= LINKS_MAX; depth++) {
		_cleanup_free_ char *place = resolve_parent(at), *target = NULL;

		place_link(argv, emptied, shown, place, real);
		place_link(argv, emptied, shown, at, real);
		if (link_read(place, &target) < 0)
			break;
		free(at);
		at = *target == '/' ? TAKE_PTR(target) : path_beside(place, target);
	}
}

/* Shows path if it is hidden and others can exchange it. Follows no link, since each would
 * have to be looked at for whom it is followed: shows what the guard has found, and a link at
 * path. Returns whether they can. */
static bool show_exchangeable(
	struct strv *argv, struct strv *emptied, struct strv *shown, const char *path)
{
	struct read_guard guard = {0};
	_cleanup_free_ char *real = NULL;
	_cleanup_close_ int fd = guard_resolve(path, &guard, &real);

	if (!guard.exchangeable)
		return false;
	/* guarded_mounts_add() says why it is not shown. */
	if (fd < 0)
		strv_push_all(argv, (const char *const[]){"--ro-bind-try", path, path, NULL});
	if (fd < 0)
		return true;
	if (!is_shown(shown, real) && is_emptied(argv, emptied, real)) {
		strv_push(shown, real);
		make_parent_dirs(argv, emptied, real);
		strv_push_all(
			argv, (const char *const[]){"--ro-bind-try", real, real, NULL});
	}
	place_links(argv, emptied, shown, path, real);
	return true;
}

/* Shows path if it is hidden. If it is a link, both the link and its target are shown.
 * depth counts the links followed so far, at most LINKS_MAX. */
static void show_path(struct strv *argv, struct strv *emptied, struct strv *shown,
	const char *path, int depth)
{
	_cleanup_free_ char *place = resolve_parent(path);
	struct stat st;

	if (depth > LINKS_MAX || stat(path, &st) < 0)
		return;
	if (!is_shown(shown, place)) {
		strv_push(shown, place);
		show_resolved(argv, emptied, shown, place, depth);
	}
	/* A link in a directory that leads to path is hidden too: link path to its
	 * place. */
	if (!is_shown(shown, path) && !strstr(path, "/..") &&
		is_emptied(argv, emptied, path)) {
		strv_push(shown, path);
		make_parent_dirs(argv, emptied, path);
		strv_push_all(
			argv, (const char *const[]){"--symlink", place, path, NULL});
	}
}

/* Shows real read-only at place. A link at real, if that is hidden, leads to place. */
static void show_moved_path(struct strv *argv, struct strv *emptied, struct strv *shown,
	const char *real, const char *place)
{
	if (is_emptied(argv, emptied, place))
		make_parent_dirs(argv, emptied, place);
	strv_push_all(argv, (const char *const[]){"--ro-bind-try", real, place, NULL});
	strv_push(shown, place);
	if (is_shown(shown, real) || !is_emptied(argv, emptied, real))
		return;
	make_parent_dirs(argv, emptied, real);
	strv_push_all(argv, (const char *const[]){"--symlink", place, real, NULL});
	strv_push(shown, real);
}

static void add_links(struct strv *argv, struct strv *emptied, struct strv *shown,
	const struct sandbox *box)
{
	for (size_t i = 0; i + 1 < box->placed_links.n; i += 2)
		place_link(argv, emptied, shown, box->placed_links.items[i],
			box->placed_links.items[i + 1]);
	for (size_t i = 0; i + 1 < box->symlinks.n; i += 2) {
		const char *path = box->symlinks.items[i];
		_cleanup_free_ char *place = resolve_parent(path);

		place_link(argv, emptied, shown, place, box->symlinks.items[i + 1]);
		place_link(argv, emptied, shown, path, box->symlinks.items[i + 1]);
	}
}

static void add_strict_mounts(struct strv *argv, struct strv *emptied, struct strv *shown,
	const struct sandbox *box)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden_if_strict); i++)
		empty_dir(argv, emptied, hidden_if_strict[i]);
	/* Hiding /var has removed it. */
	strv_push_all(argv, (const char *const[]){"--tmpfs", "/var/tmp", NULL});
	for (size_t i = 0; i < box->hidden_dirs.n; i++) {
		_cleanup_free_ char *real = realpath(box->hidden_dirs.items[i], NULL);

		if (real && !is_emptied(argv, emptied, real))
			empty_dir(argv, emptied, real);
	}
	for (size_t i = 0; i + 1 < box->moved_paths.n; i += 2)
		show_moved_path(argv, emptied, shown, box->moved_paths.items[i],
			box->moved_paths.items[i + 1]);
	for (const char *const *path = sandbox_visible_etc; *path; path++)
		show_path(argv, emptied, shown, *path, 0);
	for (size_t i = 0; i < ARRAY_SIZE(runtime_files); i++)
		show_path(argv, emptied, shown, runtime_files[i], 0);
	for (size_t i = 0; box->network && i < ARRAY_SIZE(network_files); i++)
		show_path(argv, emptied, shown, network_files[i], 0);
	for (size_t i = 0; i < box->readable_paths.n; i++)
		if (!show_exchangeable(argv, emptied, shown, box->readable_paths.items[i]))
			show_path(argv, emptied, shown, box->readable_paths.items[i], 0);
	add_links(argv, emptied, shown, box);
}

/* Puts /dev/null over a secret file. Without that, a command in a user namespace could
 * read it, since it runs as the user of dkms. A file that is hidden anyway is left
 * alone, and so is one that no user can reach, because bubblewrap might not reach it
 * either. */
static void mask_if_shown(struct strv *argv, const struct strv *emptied,
	const struct strv *shown, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_free_ char *top = real ? hidden_top_of(real) : NULL;
	bool is_gone = top;

	for (size_t i = 0; real && i < emptied->n; i++)
		is_gone = is_gone || path_is_below(real, emptied->items[i]);
	if (real && (!is_gone || is_shown(shown, real)) && can_be_reached(real))
		strv_push_all(argv,
			(const char *const[]){"--ro-bind", "/dev/null", real, NULL});
}

/* Makes the directory of fifo and shows fifo in it. If bubblewrap made the directory,
 * only the user who starts it could search it. */
static void show_jobserver_fifo(struct strv *argv, const char *fifo)
{
	_cleanup_free_ char *dir = path_parent(fifo);

	strv_push_all(
		argv, (const char *const[]){"--dir", dir, "--bind", fifo, fifo, NULL});
}

static void mask_proc(struct strv *argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(masked_proc); i++) {
		const char *path = masked_proc[i];

		if (path_is_dir(path))
			strv_push_all(argv, (const char *const[]){"--tmpfs", path, NULL});
		else if (path_look(path) != 0)
			strv_push_all(argv, (const char *const[]){"--ro-bind",
						    "/dev/null", path, NULL});
	}
}

/* Shows each of the pairs of a file and its place. */
static void show_files(
	struct strv *argv, const struct strv *emptied, const struct strv *pairs)
{
	for (size_t i = 0; i + 1 < pairs->n; i += 2) {
		make_parent_dirs(argv, emptied, pairs->items[i + 1]);
		strv_push_all(argv, (const char *const[]){"--ro-bind", pairs->items[i],
					    pairs->items[i + 1], NULL});
	}
}

/* Gives the command a descriptor, which it owns from now on, and appends its number in
 * the child to argv. */
static void pass_fd(struct command *cmd, struct strv *argv, int fd)
{
	strv_pushf(argv, "%d", COMMAND_FIRST_FD + (int)cmd->n_fds);
	cmd->fds[cmd->n_fds++] = fd;
}

/* Returns a descriptor from which data can be read, or a negative errno. */
static int open_data(const char *data)
{
	_cleanup_close_ int fd = memfd_create("data", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : write_all(fd, data, strlen(data));

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? r : take_fd(&fd);
}

/* Shows the contents of files that the user of the command may not open. bubblewrap copies
 * them from descriptors. Returns 0, or a negative errno and err. */
static int show_data_files(struct command *cmd, struct strv *argv,
	const struct strv *emptied, const struct strv *pairs, struct error *err)
{
	for (size_t i = 0; i + 1 < pairs->n; i += 2) {
		const char *path = pairs->items[i + 1];
		int fd = cmd->n_fds < COMMAND_FDS - 1 ? open_data(pairs->items[i]) : -EMFILE;

		if (fd < 0)
			return error_errno(
				err, fd, 1, "cannot show %s in the sandbox", path);
		make_parent_dirs(argv, emptied, path);
		strv_push_all(argv, (const char *const[]){"--perms", "0555",
					    "--ro-bind-data", NULL});
		pass_fd(cmd, argv, fd);
		strv_push(argv, path);
	}
	return 0;
}

static int add_mounts(struct command *cmd, struct strv *argv, const struct sandbox *box,
	struct error *err)
{
	_cleanup_(strv_done) struct strv shown = {0}, emptied = {0};
	struct stat st;
	int r;

	strv_push_all(argv, (const char *const[]){"--ro-bind", "/", "/", NULL});
	for (size_t i = 0; i < ARRAY_SIZE(always_hidden); i++) {
		const char *dir = always_hidden[i];

		if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		if (box->tmp_dir && streq(dir, "/tmp"))
			strv_push_all(argv, (const char *const[]){"--bind", box->tmp_dir,
						    dir, NULL});
		else
			strv_push_all(argv, (const char *const[]){"--tmpfs", dir, NULL});
	}
	if (box->strict)
		add_strict_mounts(argv, &emptied, &shown, box);
	strv_push_all(argv,
		(const char *const[]){"--dev", "/dev", "--proc", "/proc", NULL});
	if (box->strict) {
		mask_proc(argv);
		show_files(argv, &emptied, &box->shown_files);
	}
	r = show_data_files(cmd, argv, &emptied, &box->data_files, err);
	for (size_t i = 0; box->strict && i < box->secret_files.n; i++)
		mask_if_shown(argv, &emptied, &shown, box->secret_files.items[i]);
	if (box->jobserver_fifo)
		show_jobserver_fifo(argv, box->jobserver_fifo);
	for (size_t i = 0; i + 1 < box->writable_dirs.n; i += 2) {
		make_parent_dirs(argv, &emptied, box->writable_dirs.items[i + 1]);
		strv_push_all(argv,
			(const char *const[]){"--bind", box->writable_dirs.items[i],
				box->writable_dirs.items[i + 1], NULL});
	}
	strv_extend(argv, &box->bwrap_options);
	for (size_t i = 0; i < emptied.n; i++)
		strv_push_all(argv,
			(const char *const[]){"--remount-ro", emptied.items[i], NULL});
	/* mktemp(1) needs a /tmp that everybody may write to, as outside of the
	 * sandbox. */
	strv_push_all(argv, (const char *const[]){"--chmod", "1777", "/tmp", "--setenv",
				    "HOME", "/tmp", "--setenv", "TMPDIR", "/tmp", NULL});
	return r;
}

static void add_trace_fds(struct strv *argv)
{
	strv_push(argv, "--info-fd");
	strv_pushf(argv, "%d", SANDBOX_INFO_FD);
}

/* Adds the filter of system calls, unless this machine can have none. Without bubblewrap dkms
 * itself starts the command under it. Returns 0, or a negative errno and err. */
static int add_filter(struct command *cmd, struct strv *argv, const struct sandbox *box,
	struct error *err)
{
	bool direct = box->kind == SANDBOX_KIND_NONE;
	struct error why = {0};
	int fd = -1, r = -EOPNOTSUPP;

	if (!box->unfiltered && direct)
		r = seccomp_get_filter(&cmd->filter, &why);
	else if (!box->unfiltered)
		r = fd = seccomp_open_filter(&why);
	if (r == -EOPNOTSUPP) {
		error_done(&why);
		return 0;
	}
	error_move(err, &why);
	if (r < 0 || direct)
		return r;
	strv_push(argv, "--seccomp");
	pass_fd(cmd, argv, fd);
	return 0;
}

/* A shell is PID 1 and the command is its child, since PID 1 cannot be killed from inside
 * and does not die of an ordinary signal. It stays the user who runs bubblewrap: it dies
 * with bubblewrap, whose signal could not reach another user's process, and then the kernel
 * kills all that is in the sandbox. The shell keeps the jobserver's pipe open: if dkms
 * were killed before a make opens the pipe, that make would wait for ever for someone else
 * to open it. */
static void add_shell(struct strv *argv, const struct sandbox *box, struct str *checks)
{
	const char *fifo = box->jobserver_fifo;

	str_add(checks, fifo ? "exec 9<>\"$0\"; \"$@\" 9>&-; exit $?" : "\"$@\"; exit $?");
	strv_push_all(argv, (const char *const[]){"--", "sh", "-c", checks->data,
				    fifo ? fifo : "sh", NULL});
}

/* Another shell, which is traced neither itself nor in what it opens, waits until the
 * command may start. */
static void add_waiting_shell(struct strv *argv)
{
	strv_push_all(argv, (const char *const[]){"sh", "-c",
				    "echo >&6 && read -r go <&7 || exit; "
				    "exec \"$@\" 5>&- 6>&- 7<&-",
				    "sh", NULL});
}

/* Appends a shell that enters the control group before it becomes the command. */
static void add_memory_group(struct strv *argv, const struct sandbox *box)
{
	static const char script[] =
		"echo 0 > \"$0/cgroup.procs\" || exit; exec \"$@\"";

	if (box->memory_group)
		strv_push_all(argv, (const char *const[]){
					    "sh", "-c", script, box->memory_group, NULL});
}

static int wrap_in_bubblewrap(struct command *cmd, const struct sandbox *box,
	struct strv *argv, struct error *err)
{
	_cleanup_(str_done) struct str checks = {0};
	size_t first;
	int r;

	if (box->kind == SANDBOX_KIND_USERNS)
		user_add_options(argv, box->uid, box->max_processes);
	first = argv->n + 1;
	add_namespaces(argv, box->kind, box->network);
	r = add_mounts(cmd, argv, box, err);
	if (cmd->cwd)
		strv_push_all(argv, (const char *const[]){"--chdir", cmd->cwd, NULL});
	if (cmd->trace)
		add_trace_fds(argv);
	if (r == 0)
		r = add_filter(cmd, argv, box, err);
	if (r == 0)
		r = guarded_mounts_add(cmd, argv, first, &checks, err);
	add_shell(argv, box, &checks);
	if (box->kind == SANDBOX_KIND_UNTRUSTED)
		user_add_options(argv, box->uid, box->max_processes);
	if (cmd->trace)
		add_waiting_shell(argv);
	free(cmd->cwd);
	cmd->cwd = NULL;
	return r;
}

int sandbox_wrap_command(
	struct command *cmd, const struct sandbox *box, struct error *err)
{
	struct strv argv = {0};
	int r = 0;

	add_memory_group(&argv, box);
	if (box->kind == SANDBOX_KIND_NONE) {
		user_add_options(&argv, box->uid, box->max_processes);
		r = add_filter(cmd, &argv, box, err);
	} else {
		r = wrap_in_bubblewrap(cmd, box, &argv, err);
	}
	strv_extend(&argv, &cmd->argv);
	strv_done(&cmd->argv);
	cmd->argv = argv;
	return r;
}

int sandbox_fill_probe(enum sandbox_kind kind, uid_t uid, bool unfiltered,
	struct command *cmd, struct error *err)
{
	struct sandbox box = {.kind = kind, .uid = uid, .unfiltered = unfiltered};

	command_init(cmd);
	strv_push(&cmd->argv, "true");
	cmd->timeout_s = 10;
	return sandbox_wrap_command(cmd, &box, err);
}
