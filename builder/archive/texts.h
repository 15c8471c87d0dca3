/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ARCHIVE_TEXTS_H
#define BUILDER_ARCHIVE_TEXTS_H

#include "base/error.h"
#include "base/strv.h"

/* Writes a gzipped tar archive to path, by rename, that only its owner can read. names are the
 * paths of its files, and texts what they contain. Returns 0, or a negative errno and err: status
 * 9 if it cannot be written. */
int texts_write(const char *path, const struct strv *names, const struct strv *texts,
	struct error *err);

#endif
