/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why is a build not taken from the remote cache?
 *
 * What the servers know of it is put into a cache of its own, which is removed in the end, and
 * compared with what is here as dkms cache why compares it. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/staging.h"
#include "cache/cache.h"
#include "cache/remote/pack.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/fleet-claim.h"
#include "builder/reuse/fleet-key.h"
#include "builder/reuse/fleet.h"
#include "builder/reuse/reuse.h"
#include "scheduler/plan-run.h"
#include "scheduler/remote-link.h"
#include "cli/arguments.h"
#include "cli/cache-answer.h"
#include "cli/cache-why.h"
#include "cli/print.h"
#include "cli/remote-why.h"

#define DIFFERENCES_MAX 3 /* of each part of a key */
#define PREFIX "why."	  /* of the directory of the other cache, in that of the local one */
/* How long the servers have for each answer (ms). */
#define ANSWERS_MS 60000

struct why {
	struct fleet fleet;
	struct remote_link link;
	struct cache *cache; /* the one of its own */
	size_t n_bad, n_failed;
	char *failure; /* the first one: what a server has said */
};

/* A question about a job. */
struct question {
	struct why *why;
	const struct job *job;
	const struct public_key *signer;
	bool of_title; /* it is about the title and not about a slot */
	unsigned int slot;
	char *path;
	struct signed_text text; /* known: its record is what is asked for */
};

static void ask(struct question *q, uint64_t max);

/* Begins an entry with the title, the times and the parts of what is signed. */
static struct entry begin_entry(const struct question *q, const struct signed_text *t)
{
	struct entry e = {.title = xasprintf("%s of %s", t->title, q->signer->name),
		.made_s = t->made_s, .cost_ms = t->cost_ms};

	for (size_t i = 0; i < t->n_parts; i++)
		entry_add_part(&e, t->parts[i].name, &t->parts[i].digest);
	return e;
}

/* Takes the parts of a key. With the key of the job, its slots say more. */
static const char *take_key(const struct question *q, const struct str *bytes)
{
	_cleanup_free_ char *title = job_built_title(q->job);
	_cleanup_(str_done) struct str details = {0};
	const struct manifest nothing = {0};
	struct signed_text t = {0};
	struct digest primary;
	const char *why = fleet_key_read(
		q->signer, title, bytes->len ? bytes->data : "", bytes->len, &t, &details);
	struct cache *cache = q->why->cache;
	struct entry e;

	if (why)
		return why;
	fingerprint_primary(&q->job->reuse->key, &primary);
	if (digest_equal(&t.key, &primary)) {
		signed_text_done(&t);
		return NULL;
	}
	if (pack_unpack(cache_store(cache), &t.record, details.data, details.len) < 0)
		why = "its details are not what was signed";
	e = begin_entry(q, &t);
	e.key = t.key;
	if (!why && cache_store_manifest(cache, &nothing, &e) == 0)
		(void)cache_commit_uncounted(cache, &e, true);
	entry_done(&e);
	signed_text_done(&t);
	return why;
}

/* Takes what the build of a result has looked at. */
static const char *take_record(
	const struct question *q, const struct signed_text *t, const struct str *record)
{
	const struct str who = {.data = q->signer->name, .len = strlen(q->signer->name)};
	_cleanup_(str_done) struct str manifest = {0};
	struct cache *cache = q->why->cache;
	struct entry e;

	if (pack_unpack_text(&t->record, record->data, record->len, &manifest) < 0)
		return "its record is not what was signed";
	e = begin_entry(q, t);
	if (cache_store_text(cache, FLEET_RECORD, &manifest, &e) == 0 &&
		cache_store_text(cache, FLEET_SIGNERS, &who, &e) == 0) {
		cache_make_variant(cache, &t->key, &e);
		(void)cache_commit_uncounted(cache, &e, e.replaces);
	}
	entry_done(&e);
	return NULL;
}

/* Takes what is in a slot. Sets *ret_more if its record has to be asked for. */
static const char *take_slot(struct question *q, const struct str *bytes, bool *ret_more)
{
	_cleanup_(str_done) struct str record = {0}, pack = {0};
	struct digest primary;
	const char *why;

	if (q->text.title) /* the record came */
		return take_record(q, &q->text, bytes);
	fingerprint_primary(&q->job->reuse->key, &primary);
	why = claim_read(q->signer, &primary, q->slot, bytes->len ? bytes->data : "",
		bytes->len, &q->text, &record, &pack);
	if (why)
		return why;
	if (record.len)
		return take_record(q, &q->text, &record);
	*ret_more = true;
	return NULL;
}

static void free_question(struct question *q)
{
	signed_text_done(&q->text);
	free(q->path);
	free(q);
}

