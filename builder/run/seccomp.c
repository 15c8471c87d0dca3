/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a filter of system calls, with libseccomp. It names what is refused, because the
 * tools of builds are many, and new system calls that they use must not break them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/library.h"
#include "builder/run/seccomp.h"

/* The functions of libseccomp that dkms uses. */
#define SECCOMP_FUNCTIONS(X)                                                             \
	X(seccomp_arch_add)                                                              \
	X(seccomp_arch_native)                                                           \
	X(seccomp_attr_set)                                                              \
	X(seccomp_export_bpf)                                                            \
	X(seccomp_init)                                                                  \
	X(seccomp_load)                                                                  \
	X(seccomp_release)                                                               \
	X(seccomp_rule_add)

SECCOMP_FUNCTIONS(LIBRARY_DECLARE)
SECCOMP_FUNCTIONS(LIBRARY_DEFINE)

static int load(struct error *err)
{
	static const struct library_symbol symbols[] = {
		SECCOMP_FUNCTIONS(LIBRARY_SYMBOL){0}};
	static struct library library =
		LIBRARY("libseccomp.so.2", "tracing builds", "libseccomp2", symbols);

	return library_load(&library, err);
}

/* Adds the architectures whose programs the machine can run besides its own. A call of
 * theirs would otherwise end the program. */
static int add_other_architectures(scmp_filter_ctx filter)
{
	int r = 0;

	switch (sym_seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		r = sym_seccomp_arch_add(filter, SCMP_ARCH_X86);
		return r < 0 ? r : sym_seccomp_arch_add(filter, SCMP_ARCH_X32);
	case SCMP_ARCH_AARCH64:
		return sym_seccomp_arch_add(filter, SCMP_ARCH_ARM);
	case SCMP_ARCH_S390X:
		return sym_seccomp_arch_add(filter, SCMP_ARCH_S390);
	default:
		return r;
	}
}

/* Calls that fail with EPERM. */
static const int refused[] = {SCMP_SYS(acct), SCMP_SYS(add_key), SCMP_SYS(bpf),
	SCMP_SYS(delete_module), SCMP_SYS(fanotify_init), SCMP_SYS(finit_module),
	SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fsopen), SCMP_SYS(fspick),
	SCMP_SYS(init_module), SCMP_SYS(ioperm), SCMP_SYS(iopl), SCMP_SYS(kcmp),
	SCMP_SYS(kexec_file_load), SCMP_SYS(kexec_load), SCMP_SYS(keyctl),
	SCMP_SYS(lookup_dcookie), SCMP_SYS(mount), SCMP_SYS(mount_setattr),
	SCMP_SYS(move_mount), SCMP_SYS(name_to_handle_at), SCMP_SYS(nfsservctl),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(open_tree), SCMP_SYS(perf_event_open),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(pivot_root), SCMP_SYS(process_madvise),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(ptrace),
	SCMP_SYS(quotactl), SCMP_SYS(quotactl_fd), SCMP_SYS(reboot),
	SCMP_SYS(request_key), SCMP_SYS(setns), SCMP_SYS(settimeofday),
	SCMP_SYS(swapoff), SCMP_SYS(swapon), SCMP_SYS(syslog), SCMP_SYS(umount),
	SCMP_SYS(umount2), SCMP_SYS(userfaultfd), SCMP_SYS(vhangup)};

/* Calls that fail as if the kernel did not know them, so that libraries do without.
 * clone3() passes its flags in memory, where a filter cannot see them; a C library uses
 * clone() instead. */
static const int unknown[] = {SCMP_SYS(clone3), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(io_uring_setup)};

static int refuse_all(scmp_filter_ctx filter, const int *calls, size_t n, int error)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = sym_seccomp_rule_add(
			filter, SCMP_ACT_ERRNO((unsigned int)error), calls[i], 0);
	return r;
}

/* The space of a file that is made at once could fill the disk and be free again unnoticed; see
 * scheduler/log-limit.c. A C library or a linker writes zeros instead. FS_IOC_RESVSP, FS_IOC_RESVSP64
 * and FS_IOC_ZERO_RANGE do the same on all file systems; here are their types and numbers, as the
 * sizes in them differ between architectures. */
static int refuse_fallocate(scmp_filter_ctx filter)
{
	static const scmp_datum_t requests[] = {'X' << 8 | 40, 'X' << 8 | 42, 'X' << 8 | 57};
	int r = sym_seccomp_rule_add(
		filter, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(fallocate), 0);

	for (size_t i = 0; i < ARRAY_SIZE(requests) && r == 0; i++)
		r = sym_seccomp_rule_add(filter, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffff, requests[i]));
	return r;
}

/* Refuses namespaces in which a command would have capabilities or other mounts. */
static int refuse_namespaces(scmp_filter_ctx filter)
{
	static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_NEWNS};
#if defined(__s390__) || defined(__s390x__)
	const unsigned int clone_flags = 1; /* the first argument is the stack */
#else
	const unsigned int clone_flags = 0;
#endif
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags) && r == 0; i++) {
		r = sym_seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
		if (r == 0)
			r = sym_seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				SCMP_SYS(clone), 1,
				SCMP_CMP(clone_flags, SCMP_CMP_MASKED_EQ, flags[i],
					flags[i]));
	}
	return r;
}

/* Refuses sockets of families other than the usual ones: they are not separated by
 * network namespaces (AF_VSOCK, AF_ALG), or builds have no use for them. socketcall(2),
 * of 32-bit programs on x86, cannot be filtered by family. */
