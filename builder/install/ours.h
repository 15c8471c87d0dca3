/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_OURS_H
#define BUILDER_INSTALL_OURS_H

#include "builder/job/job.h"
#include "builder/tree/installed-files.h"

/* Returns 1 if the file at path is one that the record of the package name says has been installed as
 * plain, a path relative to the kernel's directory without the suffix of a compression, or is equal to the
 * built file. A file that was compressed, decompressed or signed since counts as well, as does a
 * link into the directory of the module in the dkms tree. Returns 0 if it is another file, and a
 * negative errno with status 1 if it cannot be read. */
int ours_check(const struct job *job, const char *name, const struct installed_files *record,
	const char *plain, const char *path, const char *built, struct error *err);
/* Returns whether path is a link that leads, or led, to what is built of the package name. */
bool ours_leads_to_tree(const struct job *job, const char *name, const char *path);

#endif
