/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that looks at module files. It opens all of them, gives up its privileges,
 * and only then reads them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "builder/run/seccomp.h"
#include "builder/module/codecs.h"
#include "builder/module/compress.h"
#include "builder/module/examine-answer.h"
#include "builder/module/examine-child.h"
#include "builder/module/libkmod.h"
#include "builder/module/modfile.h"

#define NOBODY 65534
/* The first of the users whom https://systemd.io/UIDS-GIDS/ calls unused. Each process
 * becomes another of them, so that no process of a user whom others have, such as nobody,
 * may send it a signal or look into it. There are fewer than 2^22 processes. */
#define FIRST_USER 1879048192u
#define CPU_MAX_S 30
#define FILE_MAX (UINT64_C(2) << 30)   /* what a module may be when it is decompressed */
#define MEMORY_MAX (UINT64_C(6) << 30) /* address space */
/* Descriptors besides the files, and besides two for each module: libkmod opens it once
 * more, and there may be a decompressed copy. */
#define SPARE_FDS 4

/* The files to look at. */
struct inputs {
	struct modfile_input *items;
	int *fds;
	size_t n;
};

/* Returns a descriptor of a copy of the file in memory, which anybody may read. */
static int copy_to_memory(int fd, uint64_t size)
{
	_cleanup_close_ int copy = memfd_create("module", MFD_CLOEXEC);

	if (copy < 0 || fchmod(copy, 0444) < 0)
		return -errno;
	while (size) {
		ssize_t n = sendfile(copy, fd, NULL, size);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size -= (uint64_t)n;
	}
	return take_fd(&copy);
}

/* Opens the file. Returns a descriptor that any user can open again, or a negative
 * errno. */
static int open_input(const char *path)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > FILE_MAX)
		return -EFBIG;
	if (geteuid() == 0 && !(st.st_mode & S_IROTH))
		return copy_to_memory(fd, (uint64_t)st.st_size);
	return take_fd(&fd);
}

/* Opens the n files at paths. Those that are missing are left out if that is permitted. */
static int open_inputs(char **paths, size_t n, bool may_be_missing, struct inputs *ret,
	struct error *err)
{
	ret->items = xcalloc(n + 2, sizeof(*ret->items));
	ret->fds = xcalloc(n + 2, sizeof(*ret->fds));
	for (size_t i = 0; i < n; i++) {
		int fd = open_input(paths[i]);

		if (fd == -ENOENT && may_be_missing)
			continue;
		if (fd < 0)
			return error_errno(err, fd, 1, "cannot open %s", paths[i]);
		ret->fds[ret->n] = fd;
		ret->items[ret->n++].name = paths[i];
	}
	return 0;
}

/* Opens the module that may be replaced. Returns 1, which is the answer, if there is none,
 * as modfile_should_replace() does. */
static int open_old(char *path, struct inputs *ret, struct error *err)
{
	int fd = open_input(path);

	if (fd == -ENOENT || fd == -EINVAL)
		return 1;
	if (fd < 0)
		return error_errno(err, fd, 1, "cannot open %s", path);
	ret->fds[ret->n] = fd;
	ret->items[ret->n++].name = path;
	return 0;
}

/* Sets the paths of the opened files. */
static void set_paths(struct inputs *in, const char *dir)
{
	for (size_t i = 0; i < in->n; i++)
		in->items[i].path = xasprintf("%s/%d", dir, in->fds[i]);
}

/* Loads the libraries that reading the files may need, because no library can be found
 * later. One that is missing is an error when it is needed. */
static int load_libraries(const struct inputs *in, struct error *err)
{
	for (size_t i = 0; i < in->n; i++)
		(void)codec_load(compression_of_file(in->items[i].name), NULL);
	return libkmod_load(err);
}

static void limit(int resource, uint64_t max)
{
	struct rlimit r = {max, max};

	(void)setrlimit((__rlimit_resource_t)resource, &r);
}

static void ignore(int r)
{
	(void)r;
}

