/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a build in the cache, and if not, why? The answer, as text and as JSON. */
#include "config.h"

#include "cache/cache.h"
#include "builder/reuse/cached.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/fleet-state.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/reuse.h"
#include "cli/cache-answer.h"
#include "cli/print.h"
#include "cli/words.h"

/* Appends the lines of the cached make.log that say which objects came from the cache,
 * and why others did not. */
static void add_notes(struct cache *cache, const struct entry *e, struct strv *ret)
{
	const struct entry_file *log = entry_file(e, "make.log");
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;

	if (!log || store_get_bytes(cache_store(cache), &log->digest, &text) < 0)
		return;
	rest = text.data;
	while ((line = strsep(&rest, "\n")))
		if (has_prefix(line, OBJECTS_NOTE))
			strv_push(ret, line + strlen("# "));
}

/* Appends who has signed an entry that another machine has built. */
static void add_signers(struct cache *cache, const struct entry *e, struct strv *ret)
{
	_cleanup_(str_done) struct str text = {0};

	if (cache_get_text(cache, e, FLEET_SIGNERS, &text) == 0 && text.len)
		strv_pushf(ret, "signed by %s", text.data);
}

static void look_up(struct cache *cache, size_t max, struct cache_answer *a)
{
	struct manifest m = {0};
	struct entry e;

	if (cached_find(a->job, &e, &m)) {
		a->kind = ANSWER_HIT;
		a->made_s = e.made_s;
		a->cost_s = (double)e.cost_ms / 1000;
		add_signers(cache, &e, &a->notes);
		add_notes(cache, &e, &a->notes);
		entry_done(&e);
		manifest_done(&m);
	} else {
		a->kind = ANSWER_MISS;
		cache_miss_find(cache, a->job, max, &a->miss);
	}
}

void cache_answer_find(
	struct cache *cache, const struct job *job, size_t max, struct cache_answer *ret)
{
	*ret = (struct cache_answer){.job = job};
	if (job->outcome.result == RESULT_EXCLUDED) {
		ret->kind = ANSWER_EXCLUDED;
		ret->reason = job->conf->excluded;
	} else if (job->outcome.result != RESULT_DONE) {
		ret->kind = ANSWER_FAILED;
	} else if (!job->reuse->key.n_parts) {
		ret->kind = ANSWER_UNCACHED;
		ret->reason = fingerprint_find_obstacle(job);
	} else {
		look_up(cache, max, ret);
	}
}

void cache_answer_done(struct cache_answer *a)
{
	strv_done(&a->notes);
	cache_miss_done(&a->miss);
}

/* Text */

static void print_objects(const struct cache_miss *miss)
{
	const struct prediction *p = &miss->objects;

	if (!miss->caches_objects) {
		print_masked(stdout, "  objects: not cached%s%s\n", miss->obstacle ? ": " : "",
			miss->obstacle ? miss->obstacle : "");
		return;
	}
	if (!p->from)
		printf("  objects: none\n");
	else if (!p->n)
		print_masked(stdout, "  objects: none match this build; the nearest, of %s, differ:\n",
			p->from);
	else
		print_masked(stdout, "  objects: %zu of %zu can be taken from %s%s\n", p->n_valid, p->n,
			p->from, p->differences.n ? ", but not" : "");
	for (size_t i = 0; i < p->differences.n; i++)
		print_masked(stdout, "    %s\n", p->differences.items[i]);
}

static const char *place(const struct cache_answer *a)
{
	return a->remote ? "the remote cache" : "the cache";
}

static void print_miss(const struct cache_answer *a, const char *title)
{
	const struct cache_miss *miss = &a->miss;
	_cleanup_(strv_done) struct strv lines = {0};
	bool other_kernel = false;

	if (!miss->nearest) {
		print_masked(stdout, "%s: not in %s, nor is any build of %s%s\n", title,
			place(a), a->job->name, a->remote ? " for this kernel" : "");
		return;
	}
	print_masked(stdout, "%s: not in %s; the nearest entry, %s, differs:\n", title,
		place(a), miss->nearest);
	for (size_t i = 0; i < miss->n_changes; i++) {
		const struct file_change *c = &miss->changes[i];

		other_kernel = other_kernel || streq(c->part, "kernel");
		if (!other_kernel || !cache_miss_is_due_to_kernel(c->part))
			file_change_add_lines(c, &lines);
	}
	for (size_t i = 0; i < lines.n; i++)
		print_masked(stdout, "  %s\n", lines.items[i]);
	if (!miss->n_changes)
		printf("  it is not known what that build has read\n");
	if (!a->remote)
		print_objects(miss);
}

