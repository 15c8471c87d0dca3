/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ARCHIVE_UNPACK_H
#define BUILDER_ARCHIVE_UNPACK_H

#include "base/error.h"
#include "base/strv.h"

/* Unpacks a tar archive that nobody has reason to trust. In a first step, this makes
 * directories and regular files below one directory and nowhere else; they are owned by
 * the user of dkms and have mode 0755 or 0644. In a second step, it makes the symbolic
 * links that stay inside. An archive that holds anything else (a name with "..", a
 * device, a setuid file, the same name twice) is refused as a whole. */

/* An archive with more files or bytes is refused. The largest driver packages have some
 * 6,000 files; the modules and logs of a thousand kernels fit as well. */
#define UNPACK_ENTRIES_MAX 100000
#define UNPACK_BYTES_MAX (4LL << 30)
/* The bytes of one name and the directories in it. The rest of dkms can walk such
 * trees. */
#define UNPACK_NAME_MAX 1024
#define UNPACK_DEPTH_MAX 64

/* A symbolic link: its own path, and the path that it holds. */
struct unpacked_link {
	char *path, *target;
};

/* What is known about an unpacked archive besides its files. */
struct unpacked {
	struct unpacked_link *links; /* not made yet; see unpack_make_links() */
	size_t n_links;
	struct strv conf_paths; /* of files and links named dkms.conf */
};

/* Verifies the archive that fd, a regular file, holds, and then unpacks it into dir,
 * which is empty. The archive is plain tar or compressed by gzip, bzip2, xz, lzma, lzip
 * or zstd. name is how errors call it. Links are not made yet. Returns 0 and fills ret,
 * which unpacked_done() frees; or a negative errno, when the caller removes what has
 * been written. Errors about the content of the archive have exit status 3. Returns
 * -ECANCELED when *cancelled becomes other than 0; cancelled may be NULL. */
int unpack_archive(int fd, const char *name, const char *dir, const int *cancelled,
	struct unpacked *ret, struct error *err);
void unpacked_done(struct unpacked *u);

/* Makes the links that are below root, which is "" or a directory of the archive.
 * Returns 0, or -EPERM with exit status 3 if one of them leads out of root, or a link
 * elsewhere leads out of the archive. */
int unpack_make_links(const struct unpacked *u, const char *name, const char *dir,
	const char *root, struct error *err);

/* Returns whether a link at path to target stays below the directory that path is
 * relative to, however many links are followed. path has no "." and ".." in it. */
bool link_stays_inside(const char *path, const char *target);

/* Returns the part of path that is below root (borrowed), or NULL if path is not below
 * it. */
const char *path_relative_to(const char *path, const char *root);

#endif
