/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_WEAK_H
#define BUILDER_TREE_WEAK_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"

/* On RHEL and SUSE, weak-modules(8) lets the modules of one kernel serve another kernel,
 * by links in INSTALLTREE/RELEASE/weak-updates/. Nothing else records this.
 *
 * Adds an entry with STATE_INSTALLED_WEAK to list for each version and kernel that passes
 * the filter (NULL: all) and that has a link to one of the version's modules. Keeps the
 * list sorted. Takes next to no time if no kernel has weak-updates/. Returns 0, or the
 * error of tree_read(). */
int weak_add_entries(const struct settings *s, const struct tree_filter *filter,
	struct tree_list *list, struct error *err);

#endif
