/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a filter of system calls, with libseccomp. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "base/library.h"
#include "builder/run/seccomp.h"

/* The functions of libseccomp that dkms uses. */
#define SECCOMP_FUNCTIONS(X)                                                             \
	X(seccomp_arch_add)                                                              \
	X(seccomp_arch_native)                                                           \
	X(seccomp_export_bpf)                                                            \
	X(seccomp_init)                                                                  \
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

/* Adds the rules: all calls are permitted except those that make namespaces or enter
 * them. clone3() passes its flags in memory, where a filter cannot see them; a C library
 * that is told that it does not exist uses clone(). */
static int add_rules(scmp_filter_ctx filter)
{
	static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_NEWNS};
#if defined(__s390__) || defined(__s390x__)
	const unsigned int clone_flags = 1; /* the first argument is the stack */
#else
	const unsigned int clone_flags = 0;
#endif
	int r = add_other_architectures(filter);

	for (size_t i = 0; i < ARRAY_SIZE(flags) && r == 0; i++) {
		r = sym_seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
		if (r == 0)
			r = sym_seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				SCMP_SYS(clone), 1,
				SCMP_CMP(clone_flags, SCMP_CMP_MASKED_EQ, flags[i],
					flags[i]));
	}
	if (r == 0)
		r = sym_seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r == 0)
		r = sym_seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setns), 0);
	return r;
}

int seccomp_open_filter(struct error *err)
{
	scmp_filter_ctx filter = NULL;
	int fd = -1, r = load(err);

	if (r < 0)
		return r;
	filter = sym_seccomp_init(SCMP_ACT_ALLOW);
	fd = memfd_create("seccomp", MFD_CLOEXEC);
	r = !filter ? -ENOMEM : fd < 0 ? -errno : add_rules(filter);
	if (r == 0)
		r = sym_seccomp_export_bpf(filter, fd);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (filter)
		sym_seccomp_release(filter);
	if (r == 0)
		return fd;
	close_ptr(&fd);
	return error_errno(err, r, 1, "a filter of system calls cannot be made");
}
