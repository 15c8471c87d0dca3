/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_MODFILE_H
#define BUILDER_MODULE_MODFILE_H

#include "base/error.h"
#include "base/strv.h"

/* What a module file (.ko, possibly compressed) says about itself in its .modinfo
 * section, read through libkmod. */
struct modfile {
	char *version;    /* NULL if missing or empty */
	char *srcversion; /* NULL if missing or empty */
	char *vermagic;   /* "6.1.0-56-amd64 SMP preempt mod_unload modversions " */
	char *signer;     /* NULL if the module is not signed */
	char *signing_key; /* the serial number of the signer's certificate: "4F:0A:11" */
};

/* The functions below may be called from any thread and read nothing but the files that
 * they are given. Their errors have exit status 1. */

/* Reads the module file at path. Returns 0, -EBADMSG if the file is not a module, or the
 * error of opening it (such as -ENOENT). modfile_done() frees what is in ret. */
int modfile_read(const char *path, struct modfile *ret, struct error *err);
void modfile_done(struct modfile *m);

/* Decides whether an install replaces the module at old_path with the one at new_path.
 * Returns 1 if it does, 0 if the old module has a newer version, or the same version and
 * the same srcversion. A module without a version is older than any other. If neither
 * has a version or a srcversion, the modules are the same when their decompressed bytes
 * are. An old file that is missing or not a module is replaced; for the new file that is
 * an error (modfile_read()). */
int modfile_should_replace(
	const char *new_path, const char *old_path, struct error *err);

/* Appends a text for each of the module files: "KEY SIGNER", the two as in struct modfile, "?" in
 * place of what a signature does not say, or "unsigned". */
int modfile_list_signers(const struct strv *paths, struct strv *ret, struct error *err);

/* A module file, or a Module.symvers, that has been opened: the path to read it from, and
 * the path that it is called in messages. */
struct modfile_input {
	char *path, *name;
};

/* Checks freshly built modules before they are published. The vermagic of each must
 * begin with the kernel release. Each symbol that one of them needs must be in one of
 * the symvers files or be exported by one of the modules themselves, with the same CRC
 * if both sides record one. Weak references may stay unresolved. Of a module for another
 * release only that is reported.
 *
 * symvers are files in the format of Documentation/kbuild/modules.rst: CRC, name, file,
 * kind of export and namespace, separated by tabs. Missing files are skipped. If none of
 * them describes a kernel (names vmlinux), it is unknown which symbols exist, and only
 * CRCs are compared.
 *
 * Appends one line per problem to ret_warnings ("evdi.ko: unknown symbols: a, b") and
 * returns 0; problems are not errors. Returns a negative errno if a file cannot be
 * read. */
int modfile_check_for_kernel(const struct strv *paths, const char *release,
	const struct strv *symvers, struct strv *ret_warnings, struct error *err);

/* The same for files that have been opened; examine.c uses these. The suffix of the name
 * says how a module is compressed. */
int modfile_should_replace_opened(const struct modfile_input *new,
	const struct modfile_input *old, struct error *err);
int modfile_list_signers_opened(const struct modfile_input *modules, size_t n,
	struct strv *ret, struct error *err);
int modfile_check_opened(const struct modfile_input *modules, size_t n,
	const struct modfile_input *symvers, size_t n_symvers, const char *release,
	struct strv *ret_warnings, struct error *err);
/* Says where the descriptors of this process are, if not in /proc/self/fd. Static text. */
void modfile_set_fd_dir(const char *dir);

#endif
