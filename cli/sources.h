/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SOURCES_H
#define CLI_SOURCES_H

#include "base/strv.h"

/* Appends the modules of a source tree, as NAME/VERSION: its directories NAME-VERSION that have
 * a dkms.conf. Where the dkms.conf assigns no literal PACKAGE_NAME, this is a guess: bash is not
 * run. */
void sources_list(const char *source_tree, struct strv *ret);

#endif
