/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_DEPMOD_H
#define BUILDER_INSTALL_DEPMOD_H

#include "builder/run/command.h"
#include "builder/host/kernel.h"
#include "builder/host/settings.h"

/* One run of depmod for one kernel, once all installs on it are done. */
struct depmod {
	struct command command; /* to be run as root or the install tree's owner */
	char *base; /* private directory that the command needs while it runs, or NULL */
};

/* Fills *ret and returns 1, or 0 when the kernel has no modules.dep: its image is not
 * installed, and depmod is not to make it look as if. depmod_done frees, after the run.
 */
int depmod_prepare(const struct settings *s, const struct kernel *k, struct depmod *ret,
	struct error *err);

/* After the run. -EIO and status 6 when it failed, with what it said. Otherwise, when
 * modules.dep is empty and the kernel has no image, the last module of a kernel that is
 * gone has left: depmod's files are removed, and the kernel's directory if that was all.
 */
int depmod_finish(const struct depmod *d, const struct kernel *k,
	const struct outcome *outcome, struct error *err);
void depmod_done(struct depmod *d);

#endif
