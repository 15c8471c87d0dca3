/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_SIGNATURE_H
#define BUILDER_MODULE_SIGNATURE_H

#include "base/error.h"

/* Tells whether the module file at path ends with a signature. */
bool signature_is_appended(const char *path);

/* Removes all signatures from the end of the module file at path. Returns 0, -EBADMSG if one
 * is damaged, or another negative errno. The format is struct module_signature of the
 * kernel's include/linux/module_signature.h. */
int signature_strip(const char *path, struct error *err);
/* Does the same for a file that is open for reading and writing. */
int signature_strip_fd(int fd);

#endif
