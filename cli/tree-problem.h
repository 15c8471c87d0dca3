/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_TREE_PROBLEM_H
#define CLI_TREE_PROBLEM_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"

/* Why a version is broken, or a leftover, and how to repair it. */
struct tree_problem {
	char *what, *remedy;
	bool adds; /* the remedy is to add it again, which loses nothing */
};

/* Returns whether an entry is broken, a leftover, or has lost its dkms.conf. */
bool tree_problem_is(const struct tree_entry *e);
/* Describes the problem of such an entry. tree_problem_done() frees. */
void tree_problem_find(
	const struct settings *s, const struct tree_entry *e, struct tree_problem *ret);
void tree_problem_done(struct tree_problem *p);

#endif
