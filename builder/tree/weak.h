/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_WEAK_H
#define BUILDER_TREE_WEAK_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"

/* Modules of one kernel that serve another one: on RHEL and SUSE, weak-modules(8) links
 * them at INSTALLTREE/RELEASE/weak-updates/, which is all there is to tell it by.
 *
 * Adds to list, in its order, an entry STATE_INSTALLED_WEAK for each version and kernel
 * that passes the filter (NULL: all) and has a link to one of its modules. Costs next to
 * nothing where no kernel has weak-updates/. */
int weak_add_entries(const struct settings *s, const struct tree_filter *filter,
	struct tree_list *list, struct error *err);

#endif
