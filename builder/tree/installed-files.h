/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_INSTALLED_FILES_H
#define BUILDER_TREE_INSTALLED_FILES_H

#include "base/error.h"
#include "cache/digest.h"
#include "builder/tree/tree.h"

/* The record of the files that dkms has put into a kernel's directory for one module:
 *
 *   NAME/.installed-RELEASE-ARCH   beside the link kernel-RELEASE-ARCH
 *
 * It has a line for each file: "DIGEST PATH" or, if an install has begun that puts the file
 * there in place of what another version has there, "+DIGEST PATH". DIGEST is that of the
 * file's content, in hexadecimal, or "link". PATH is relative to the kernel's directory.
 *
 * The record is written before the kernel's directory changes, and then has what was there and
 * what is going to be there. So it never lacks a file of ours, but the file of a line may be gone,
 * or be somebody else's by now: what a line says counts only together with the content of the
 * file. Other versions of dkms neither write nor read the record. If one of them has installed
 * something else meanwhile, no file has the content that the lines say.
 *
 * Who writes or removes the record holds the lock of the kernel. */

#define INSTALLED_LINK "link" /* in place of the digest of a link into the dkms tree */

struct installed_file {
	char *path;
	char digest[DIGEST_HEX];
	bool pending; /* the line begins with "+" */
};

struct installed_files {
	struct installed_file *items;
	size_t n;
};

/* Adds a line, unless there is an equal one. */
void installed_files_add(
	struct installed_files *l, const char *path, const char *digest, bool pending);
/* Frees what is in l and makes it empty. */
void installed_files_done(struct installed_files *l);

/* Returns the path of the record of a module on a kernel; the caller frees. Ignores
 * on.version. */
char *installed_files_path(const char *dkms_tree, struct version_on_kernel on);
/* Returns 1 and the record of a module on a kernel, 0 if there is none, or a negative errno with
 * status 1; -EBADMSG if it is damaged. Ignores on.version. installed_files_done() frees *ret. */
int installed_files_read(const char *dkms_tree, struct version_on_kernel on,
	struct installed_files *ret, struct error *err);
/* Writes the record to disk by a rename. Returns 0, or a negative errno with status 1. */
int installed_files_write(const char *dkms_tree, struct version_on_kernel on,
	const struct installed_files *l, struct error *err);
/* Removes the record. Returns 0, also if there is none, or a negative errno with status 1. */
int installed_files_remove(
	const char *dkms_tree, struct version_on_kernel on, struct error *err);
/* Removes all records in the directory NAME of the dkms tree for which there is no link that
 * says that a version is installed. Ignores failures. */
void installed_files_remove_stray(const char *name_dir);

/* Writes what a line says of the file at path to ret, which has DIGEST_HEX bytes. Returns 0, or a
 * negative errno with status 1. */
int installed_files_digest(const char *path, char *ret, struct error *err);

#endif
