/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_NAMES_H
#define BUILDER_TREE_NAMES_H

#include "base/error.h"

/* Which names may modules, versions, kernels and architectures have? */

/* Names that the tree uses beside the versions of a module. */
#define TREE_LINK_PREFIX "kernel-"
#define TREE_ORIGINALS "original_module"

/* Returns whether an entry of the directory NAME may be a version. */
bool names_is_version(const char *s);

/* For what is in the tree already, perhaps by another dkms. what is for the message: "module
 * name". They return 0, or -EINVAL with status 3. */

/* Fails if s cannot be one component of a path in the tree: if it is empty or longer than 255
 * bytes, begins with a dot, or contains a slash or a control character of ASCII. */
int tree_check_name(const char *what, const char *s, struct error *err);
/* Does the same for a version, which must not be a name that the tree uses beside
 * versions. */
int tree_check_version(const char *version, struct error *err);
/* Does the same for a kernel release, which must not be build, source or tarball. */
int tree_check_release(const char *release, struct error *err);

/* For what is to become known. These names are offered by completion and are parts of status
 * lines, so they must be names by text_is_name() as well. They return as above. */

/* Checks that the name of a module is none of those that dkms uses for its own files in the
 * dkms tree and in /etc/dkms: the package "framework" would have framework.conf as its
 * overrides. */
int tree_check_not_reserved(const char *name, struct error *err);
/* Checks the name, also for that, and the version of a module. */
int tree_check_new_module(const char *name, const char *version, struct error *err);
/* Checks the release and the architecture of a kernel. */
int tree_check_new_kernel(const char *release, const char *arch, struct error *err);

#endif
