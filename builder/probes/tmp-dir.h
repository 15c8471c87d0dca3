/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PROBES_TMP_DIR_H
#define BUILDER_PROBES_TMP_DIR_H

#include <stdbool.h>

/* kbuild makes a directory for each question to a compiler, and removes it: "mkdir -p
 * .tmp_123", "rm -rf .tmp_123". To start mkdir(1) and rm(1) takes longer than their work.
 *
 * If the call of the program name is one of these, does what it says and returns true. Returns
 * false otherwise, and if anything is unusual or fails: then the program has to do it, or the
 * rest of it. */
bool tmp_dir_serve(const char *name, char **argv);

#endif