/* Prints the line that an answer has in both forms. */
static void print_head(const struct cache_answer *a, const char *title)
{
	_cleanup_free_ char *day = NULL, *time = NULL;

	switch (a->kind) {
	case ANSWER_FAILED:
		print_error(&a->job->outcome.error);
		break;
	case ANSWER_EXCLUDED:
		print_masked(stdout, "%s: excluded: %s\n", title, a->reason);
		break;
	case ANSWER_UNCACHED:
		print_masked(stdout, "%s: not cached: %s\n", title, a->reason);
		break;
	case ANSWER_HIT:
		day = format_day(a->made_s);
		time = format_seconds(a->cost_s);
		print_masked(stdout, "%s: in %s, built on %s in %s\n", title, place(a), day, time);
		break;
	case ANSWER_MISS:
		break;
	}
}

void cache_answer_print(const struct cache_answer *a)
{
	_cleanup_free_ char *title = job_title(a->job);

	print_head(a, title);
	for (size_t i = 0; i < a->notes.n; i++)
		print_masked(stdout, "  %s\n", a->notes.items[i]);
	if (a->kind == ANSWER_MISS)
		print_miss(a, title);
}

void cache_answer_print_line(struct cache *cache, const struct cache_answer *a)
{
	_cleanup_free_ char *title = job_title(a->job);
	const struct error *err = &a->job->outcome.error;
	const struct prediction *p = &a->miss.objects;

	if (a->kind == ANSWER_FAILED) {
		print_masked(stdout, "%s: not known: %.*s\n", title,
			err->what ? (int)strcspn(err->what, "\n") : 6,
			err->what ? err->what : "failed");
		return;
	}
	print_head(a, title);
	if (a->kind == ANSWER_MISS) {
		_cleanup_free_ char *why = cache_miss_describe(cache, a->job);

		print_masked(stdout, "%s: %s", title, why);
		if (p->n)
			print_masked(stdout, "; %zu of %zu objects can be taken from %s", p->n_valid,
				p->n, p->from);
		putchar('\n');
	}
}

/* JSON */

static json_t *list_json(const struct strv *lines)
{
	json_t *list = json_array();

	for (size_t i = 0; i < lines->n; i++)
		json_array_append_new(list, json_text(lines->items[i]));
	return list;
}

static json_t *objects_json(const struct cache_miss *miss)
{
	const struct prediction *p = &miss->objects;
	json_t *j;

	if (!miss->caches_objects || !p->from)
		return json_null();
	j = json_object();
	json_object_set_new(j, "from", json_text(p->from));
	json_object_set_new(j, "valid", json_integer((json_int_t)p->n_valid));
	json_object_set_new(j, "all", json_integer((json_int_t)p->n));
	json_object_set_new(j, "differences", list_json(&p->differences));
	return j;
}

static json_t *changes_json(const struct cache_miss *miss)
{
	json_t *list = json_array();

	for (size_t i = 0; i < miss->n_changes; i++) {
		const struct file_change *c = &miss->changes[i];
		json_t *j = json_object();

		json_object_set_new(j, "part", json_text(c->part));
		json_object_set_new(j, "name", json_text(c->name));
		json_object_set_new(j, "was", json_text(c->was));
		json_object_set_new(j, "now", json_text(c->now));
		json_object_set_new(j, "package", json_text(c->package));
		json_object_set_new(j, "more", json_integer((json_int_t)c->more));
		json_array_append_new(list, j);
	}
	return list;
}

json_t *cache_answer_json(const struct cache_answer *a)
{
	static const char *const words[] = {[ANSWER_FAILED] = "failed",
		[ANSWER_EXCLUDED] = "excluded",
		[ANSWER_UNCACHED] = "uncached",
		[ANSWER_HIT] = "hit",
		[ANSWER_MISS] = "miss"};
	const struct error *err = &a->job->outcome.error;
	bool hit = a->kind == ANSWER_HIT;
	json_t *j = json_object();

	json_set_job(j, a->job);
	json_object_del(j, "kind");
	json_object_set_new(j, "cache", json_text(words[a->kind]));
	json_object_set_new(
		j, "reason", json_text(a->kind == ANSWER_FAILED ? err->what : a->reason));
	json_object_set_new(j, "remedy", json_text(err->remedy));
	json_object_set_new(j, "made", hit ? json_integer(a->made_s) : json_null());
	json_object_set_new(j, "cost_s", hit ? json_real(a->cost_s) : json_null());
	json_object_set_new(j, "notes", list_json(&a->notes));
	json_object_set_new(j, "nearest", json_text(a->miss.nearest));
	json_object_set_new(j, "changes", changes_json(&a->miss));
	json_object_set_new(j, "objects", objects_json(&a->miss));
	return j;
}
