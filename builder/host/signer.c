/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the modules for a kernel to be signed, and by which program? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/host/signer.h"

/* Compares the files that two paths lead to. Returns 1 if they are the same, 0 if not, or
 * a negative errno. */
static int is_same(const char *dir, const char *a, const char *b)
{
	_cleanup_free_ char *path_a = path_join(dir, a);
	_cleanup_free_ char *path_b = path_join(dir, b);
	const unsigned int mask = STATX_INO | STATX_MNT_ID;
	struct statx st_a, st_b;

	if (statx(AT_FDCWD, path_a, 0, mask, &st_a) < 0 ||
		statx(AT_FDCWD, path_b, 0, mask, &st_b) < 0)
		return -errno;
	/* A bind mount of the root directory has the same inode number, but another mount
	 * number. */
	if (st_a.stx_mask & st_b.stx_mask & STATX_MNT_ID &&
		st_a.stx_mnt_id != st_b.stx_mnt_id)
		return 0;
	return st_a.stx_dev_major == st_b.stx_dev_major &&
	       st_a.stx_dev_minor == st_b.stx_dev_minor && st_a.stx_ino == st_b.stx_ino;
}

bool signer_is_in_chroot(const char *proc)
{
	_cleanup_free_ char *self = path_join(proc, "self");

	if (!path_exists(self))
		return true;
	return is_same(proc, "1/root", "self/root") == 0 ||
	       is_same(proc, "1/ns/mnt", "self/ns/mnt") == 0;
}

bool signer_may_make_key(const struct settings *s, const char *proc)
{
	if ((s->signing.when && streq(s->signing.when, "true")) || geteuid() != 0)
		return true;
	return is_same(proc, "1/root", "self/root") == 1 &&
	       is_same(proc, "1/ns/mnt", "self/ns/mnt") == 1;
}

char *signer_hash(struct kernel *k)
{
	const char *value = kernel_config(k, "CONFIG_MODULE_SIG_HASH");
	char *hash;

	if (!value)
		return NULL;
	value += *value == '"';
	hash = xstrndup(value, strcspn(value, "\""));
	if (*hash)
		return hash;
	free(hash);
	return NULL;
}

const char *signer_unwanted_reason(
	const struct settings *s, struct kernel *k, const char *proc)
{
	const char *mode = s->signing.when ? s->signing.when : "not_in_chroot";
	_cleanup_free_ char *hash = signer_hash(k);

	if (streq(mode, "false"))
		return "try_sign_modules is false";
	if (!hash)
		return "the kernel has no CONFIG_MODULE_SIG_HASH";
	if (!streq(mode, "true") && signer_is_in_chroot(proc))
		return "this is a chroot or a mount namespace, and try_sign_modules is "
		       "not true";
	return NULL;
}

/* Returns "6.1" of "6.1.0-56-amd64"; the caller frees. */
static char *major_minor(const char *release)
{
	size_t len = strcspn(release, ".");

	if (release[len])
		len += 1 + strspn(release + len + 1, "0123456789");
	return xstrndup(release, len);
}

/* Returns where the distribution has the program, which need not exist; the caller frees.
 * NULL if dkms knows no such path. */
static char *distro_tool(enum distro distro, const char *release, const char *root,
	const char *search)
{
	_cleanup_free_ char *version = NULL;
	char *found;

	switch (distro) {
	case DISTRO_DEBIAN:
		version = major_minor(release);
		return xasprintf(
			"%s/usr/lib/linux-kbuild-%s/scripts/sign-file", root, version);
	case DISTRO_UBUNTU:
		found = path_find_program("kmodsign", search);
		if (found)
			return found;
		return xasprintf(
			"%s/usr/src/linux-headers-%s/scripts/sign-file", root, release);
	case DISTRO_GENTOO:
		return xasprintf("%s/usr/src/linux-%s/scripts/sign-file", root, release);
	default:
		return NULL;
	}
}

int signer_find_program(const struct settings *s, const struct kernel *k,
	const char *root, const char *search, char **ret, struct error *err)
{
	_cleanup_free_ char *tool = NULL;

	if (!is_empty(s->signing.program)) {
		tool = settings_expand_kernelver(s->signing.program, k->release);
	} else {
		tool = distro_tool(s->distro, k->release, root, search);
		if (!tool || !path_is_program(tool)) {
			free(tool);
			tool = path_join(k->headers, "scripts/sign-file");
		}
	}
	if (!path_is_program(tool))
		return error_set(err, -ENOENT, 1, "%s is %s", tool,
			path_is_file(tool) ? "not executable" : "missing");
	*ret = TAKE_PTR(tool);
	return 0;
}
