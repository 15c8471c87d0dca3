/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ARCHIVE_UNPACK_H
#define BUILDER_ARCHIVE_UNPACK_H

#include "base/error.h"
#include "base/strv.h"

/* Unpacks a tar archive that nobody has reason to trust. What comes out are directories
 * and regular files, ours, mode 0755 or 0644, below one directory and nowhere else; then,
 * in a second step, links that stay inside. An archive that holds anything else (a name
 * with "..", a device, a setuid file, the same name twice) is refused as a whole. */

/* More than this is refused. The largest driver packages have some 6,000 files; a
 * thousand kernels' modules and logs fit as well. */
#define UNPACK_ENTRIES_MAX 100000
#define UNPACK_BYTES_MAX (4LL << 30)
/* Of one name, and the directories in it: what the rest of dkms can walk. */
#define UNPACK_NAME_MAX 1024
#define UNPACK_DEPTH_MAX 64

/* A symbolic link: where it is and what it holds. */
struct unpacked_link {
	char *path, *target;
};

struct unpacked {
	struct unpacked_link *links; /* not made yet: unpack_links() does that */
	size_t n_links;
	struct strv confs; /* files and links called dkms.conf */
};

/* Unpacks what fd, a regular file, holds (plain tar, or compressed by gzip, bzip2, xz,
 * lzma, lzip or zstd) into dir, which is empty; the whole of it is verified first. name
 * is the archive in errors, which have status 3 when they are about its contents.
 * -ECANCELED when *cancelled (may be NULL) becomes other than 0. unpacked_done frees; in
 * case of an error what has been written stays for the caller to remove. */
int unpack(int fd, const char *name, const char *dir, const int *cancelled,
	struct unpacked *ret, struct error *err);
void unpacked_done(struct unpacked *u);

/* Makes the links below root ("" or a directory of the archive); -EPERM and status 3 when
 * one of them leads out of root, or out of the archive. */
int unpack_links(const struct unpacked *u, const char *name, const char *dir,
	const char *root, struct error *err);

/* Whether a link at path holds a target that stays below the root of path, however often
 * links are followed on the way. path has no "." and ".." in it. */
bool link_stays_inside(const char *path, const char *target);

/* The part of path that is below root, or NULL. */
const char *path_below(const char *path, const char *root);

/* A name for messages, control characters as \ooo; caller frees. */
char *printable(const char *s);

#endif