/* n is the number of modules. */
static void set_limits(size_t n)
{
	int highest = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CPU_MAX_S);
	limit(RLIMIT_FSIZE, FILE_MAX);
	limit(RLIMIT_NPROC, 0);
	if (highest >= 0)
		limit(RLIMIT_NOFILE, (uint64_t)highest + 2 * n + SPARE_FDS);
	/* The sanitizers reserve terabytes. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                   \
	__SIZEOF_POINTER__ > 4
	limit(RLIMIT_AS, MEMORY_MAX);
#endif
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	(void)syscall(SYS_capset, &header, none);
}

/* Stops being root. In a user namespace there may be few users. */
static void change_user(void)
{
	const uid_t users[] = {FIRST_USER + (uid_t)getpid(), NOBODY};

	ignore(setgroups(0, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(users) && geteuid() == 0; i++)
		if (setresgid(users[i], users[i], users[i]) == 0)
			ignore(setresuid(users[i], users[i], users[i]));
}

/* Gives up what the process could do besides reading the open files. Root sees nothing
 * afterwards but the directory of its own descriptors. In a container, some of this may
 * not be permitted; what is left is given up all the same. Returns the directory that the
 * descriptors are in then. */
static const char *confine(size_t n_modules)
{
	const char *fd_dir = "/proc/self/fd";
	void *filter = seccomp_make_reader_filter();

	if (geteuid() == 0) {
		ignore(unshare(CLONE_NEWNET | CLONE_NEWIPC));
		if (chroot(fd_dir) == 0 && chdir("/") == 0)
			fd_dir = "";
		change_user();
	}
	drop_capabilities();
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* Otherwise it could not open its descriptors again. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	set_limits(n_modules);
	ignore(seccomp_enter(filter));
	return fd_dir;
}

static int look(bool signers, const char *release, const struct inputs *modules,
	const struct inputs *symvers, struct strv *warnings, struct error *err)
{
	if (signers)
		return modfile_list_signers_opened(modules->items, modules->n, warnings, err);
	if (release)
		return modfile_check_opened(modules->items, modules->n, symvers->items,
			symvers->n, release, warnings, err);
	return modfile_should_replace_opened(&modules->items[0], &modules->items[1], err);
}

static _Noreturn void answer_and_exit(
	const struct strv *warnings, int r, const struct error *err)
{
	struct str answer = {0};

	answer_write(warnings, r, err, &answer);
	/* Without the functions of atexit(3): a leak checker would need ptrace(2). */
	_exit(write_all(STDOUT_FILENO, answer.data, answer.len) < 0 ? 3 : 0);
}

/* Writes the decompressed file to standard output. */
static _Noreturn void decompress_and_exit(char *path)
{
	struct inputs in = {0};

	if (open_inputs(&path, 1, false, &in, NULL) < 0)
		_exit(4);
	(void)codec_load(compression_of_file(path), NULL);
	set_paths(&in, confine(1));
	if (decompress_file(in.items[0].path, compression_of_file(path), stdout, NULL) < 0 ||
		fflush(stdout) != 0)
		_exit(5);
	_exit(0);
}

_Noreturn void examine_child(int argc, char **argv)
{
	struct inputs modules = {0}, symvers = {0};
	struct strv warnings = {0};
	struct error err = {0};
	bool is_check = argc >= 3 && streq(argv[0], "check");
	bool signers = argc >= 2 && streq(argv[0], "signers");
	size_t n = is_check ? strtoul(argv[2], NULL, 10) : signers ? (size_t)argc - 1 : 2;
	size_t first = is_check ? 3 : 1, rest = (size_t)argc - first - n;
	const char *fd_dir;
	int r;

	if (argc == 2 && streq(argv[0], "decompress"))
		decompress_and_exit(argv[1]);
	if (!(is_check ? n && n <= (size_t)argc - first
		       : signers || (argc == 3 && streq(argv[0], "replace"))))
		_exit(2);
	r = open_inputs(
		argv + first, is_check || signers ? n : 1, false, &modules, &err);
	if (r == 0 && is_check)
		r = open_inputs(argv + first + n, rest, true, &symvers, &err);
	else if (r == 0 && !signers)
		r = open_old(argv[2], &modules, &err);
	if (r == 0)
		r = load_libraries(&modules, &err);
	if (r != 0)
		answer_and_exit(&warnings, r, &err);
	fd_dir = confine(modules.n);
	modfile_set_fd_dir(fd_dir);
	set_paths(&modules, fd_dir);
	set_paths(&symvers, fd_dir);
	r = look(signers, is_check ? argv[1] : NULL, &modules, &symvers, &warnings, &err);
	answer_and_exit(&warnings, r, &err);
}
