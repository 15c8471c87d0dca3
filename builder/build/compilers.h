/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_COMPILERS_H
#define BUILDER_BUILD_COMPILERS_H

#include <stdbool.h>

/* Whether a program is a C compiler by its name: gcc, gcc-12, x86_64-linux-gnu-gcc-12,
 * clang, clang-16, cc. */
bool compilers_is_name(const char *name);

#endif
