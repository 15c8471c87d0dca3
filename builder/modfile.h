/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODFILE_H
#define BUILDER_MODFILE_H

#include "base/error.h"
#include "base/strv.h"

/* What a module file (.ko, also compressed) says of itself, read through libkmod. */
struct modfile {
	char *version;	  /* NULL when it has none */
	char *srcversion; /* NULL when it has none */
	char *vermagic;	  /* "6.1.0-56-amd64 SMP preempt mod_unload modversions " */
	char *signer;	  /* NULL when it is not signed */
};

/* Returns 0, -ENOENT, or -EBADMSG when it is no module. modfile_done frees. */
int modfile_read(const char *path, struct modfile *ret, struct error *err);
void modfile_done(struct modfile *m);

/* Should NEW replace OLD? The version rule of an install: 1 when yes, 0 when OLD is
 * newer, or has the same version and the same srcversion. Without versions, identical
 * files (srcversion, else bytes) are the same. */
int modfile_is_newer(const char *new_path, const char *old_path, struct error *err);

/* Looks at freshly built modules before they are published: vermagic begins with
 * release; each symbol that one of them needs is in one of the symvers files
 * (Documentation/kbuild/modules.rst: CRC, name, file, export, namespace, by tabs) or
 * exported by one of the modules themselves, with the same CRC where the module
 * records CRCs. Appends one line per finding to ret_warnings ("evdi.ko: unknown
 * symbols: a, b"); returns 0 also then. Missing symvers files are skipped. */
int modfile_check(const struct strv *paths, const char *release, const struct strv *symvers,
	struct strv *ret_warnings, struct error *err);

#endif
