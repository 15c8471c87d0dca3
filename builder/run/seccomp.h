/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_SECCOMP_H
#define BUILDER_RUN_SECCOMP_H

#include "base/error.h"

/* The filter of system calls for traced commands (seccomp(2)). It keeps them from making
 * user and mount namespaces: in a namespace of its own a command could mount files again,
 * and what it opens on such a mount is not traced. */

/* Returns a new descriptor with the filter, in the form that bwrap(1) reads with
 * --seccomp; the caller closes it. Returns a negative errno and err if it cannot be made,
 * -ENOENT if libseccomp is missing. */
int seccomp_open_filter(struct error *err);

#endif
