/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects will a build take from the cache, and why not the others? */
#include "config.h"

#include "base/file.h"
#include "cache/cache.h"
#include "cache/nearest.h"
#include "builder/build/build.h"
#include "builder/reuse/inputs.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/predict.h"

/* At most this many differences are described for each part of the key. */
#define DIFFERENCES_MAX 3

struct predictor {
	const struct job *job;
	struct inputs inputs;
	struct key key;
	bool prepares; /* patches or a script change the build directory before make */
	bool same_preparation; /* they had the same to work on when the current entry was
				* stored */
};

/* Whether an input has this value. What patches and scripts change in the build directory
 * is assumed to be the same, if they had the same to work on. */
static bool is_same_input(const void *userdata, const char *name, const char *value)
{
	const struct predictor *predictor = userdata;

	return (predictor->same_preparation &&
		       path_is_below(name, predictor->inputs.build_dir)) ||
	       inputs_has_value(&predictor->inputs, name, value);
}

void prediction_done(struct prediction *p)
{
	free(p->from);
	strv_done(&p->differences);
	*p = (struct prediction){0};
}

/* Whether the entry was made for the same key, apart from parts that the key does not
 * have here. */
static bool has_all_parts(const struct predictor *predictor, const struct entry *e)
{
	for (size_t i = 0; i < predictor->key.n_parts; i++)
		if (!entry_has_part(e, &predictor->key.parts[i]))
			return false;
	return true;
}

/* Sets *ret to this entry, if it has more valid objects than the one before. */
static void check_entry(
	struct predictor *predictor, const struct entry *e, struct prediction *ret)
{
	_cleanup_(pieces_done) struct pieces p = {0};
	_cleanup_free_ size_t *changed = NULL;
	size_t n;

	if (cache_get_pieces(predictor->job->shared->cache, e, &p) < 0)
		return;
	predictor->same_preparation =
		predictor->prepares && objects_had_same_preparation(predictor->job, &p);
	changed = xcalloc(p.n + 1, sizeof(*changed));
	n = pieces_check(&p, is_same_input, predictor, changed);
	if (ret->from && n <= ret->n_valid)
		return;
	prediction_done(ret);
	ret->from = objects_origin_release(e);
	ret->n_valid = n;
	ret->n = p.n;
	inputs_add_changes(&predictor->inputs, &p, changed, &ret->differences);
}

static bool make_key(struct predictor *predictor)
{
	const struct job *job = predictor->job;
	const struct build *b = job->build;
	_cleanup_free_ char *names = NULL;

	if (inputs_read(cache_statcache(job->shared->cache), b->paths.source_dir,
		    b->paths.build_dir, &b->header_mounts, &predictor->inputs) < 0)
		return false;
	predictor->prepares = job->conf->patches.n || !is_empty(job->conf->pre_build);
	names = predictor->prepares ? NULL : inputs_list_names(&predictor->inputs);
	return fingerprint_objects(job->shared->key_texts, job, names,
		       &predictor->inputs.kernel, &predictor->key) == 0;
}

bool predict_objects(const struct job *job, const struct entry *entries, size_t n,
	struct prediction *ret)
{
	struct predictor predictor = {.job = job};
	struct prediction prediction = {0};
	_cleanup_free_ char *title = xasprintf(OBJECTS_TITLE "%s/", job->name);
	_cleanup_free_ char *change = NULL;
	bool possible = !objects_find_obstacle(job) && make_key(&predictor);

	for (size_t i = 0; possible && i < n; i++)
		if (has_prefix(entries[i].title, title) &&
			has_all_parts(&predictor, &entries[i]) &&
			objects_may_use(job, &entries[i], change ? NULL : &change))
			check_entry(&predictor, &entries[i], &prediction);
	if (possible && !prediction.from) {
		const struct entry *nearest =
			nearest_find(entries, n, title, &predictor.key);

		if (change)
			strv_push(&prediction.differences, change);

		if (nearest) {
			prediction.from = objects_origin_release(nearest);
			nearest_add_differences(cache_store(job->shared->cache), nearest,
				&predictor.key, DIFFERENCES_MAX, &prediction.differences);
		}
	}
	inputs_done(&predictor.inputs);
	key_done(&predictor.key);
	if (possible)
		*ret = prediction;
	return possible;
}
