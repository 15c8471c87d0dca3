/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SHARD_H
#define CLI_SHARD_H

#include <jansson.h>

#include "cli/arguments.h"
#include "builder/job/job.h"

#define PLAN_SCHEMA "dkms-plan-1"

/* A part of a plan, for --plan and --shard. */
struct shard {
	json_t *plan;  /* the whole file */
	json_t *cells; /* a list of the cells of this part, which belong to plan */
	json_t *names; /* an object whose keys name these cells, for shard_has() */
	unsigned int number, n; /* from 1 on */
};

/* Returns what tells plans apart, a digest of the cells, as a text. The caller owns it. */
json_t *shard_identify_plan(const json_t *cells);

/* Reads the file of --plan, and divides it as --shard says. Returns NULL, with no error, without
 * --plan; shard_free() frees. Errors have exit status 2. */
struct shard *shard_read(const struct arguments *args, struct error *err);
void shard_free(struct shard *s); /* NULL is allowed */
/* Returns whether the job is about a cell of the part; for wants of struct plan. */
bool shard_has(const struct job *job, void *shard);
/* Returns what the document of a run says about its part: the plan, the number, and the cells with
 * their state now. The caller owns it. */
json_t *shard_describe(const struct shard *s, const struct settings *settings);

#endif
