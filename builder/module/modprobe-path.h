/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_MODPROBE_PATH_H
#define BUILDER_MODULE_MODPROBE_PATH_H

#include "base/error.h"

/* Finds the file that modprobe(8) takes for a module, in the indexes that depmod(8) has made in the
 * directory of a kernel. Sets *ret to its path, which the caller frees, or to NULL if depmod knows
 * no such module. Returns 0, or a negative errno and err with status 1. */
int modprobe_path(const char *kernel_dir, const char *module, char **ret, struct error *err);

#endif