static int refuse_sockets(scmp_filter_ctx filter)
{
	static const int permitted[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	int r = 0;

	for (int family = 0; family < AF_MAX && r == 0; family++) {
		bool is_permitted = false;

		for (size_t i = 0; i < ARRAY_SIZE(permitted); i++)
			is_permitted = is_permitted || permitted[i] == family;
		if (!is_permitted)
			r = sym_seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT),
				SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family));
	}
	if (r == 0)
		r = sym_seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT),
			SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GE, AF_MAX));
	return r;
}

static int add_rules(scmp_filter_ctx filter)
{
	int r = add_other_architectures(filter);

	/* A tree of comparisons instead of a list. Older versions do not have it. */
	sym_seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = refuse_all(filter, refused, ARRAY_SIZE(refused), EPERM);
	if (r == 0)
		r = refuse_all(filter, unknown, ARRAY_SIZE(unknown), ENOSYS);
	if (r == 0)
		r = refuse_fallocate(filter);
	if (r == 0)
		r = refuse_namespaces(filter);
	return r < 0 ? r : refuse_sockets(filter);
}

/* Returns a descriptor with the filter, -EOPNOTSUPP if libseccomp refuses a rule, or another
 * negative errno. */
static int make_filter(void)
{
	int fd = memfd_create("seccomp", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : 0;
	scmp_filter_ctx filter = r == 0 ? sym_seccomp_init(SCMP_ACT_ALLOW) : NULL;

	if (r == 0 && !filter)
		r = -ENOMEM;
	if (r == 0)
		r = add_rules(filter);
	if (r < 0 && filter && r != -ENOMEM)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = sym_seccomp_export_bpf(filter, fd);
	if (filter)
		sym_seccomp_release(filter);
	if (r == 0)
		return fd;
	close_ptr(&fd);
	return r;
}

/* Makes the filter and keeps its bytes. Returns 0 or what make_filter() does. */
static int keep_filter(struct str *bytes)
{
	_cleanup_close_ int fd = make_filter();
	char buffer[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		str_add_bytes(bytes, buffer, (size_t)n);
	if (n == 0 && bytes->len)
		return 0;
	n = n < 0 ? -errno : -EIO;
	str_done(bytes);
	return (int)n;
}

int seccomp_get_filter(const struct str **ret, struct error *err)
{
	/* The filter is made once, by the thread of the event loop. */
	static struct str bytes;
	int r = 0;

	/* Some kernels have no filters, and qemu(1) has none for programs of another machine. */
	if (!bytes.len && prctl(PR_GET_SECCOMP) < 0)
		return error_set(
			err, -EOPNOTSUPP, 1, "the kernel has no filters of system calls");
	if (!bytes.len) {
		r = load(err);
		if (r < 0)
			return r == -ENOENT ? -EOPNOTSUPP : r;
		r = keep_filter(&bytes);
	}
	if (r < 0)
		return error_errno(err, r, 1, "a filter of system calls cannot be made");
	*ret = &bytes;
	return 0;
}

int seccomp_open_filter(struct error *err)
{
	_cleanup_close_ int fd = -1;
	const struct str *bytes;
	int r = seccomp_get_filter(&bytes, err);

	if (r < 0)
		return r;
	fd = memfd_create("seccomp", MFD_CLOEXEC);
	r = fd < 0 ? -errno : write_all(fd, bytes->data, bytes->len);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return error_errno(err, r, 1, "a filter of system calls cannot be made");
	return take_fd(&fd);
}

/* What a reader may call: reading, memory, and what a C library needs. The sanitizers need
 * no more after they have begun. */
static const int reader_calls[] = {SCMP_SYS(access), SCMP_SYS(brk), SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(fadvise64), SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(fstat),
	SCMP_SYS(fstat64), SCMP_SYS(fstatat64), SCMP_SYS(ftruncate),
	SCMP_SYS(ftruncate64), SCMP_SYS(futex), SCMP_SYS(futex_time64),
	SCMP_SYS(getcwd), SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getpid), SCMP_SYS(getrandom), SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday), SCMP_SYS(getuid), SCMP_SYS(lseek), SCMP_SYS(_llseek),
	SCMP_SYS(lstat), SCMP_SYS(lstat64), SCMP_SYS(madvise), SCMP_SYS(memfd_create),
	SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect), SCMP_SYS(mremap),
	SCMP_SYS(munmap), SCMP_SYS(newfstatat), SCMP_SYS(pread64), SCMP_SYS(read),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(readv),
	SCMP_SYS(restart_syscall), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield), SCMP_SYS(sigaltstack), SCMP_SYS(stat), SCMP_SYS(stat64),
	SCMP_SYS(statx), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(write),
	SCMP_SYS(writev)};

static int permit_reading(scmp_filter_ctx filter)
{
	const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
	const scmp_datum_t self = (scmp_datum_t)getpid();
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(reader_calls) && r == 0; i++)
		r = sym_seccomp_rule_add(filter, SCMP_ACT_ALLOW, reader_calls[i], 0);
	if (r == 0)
		r = sym_seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	if (r == 0)
		r = sym_seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	/* abort(3) */
	if (r == 0)
		r = sym_seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
			SCMP_A0(SCMP_CMP_EQ, self));
	return r;
}

void *seccomp_make_reader_filter(void)
{
	scmp_filter_ctx filter =
		load(NULL) < 0 ? NULL : sym_seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

	if (filter && permit_reading(filter) < 0) {
		sym_seccomp_release(filter);
		return NULL;
	}
	return filter;
}

int seccomp_enter(void *filter)
{
	return filter ? sym_seccomp_load(filter) : 0;
}
