/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_WHY_H
#define CLI_CACHE_WHY_H

#include "cli/arguments.h"
#include "cli/json.h"

struct cache;
struct plan;

/* Runs dkms cache why: prints whether the builds of the modules for the kernels are in
 * the cache, and if not, how they differ from the nearest ones; or sets this in doc if it
 * is not NULL. Returns the exit status, and fills in err if it fails. */
int cache_why(
	struct cache *cache, struct arguments *args, json_t *doc, struct error *err);

/* Adds a JOB_EXPLAIN for each kernel that the arguments name, and for the version that they name, all
 * versions of the module that they name, or all modules. Returns 0, or a negative errno and err. */
int cache_why_add_jobs(struct plan *p, const struct arguments *args, struct error *err);

#endif
