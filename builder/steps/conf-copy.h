/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_CONF_COPY_H
#define BUILDER_STEPS_CONF_COPY_H

#include "builder/job/job.h"

/* A dkms.conf may write a file beside itself and source it. The evaluation sees the
 * directory of the dkms.conf read-only, since most do not write and a copy takes time. If
 * that keeps a dkms.conf from writing, it is evaluated again with a copy, in the memory of
 * the sandbox. The user of the evaluation makes the copy, so that it has only what this
 * user can read. It is gone after the evaluation. */

/* Whether the text of the dkms.conf says that it writes files and hides the messages that
 * it cannot, so that its evaluation would not tell. */
bool conf_copy_is_expected(const char *path);
/* Whether the evaluation, which saw the directory read-only, could not write. */
bool conf_copy_is_needed(const struct outcome *outcome);
/* Replaces the directory of the dkms.conf at path by a copy in box, which shows both
 * already, and makes cmd the command that fills the copy before it begins. Does nothing
 * where that cannot be done: the evaluation then sees the directory read-only. */
void conf_copy_show(const char *path, struct command *cmd, struct sandbox *box);

#endif
