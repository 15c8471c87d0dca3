/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_GONE_FILES_H
#define BUILDER_TREE_GONE_FILES_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"

/* Returns whether a module file of an installed version is gone from the kernel's directory,
 * as after the kernel was installed again. In the usual case this takes a system call for
 * each file. A file with other content in its place, or one that was compressed or
 * decompressed there, is not gone. False if that is not known, and if the kernel has no
 * directory. */
bool gone_files_exist(const struct settings *s, struct version_on_kernel on);

#endif
