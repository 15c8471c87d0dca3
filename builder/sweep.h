/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_SWEEP_H
#define BUILDER_SWEEP_H

/* Removes what killed processes have left of builds in the dkms tree, of the module name,
 * or of all when it is NULL. What living ones work on stays. Failing to is no harm. */
void sweep_builds(const char *dkms_tree, const char *name);

#endif
