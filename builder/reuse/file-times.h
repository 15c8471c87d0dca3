/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FILE_TIMES_H
#define BUILDER_REUSE_FILE_TIMES_H

#include "base/error.h"
#include "base/str.h"
#include "cache/statcache.h"

/* Appends what a build depends on of the source in dir: its listing, and the times of files
 * as far as they count. Builds work on a copy with the same times, and make(1) takes a file
 * as it is if it is not older than what it would be made of. So if the source has files that
 * look as if a build had made them (objects, modules, programs beside their C file, and
 * files whose template is beside them), there is a line for each file:
 *
 *   time:PATH RANK
 *
 * The rank only tells which of those files and of the present are older and which are as
 * old, so that another copy of the same source mostly has the same ranks. Where the source
 * also has lists of what such files were made of (.cmd, .d), which may be headers of the
 * kernel, their own times follow (ns since 1970).
 *
 * Of other sources, times do not count: a text that a makefile makes of another text is not
 * recognised. Returns 0, also if there is no such directory, or a negative errno and err. */
int file_times_add_source(
	struct statcache *stats, const char *dir, struct str *ret, struct error *err);

#endif
