/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has dkms installed a file of a kernel's directory, or somebody else? */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/libcrypto.h"
#include "builder/host/module-name.h"
#include "builder/module/examine.h"
#include "builder/module/signature.h"
#include "builder/install/ours.h"

/* Whether a line for the file plain, in any compression, has the digest. */
static bool has_line(
	const struct installed_files *record, const char *plain, const char *digest)
{
	size_t len = strlen(plain);

	for (size_t i = 0; i < record->n; i++) {
		const char *path = record->items[i].path;
		const char *suffix = compression_suffix(compression_of_file(path));

		if (strlen(path) == len + strlen(suffix) && has_prefix(path, plain) &&
			streq(record->items[i].digest, digest))
			return true;
	}
	return false;
}

bool ours_leads_to_tree(const struct job *job, const char *name, const char *path)
{
	_cleanup_free_ char *target = NULL;
	_cleanup_free_ char *dir = path_join(job->shared->settings->trees.dkms, name);

	return link_read(path, &target) == 0 && path_is_below(target, dir) &&
	       !path_has_dot_dot(target);
}

static int digest_from_start(int fd, const char *path, char *ret, struct error *err)
{
	struct digest digest;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : digest_fd(fd, UINT64_MAX, &digest);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", path);
	digest_hex(&digest, ret);
	return 0;
}

/* The digests of a module's content without its compression, and without its signatures, too. */
struct plain_digests {
	char content[DIGEST_HEX], unsigned_content[DIGEST_HEX];
};

/* Returns 1, 0 if the file has no such content, or a negative errno. */
static int digest_plain(const char *path, struct plain_digests *ret, struct error *err)
{
	_cleanup_(error_done) struct error ignored = {0};
	_cleanup_close_ int fd = memfd_create("module", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, -errno, 1, "cannot examine %s", path);
	r = examine_decompress(path, fd, &ignored);
	if (r == -EPROTO || r == -EBADMSG || r == -ENOENT)
		return 0;
	if (r < 0) {
		error_move(err, &ignored);
		return r;
	}
	r = digest_from_start(fd, path, ret->content, err);
	if (r == 0 && signature_strip_fd(fd) < 0)
		return 0;
	if (r == 0)
		r = digest_from_start(fd, path, ret->unsigned_content, err);
	return r < 0 ? r : 1;
}

/* Compares what is in the files. */
static int check_content(const struct installed_files *record, const char *plain,
	const char *path, const char *built, struct error *err)
{
	struct plain_digests mine, theirs;
	int r = digest_plain(path, &theirs, err);

	if (r <= 0)
		return r;
	if (has_line(record, plain, theirs.content) ||
		has_line(record, plain, theirs.unsigned_content))
		return 1;
	r = digest_plain(built, &mine, err);
	return r <= 0 ? r : streq(mine.unsigned_content, theirs.unsigned_content);
}

int ours_check(const struct job *job, const char *name, const struct installed_files *record,
	const char *plain, const char *path, const char *built, struct error *err)
{
	char digest[DIGEST_HEX];
	struct stat st;
	int r;

	if (ours_leads_to_tree(job, name, path))
		return 1;
	r = stat(path, &st) < 0 ? -errno : 0;
	if (r == -ENOENT || (r == 0 && !S_ISREG(st.st_mode)))
		return 0; /* a link to nowhere, or no file at all */
	if (r < 0)
		return error_errno(err, r, 1, "cannot look at %s", path);
	r = libcrypto_load(err);
	if (r == 0)
		r = installed_files_digest(path, digest, err);
	if (r < 0)
		return r;
	if (has_line(record, plain, digest) && !streq(digest, INSTALLED_LINK))
		return 1;
	r = file_same_bytes(path, built);
	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, 1, "cannot compare %s with %s", path, built);
	return r == 1 ? 1 : check_content(record, plain, path, built, err);
}
