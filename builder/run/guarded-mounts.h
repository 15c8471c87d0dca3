/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_GUARDED_MOUNTS_H
#define BUILDER_RUN_GUARDED_MOUNTS_H

#include "base/error.h"
#include "base/str.h"
#include "builder/run/command.h"

/* bubblewrap mounts what it finds at a path. Where somebody else than root can put another
 * file, directory or link there, it must not show what he may not read himself, nor what
 * dkms has not looked at: see base/guard.h. */

/* What the sandbox prints before the place when it ends because of that. */
#define GUARDED_MOUNTS_MESSAGE "dkms: something else was mounted at "

/* Looks at all that the options of bwrap(1) from argv->items[first] on mount. Where others can
 * exchange it, names it by its path without links, keeps it open as long as cmd lives, and
 * appends to checks the lines of a shell script that ends the sandbox, before the command is
 * started, if something else was mounted. Returns 0, or a negative errno and err: cmd must
 * not be run then. Run by another user than root, dkms mounts what he can reach. */
int guarded_mounts_add(struct command *cmd, struct strv *argv, size_t first,
	struct str *checks, struct error *err);

#endif
