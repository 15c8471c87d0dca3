/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects is a build going to get out of the cache, and why not the others? */
#include "config.h"

#include "base/file.h"
#include "cache/cache.h"
#include "cache/nearest.h"
#include "builder/build/build.h"
#include "builder/reuse/inputs.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/predict.h"

/* Of each part of the key, so many differences are told. */
#define DIFFERENCES_MAX 3

struct foreteller {
	const struct job *job;
	struct view view;
	struct key key;
	bool prepares; /* patches and scripts change the build directory before make */
	bool prepared_so; /* and did with the same as now for the entry being looked at */
};

static bool is_same(const void *userdata, const char *name, const char *value)
{
	const struct foreteller *f = userdata;

	return (f->prepared_so && path_is_below(name, f->view.seen)) ||
	       view_is_same(&f->view, name, value);
}

void foretold_done(struct foretold *f)
{
	free(f->from);
	strv_done(&f->differences);
	*f = (struct foretold){0};
}

static bool is_of_key(const struct foreteller *f, const struct entry *e)
{
	for (size_t i = 0; i < f->key.n_parts; i++)
		if (!nearest_has(e, &f->key.parts[i]))
			return false;
	return true;
}

/* Fills *ret if the entry has more valid objects than that. */
static void look_at(struct foreteller *f, const struct entry *e, struct foretold *ret)
{
	_cleanup_(pieces_done) struct pieces p = {0};
	_cleanup_free_ size_t *changed = NULL;
	size_t n;

	if (cache_get_pieces(f->job->shared->cache, e, &p) < 0)
		return;
	f->prepared_so = f->prepares && objects_same_preparation(f->job, &p);
	changed = xcalloc(p.n + 1, sizeof(*changed));
	n = pieces_check(&p, is_same, f, changed);
	if (ret->from && n <= ret->valid)
		return;
	foretold_done(ret);
	ret->from = objects_kernel(e);
	ret->valid = n;
	ret->n = p.n;
	view_add_changes(&f->view, &p, changed, &ret->differences);
}

static bool make_key(struct foreteller *f)
{
	const struct job *job = f->job;
	const struct build *b = job->build;
	_cleanup_free_ char *names = NULL;

	if (view_read(cache_stats(job->shared->cache), b->paths.source_dir,
		    b->paths.build_dir, &b->header_mounts, &f->view) < 0)
		return false;
	f->prepares = job->conf->patches.n || !is_empty(job->conf->pre_build);
	names = f->prepares ? NULL : view_names(&f->view);
	return fingerprint_objects(
		       job->shared->key_texts, job, names, &f->view.kernel, &f->key) == 0;
}

bool foretell(const struct job *job, const struct entry *entries, size_t n,
	struct foretold *ret)
{
	struct foreteller f = {.job = job};
	struct foretold told = {0};
	_cleanup_free_ char *title = xasprintf(OBJECTS_TITLE "%s/", job->name);
	bool possible = !objects_obstacle(job) && make_key(&f);

	for (size_t i = 0; possible && i < n; i++)
		if (has_prefix(entries[i].title, title) && is_of_key(&f, &entries[i]))
			look_at(&f, &entries[i], &told);
	if (possible && !told.from) {
		const struct entry *nearest = nearest_find(entries, n, title, &f.key);

		if (nearest) {
			told.from = objects_kernel(nearest);
			nearest_add_differences(cache_store(job->shared->cache), nearest,
				&f.key, DIFFERENCES_MAX, &told.differences);
		}
	}
	view_done(&f.view);
	key_done(&f.key);
	if (possible)
		*ret = told;
	return possible;
}
