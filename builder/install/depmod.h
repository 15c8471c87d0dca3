/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_DEPMOD_H
#define BUILDER_INSTALL_DEPMOD_H

#include "builder/run/command.h"
#include "builder/host/kernel.h"
#include "builder/host/settings.h"

/* One run of depmod for one kernel, after all jobs on the kernel. */
struct depmod {
	struct command command; /* run by root or by the owner of the install tree */
	char *base; /* a temporary directory that the command needs, or NULL */
	const char *dkms_tree; /* the settings' */
	int base_lock; /* its lock: see base/staging.h */
};

/* Fills *ret and returns 1. Returns 0 if the kernel has no modules.dep: then its image is
 * not installed, and a modules.dep made by depmod would look as if it were. Returns a
 * negative errno after an error. depmod_done() frees *ret, after the run. */
int depmod_prepare(const struct settings *s, const struct kernel *k, struct depmod *ret,
	struct error *err);

/* Is called after the run. If depmod failed, returns -EIO with status 6 and an error that
 * has its output. Otherwise returns 0. If modules.dep is empty and the kernel has no
 * image, the kernel was removed before, and now its last module: then deletes depmod's
 * files, and the kernel's directory if it is empty. */
int depmod_finish(const struct depmod *d, const struct kernel *k,
	const struct outcome *outcome, struct error *err);
/* Returns whether depmod makes a file of that name in a kernel's directory. */
bool depmod_writes(const char *name);
/* Frees what is in d and removes the temporary directory. */
void depmod_done(struct depmod *d);

#endif
