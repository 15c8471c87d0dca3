/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_NAMED_PROGRAMS_H
#define BUILDER_BUILD_NAMED_PROGRAMS_H

#include "builder/host/settings.h"
#include "builder/run/sandbox.h"

/* The administrator may name programs in the make command: --directive="MAKE=/tmp/wrapper".
 * These are the files whose absolute paths are in the values of such directives, and the
 * interpreters of those that are scripts. A relative path is one in the build directory.
 * What a dkms.conf names does not count. */

/* Appends the paths of those that exist. */
void named_programs_list(const struct settings *s, struct strv *ret);
/* Shows them in box. A program that only its owner may run is handed over. */
void named_programs_show(const struct settings *s, struct sandbox *box);

#endif
