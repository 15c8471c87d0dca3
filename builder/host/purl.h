/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_PURL_H
#define BUILDER_HOST_PURL_H

#include "base/strv.h"
#include "builder/host/distro.h"

/* Names of files and packages for documents that other programs read. */

/* Returns the package URL (https://github.com/package-url/purl-spec) of a package that
 * package_owners() has found: "pkg:deb/debian/gcc-12@12.2.0-14?arch=amd64". The caller
 * frees. */
char *purl_new(enum distro distro, const char *package);
/* Returns the URI of an absolute path: "file:///usr/bin/gcc". The caller frees. */
char *file_uri_new(const char *path);

/* The packages of files that were looked up already. A lookup reads all lists of the
 * package manager, so each path is looked up only once in a run. */
struct purl_cache;
struct purl_cache *purl_cache_new(enum distro distro);
void purl_cache_free(struct purl_cache *c);
/* Sets each element of ret to the package URL of the path, which belongs to the cache, or
 * NULL. From any thread. */
void purl_cache_find(struct purl_cache *c, const struct strv *paths, const char **ret);

#endif