static void on_answer(void *userdata, struct remote_result *result)
{
	_cleanup_(str_done) struct str bytes = {0};
	struct question *q = userdata;
	struct why *w = q->why;
	const char *why = NULL;
	bool more = false;

	if (result->status == REMOTE_FAILED || result->status == REMOTE_OFF) {
		w->n_failed++;
		if (!w->failure && result->why)
			w->failure = xstrdup(result->why);
	}
	if (result->status == REMOTE_FOUND &&
		file_read_fd(result->fd, SIGNED_UNPACKED_MAX, &bytes) == 0)
		why = q->of_title ? take_key(q, &bytes) : take_slot(q, &bytes, &more);
	if (why) {
		w->n_bad++;
		print_warning("remote cache: not used: %s/%s: %s", result->url ? result->url : "",
			q->path, why);
	}
	if (more) {
		char hex[DIGEST_HEX];

		digest_hex(&q->text.record.digest, hex);
		free(q->path);
		q->path = xasprintf("cas/%s", hex);
		ask(q, q->text.record.size);
		return;
	}
	free_question(q);
}

static void ask(struct question *q, uint64_t max)
{
	remote_transport_get(q->why->link.transport, q->path, max, ANSWERS_MS, on_answer, q);
}

/* Asks each signer for the newest key with the job's title, and for all results with its key. */
static void ask_about(struct why *w, const struct job *job)
{
	_cleanup_free_ char *title = job_built_title(job);
	struct digest primary;

	fingerprint_primary(&job->reuse->key, &primary);
	for (size_t i = 0; i < w->fleet.n_keys; i++)
		for (unsigned int slot = 0; slot <= SIGNED_SLOTS; slot++) {
			const struct public_key *signer = &w->fleet.keys[i];
			struct question *q = xcalloc(1, sizeof(*q));

			*q = (struct question){.why = w, .job = job, .signer = signer,
				.slot = slot, .of_title = slot == SIGNED_SLOTS};
			q->path = q->of_title
					  ? fleet_key_path(title, signer->bytes)
					  : signed_text_path(&primary, signer->bytes, slot);
			ask(q, ACTION_RESULT_MAX);
		}
}

/* Prints the answers. Returns the exit status. */
static int print_answers(struct why *w, const struct plan *p)
{
	int status = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		struct cache_answer a;

		cache_answer_find(w->cache, p->jobs[i], DIFFERENCES_MAX, &a);
		a.remote = true;
		if (a.kind == ANSWER_FAILED && !status)
			status = 1;
		cache_answer_print(&a);
		cache_answer_done(&a);
	}
	return status;
}

static int ask_servers(struct why *w, struct plan *p, struct error *err)
{
	_cleanup_(strv_done) struct strv urls = {0};
	int r;

	strv_split(&urls, p->shared.settings->remote.urls);
	r = remote_link_open(p->shared.settings, &urls, NULL, &w->link, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n_jobs; i++)
		if (p->jobs[i]->outcome.result == RESULT_DONE &&
			p->jobs[i]->reuse->key.n_parts)
			ask_about(w, p->jobs[i]);
	if (!remote_transport_wait(w->link.transport, -1) || w->n_failed)
		r = error_set(err, -EIO, 1, "not all answers came%s%s", w->failure ? ": " : "",
			w->failure ? w->failure : "");
	remote_link_close(&w->link);
	return r;
}

/* Runs the jobs, which only find out what their builds depend on, and compares that. */
static int run(struct why *w, struct arguments *args, struct cache *local, struct error *err)
{
	struct plan plan;
	uv_loop_t loop;
	int r;

	if (uv_loop_init(&loop) < 0)
		return error_set(err, -EMFILE, 1, "no jobs can be started");
	plan_init(&plan, &loop, &args->settings);
	plan_use_cache(&plan, local);
	r = cache_why_add_jobs(&plan, args, err);
	if (r == 0)
		r = plan_run(&plan, err);
	if (r == 0 && plan.shared.stop.signal)
		r = error_set(err, -ECANCELED, 128 + plan.shared.stop.signal, "interrupted");
	if (r == 0)
		r = ask_servers(w, &plan, err);
	if (r == 0) {
		plan.shared.cache = w->cache;
		if (print_answers(w, &plan) != 0)
			r = error_set(err, -EIO, 1, "not every build could be looked for");
		plan.shared.cache = local;
	}
	plan_done(&plan);
	uv_loop_close(&loop);
	return r;
}

/* Makes the cache of its own in the local one, whose owner is known. */
static int run_in(struct why *w, struct arguments *args, struct cache *local,
	struct error *err)
{
	const char *top = args->settings.cache.dir;
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int lock = -1;
	int r;

	staging_remove_leftovers(top, PREFIX);
	r = staging_make(top, PREFIX, &dir, &lock, err);
	if (r < 0)
		return r;
	w->cache = cache_open(dir, 0, err);
	r = w->cache ? run(w, args, local, err) : -EIO;
	cache_close(w->cache);
	dir_remove(dir, NULL);
	return r;
}

int remote_why(struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	struct cache *local = NULL;
	struct why w = {0};
	int r = fleet_read_keys(s, &w.fleet, err);

	if (r == 0 && !w.fleet.n_keys)
		r = error_set(err, -ENOENT, 1, "there is no public key in %s", s->remote.keys);
	if (r == 0) {
		local = cache_open(s->cache.dir, 0, err);
		r = local ? run_in(&w, args, local, err) : -EIO;
	}
	cache_close(local);
	fleet_done(&w.fleet);
	free(w.failure);
	return r;
}
