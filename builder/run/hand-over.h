/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_HAND_OVER_H
#define BUILDER_RUN_HAND_OVER_H

#include "builder/run/sandbox.h"

/* Shows a file that the user of the command cannot read: hands its text over, if whoever
 * can exchange it may read it: base/guard.h. Returns 0, or a negative errno and err. */
int sandbox_hand_over(struct sandbox *box, const char *path, struct error *err);
/* Does the same with a file that is open: fd is what the caller has found at path. */
int sandbox_hand_over_fd(
	struct sandbox *box, const char *path, int fd, struct error *err);

#endif
