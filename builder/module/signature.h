/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_SIGNATURE_H
#define BUILDER_MODULE_SIGNATURE_H

#include <stdbool.h>

/* Tells whether the module file at path ends with a signature. */
bool signature_is_appended(const char *path);

#endif
