/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_PRIVATE_TMP_H
#define BUILDER_RUN_PRIVATE_TMP_H

#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* The directory that all commands of a job see at /tmp, so that PRE_BUILD can leave files
 * there for make. */

/* Makes the directory path unless it exists. It belongs to the user and group uid, or to
 * the caller if uid is (uid_t)-1. Everybody may write to it, as to /tmp, so nobody else
 * may be able to reach it. Returns 0 or a negative errno. */
int private_tmp_make(const char *path, uid_t uid, struct error *err);

/* Checks the names in the directory path before bubblewrap runs with the arguments argv.
 * bubblewrap makes directories and mounts at the names in /tmp that argv has before "--".
 * It would follow a link that the job's last command has left there, and write outside of
 * the sandbox. Returns 0; -EPERM if there is something at such a name that the user of dkms
 * has not made, or another negative errno. */
int private_tmp_check(const char *path, const struct strv *argv, struct error *err);

/* Returns whether a command has left something in the directory path. What bubblewrap has made there
 * does not count: directories and empty files of the user of dkms. */
bool private_tmp_is_used(const char *path);

#endif
