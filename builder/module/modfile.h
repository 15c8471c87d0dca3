/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_MODFILE_H
#define BUILDER_MODULE_MODFILE_H

#include "base/error.h"
#include "base/strv.h"

/* What a module file (.ko, also compressed) says of itself, read through libkmod. */
struct modfile {
	char *version;    /* NULL when it has none, or an empty one */
	char *srcversion; /* the same */
	char *vermagic;   /* "6.1.0-56-amd64 SMP preempt mod_unload modversions " */
	char *signer;     /* NULL when it is not signed */
};

/* All functions here work from any thread, look at nothing but the files named, and give
 * their errors status 1. */

/* Returns 0, -EBADMSG when it is no module, or what opening it gave (-ENOENT).
 * modfile_done frees. */
int modfile_read(const char *path, struct modfile *ret, struct error *err);
void modfile_done(struct modfile *m);

/* Should NEW replace OLD? The version rule of an install: 1 when yes, 0 when OLD has a
 * newer version, or the same version and the same srcversion. No version is older than
 * any. When neither file has a version or a srcversion, files with the same bytes, both
 * uncompressed, are the same. An OLD that is gone or no module is replaced; NEW must be
 * one, or that is the error. */
int modfile_should_replace(const char *new_path, const char *old_path, struct error *err);

/* Looks at freshly built modules before they are published: vermagic begins with
 * release; each symbol that one of them needs is in one of the symvers files
 * (Documentation/kbuild/modules.rst: CRC, name, file, export, namespace, by tabs) or
 * exported by one of the modules themselves, with the same CRC where both record one.
 * Weak references may stay unknown, and of a module for another release no more is said.
 * Appends one line per finding to ret_warnings
 * ("evdi.ko: unknown symbols: a, b"); returns 0 also then. Missing symvers files are
 * skipped; when none of them describes a kernel (names vmlinux), what is unknown cannot
 * be told, and only CRCs are compared. */
int modfile_check_for_kernel(const struct strv *paths, const char *release,
	const struct strv *symvers, struct strv *ret_warnings, struct error *err);

#endif
