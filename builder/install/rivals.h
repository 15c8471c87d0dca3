/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_RIVALS_H
#define BUILDER_INSTALL_RIVALS_H

#include "builder/job/job.h"

/* Other packages that have installed a module of the same name on the job's kernel. Each of them has
 * saved the file that was there before as its original, so that they are like a stack: a package that
 * is removed gives its own original to the one that has saved its file. */

/* Lists the packages that may have installed the same file as this one: either has saved an original.
 * Returns 0, or a negative errno with status 1. strv_done() frees *ret. */
int rivals_list(const struct job *job, struct strv *ret, struct error *err);
/* Returns 1 if one of these packages has installed the file at path, too, with the same content. As the
 * bytes are the same, it is that package's file as long as that is installed. Returns 0 if not, or a
 * negative errno with status 1. */
int rivals_claim(const struct job *job, const struct strv *rivals, const char *path, struct error *err);
/* Returns the directory of the originals of another package that is installed on the job's kernel,
 * if it has replaced and saved a file of that name, which is equal to what was built; the caller
 * frees. NULL if there is none. */
char *rivals_find_successor(const struct job *job, const char *file, const char *built);

#endif
