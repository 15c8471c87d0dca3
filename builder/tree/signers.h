/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_SIGNERS_H
#define BUILDER_TREE_SIGNERS_H

#include "base/error.h"
#include "builder/tree/tree.h"

/* Who has signed what another machine has built, and this one has got from a remote cache. It is
 * kept beside the built modules: one line, "build1, build2", of the names that the public keys have
 * here. */

#define SIGNERS_FILE "log/signers"

/* Returns the line for what is built; NULL if it was built here, or came with an archive. The
 * caller frees. */
char *signers_read(const char *dkms_tree, struct version_on_kernel on);
/* Writes it to the file in the directory built, which will be RELEASE/ARCH. */
int signers_write(const char *built, const char *signers, struct error *err);

#endif
