/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_ANSWER_H
#define CLI_CACHE_ANSWER_H

#include "cli/cache-miss.h"
#include "cli/json.h"

/* What dkms cache why says about one build: a job of the kind JOB_EXPLAIN that has been
 * run. */
struct cache_answer {
	const struct job *job;
	bool remote; /* it is about the remote cache: set by the caller, to print it */
	enum {
		ANSWER_FAILED,   /* the job failed; its outcome says why */
		ANSWER_EXCLUDED, /* the module is not for this kernel */
		ANSWER_UNCACHED, /* such a build is never in the cache */
		ANSWER_HIT,
		ANSWER_MISS,
	} kind;
	const char
		*reason; /* of ANSWER_EXCLUDED and ANSWER_UNCACHED; belongs to the job */
	/* of ANSWER_HIT */
	int64_t made_s;    /* when the entry was made, in seconds since 1970 */
	double cost_s;     /* how long it took to make (s) */
	struct strv notes; /* lines of its make.log: which objects came from the cache */
	/* of ANSWER_MISS */
	struct cache_miss miss;
};

/* Finds the answer; max limits the number of differences as in cache_miss_find().
 * cache_answer_done() frees. */
void cache_answer_find(
	struct cache *cache, const struct job *job, size_t max, struct cache_answer *ret);
void cache_answer_done(struct cache_answer *a);

/* Prints the answer with all that is known. */
void cache_answer_print(const struct cache_answer *a);
/* Prints the answer in one line. */
void cache_answer_print_line(struct cache *cache, const struct cache_answer *a);
/* Returns the answer as a new JSON object. */
json_t *cache_answer_json(const struct cache_answer *a);

#endif
