/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "cache/cache.h"
#include "builder/reuse/fleet-claim.h"
#include "builder/reuse/fleet-push.h"
#include "builder/reuse/fleet.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/probe-memo.h"
#include "scheduler/remote-link.h"
#include "cli/arguments.h"
#include "cli/print.h"
#include "cli/remote-push.h"

/* How long all results together may take (ms). */
#define PUSH_MS 600000
/* How long a server has to answer a question (ms). */
#define STATUS_MS 10000

/* The servers and the keys, as the commands use them. */
struct remote {
	struct fleet fleet;
	struct remote_link link;
};

static void remote_done(struct remote *r)
{
	remote_link_close(&r->link);
	fleet_done(&r->fleet);
}

struct answer {
	enum remote_status status;
	char *why; /* it is no good one, or NULL */
};

static void on_answer(void *userdata, struct remote_result *result)
{
	struct answer *answer = userdata;

	answer->status = result->status;
	str_replace(&answer->why, result->why);
}

/* Asks one server for what nobody has. Prints what it says. */
static int print_server(
	const struct settings *s, const char *url, struct remote *r, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("ac/%064d", 0);
	struct answer answer = {.status = REMOTE_FAILED};
	_cleanup_(strv_done) struct strv urls = {0};
	int code;

	strv_push(&urls, url);
	code = remote_link_open(s, &urls, NULL, &r->link, err);
	if (code < 0)
		return code;
	remote_transport_get(r->link.transport, path, 1, STATUS_MS, on_answer, &answer);
	remote_transport_wait(r->link.transport, 2 * STATUS_MS);
	if (answer.status == REMOTE_MISSING || answer.status == REMOTE_FOUND)
		print_masked(stdout, "%s answers\n", url);
	else
		code = error_set(err, -EIO, 1, "%s does not answer: %s", url,
			answer.why ? answer.why : "it is not used");
	free(answer.why);
	remote_link_close(&r->link);
	return code;
}

int remote_status_print(struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	_cleanup_(strv_done) struct strv urls = {0};
	struct remote r = {0};
	int code = fleet_read_keys(s, &r.fleet, err);

	if (code == 0) {
		strv_split(&urls, s->remote.urls);
		for (size_t i = 0; i < r.fleet.n_keys; i++)
			print_masked(stdout, "believes %s, %s/%s.pub\n", r.fleet.keys[i].name,
				s->remote.keys, r.fleet.keys[i].name);
		if (!r.fleet.n_keys)
			print_masked(stdout, "believes nobody: there is no public key in %s\n",
				s->remote.keys);
		if (r.fleet.sign)
			print_masked(stdout, "writes as %s, %s\n", r.fleet.sign->pub.name,
				s->remote.sign_key);
	}
	for (size_t i = 0; i < urls.n && code == 0; i++)
		code = print_server(s, urls.items[i], &r, err);
	remote_done(&r);
	return code;
}

/* The parts of an entry that its primary key has are those before its texts. */
static void find_primary(const struct entry *e, struct digest *ret, struct strv *ret_names)
{
	struct key_part *parts = xcalloc(e->n_parts + 1, sizeof(*parts));
	struct key key = {.parts = parts};

	for (size_t i = 0; i < e->n_parts; i++) {
		bool is_text = streq(e->parts[i].name, FLEET_RECORD);

		for (const char *const *name = fleet_texts; *name; name++)
			is_text = is_text || streq(e->parts[i].name, *name);
		if (is_text)
			break;
		parts[key.n_parts++] = (struct key_part){
			.name = e->parts[i].name, .digest = e->parts[i].digest};
		strv_push(ret_names, e->parts[i].name);
	}
	key_digest(&key, ret);
	free(parts);
}

/* Whether somebody else has built and signed the entry: they push it themselves. */
static bool is_foreign(const struct entry *e)
{
	for (size_t i = 0; i < e->n_parts; i++)
		if (streq(e->parts[i].name, FLEET_SIGNERS))
			return true;
	return false;
}

/* Whether the entry is a result of the module that the arguments name, and was built here. */
static bool is_wanted(const struct arguments *args, const struct entry *e)
{
	_cleanup_free_ char *title = NULL;

	if (has_prefix(e->title, OBJECTS_TITLE) || has_prefix(e->title, PROBE_MEMO_TITLE) ||
		is_foreign(e))
		return false;
	if (!args->name)
		return true;
	title = args->version ? xasprintf("%s/%s ", args->name, args->version)
			      : xasprintf("%s/", args->name);
	return has_prefix(e->title, title);
}

static int push_all(struct arguments *args, struct cache *cache, struct remote *r,
	struct error *err)
{
	struct fleet_pusher **pushers;
	struct entry *entries = NULL;
	size_t n = 0, n_pushers = 0, done = 0;
	uint64_t sum = 0;
	_cleanup_free_ char *size = NULL;
	int code = store_list_entries(cache_store(cache), &entries, &n);

	if (code < 0)
		return error_errno(err, code, 1, "cannot read the cache");
	pushers = xcalloc(n + 1, sizeof(struct fleet_pusher *));
	for (size_t i = 0; i < n; i++) {
		_cleanup_(strv_done) struct strv names = {0};
		struct digest primary;

		if (is_wanted(args, &entries[i])) {
			find_primary(&entries[i], &primary, &names);
			pushers[n_pushers] = fleet_push(
				&r->fleet, cache, &entries[i], &primary, &names);
			n_pushers += pushers[n_pushers] != NULL;
		}
		entry_done(&entries[i]);
	}
	free(entries);
	remote_transport_wait(r->fleet.transport, PUSH_MS);
	for (size_t i = 0; i < remote_transport_warnings(r->fleet.transport)->n; i++)
		print_warning("%s", remote_transport_warnings(r->fleet.transport)->items[i]);
	r->fleet.transport = NULL;
	remote_link_close(&r->link);
	for (size_t i = 0; i < n_pushers; i++) {
		uint64_t bytes;

		done += fleet_pusher_is_done(pushers[i], &bytes);
		sum += bytes;
		fleet_pusher_free(pushers[i]);
	}
	free(pushers);
	size = format_bytes(sum);
	if (!args->quiet)
		printf("%zu of %zu results written, %s\n", done, n_pushers, size);
	return done == n_pushers ? 0 : error_set(err, -EIO, 1, "not everything was written");
}

int remote_push(struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	_cleanup_(strv_done) struct strv urls = {0};
	struct cache *cache = NULL;
	struct remote r = {0};
	int code = fleet_read_keys(s, &r.fleet, err);

	if (code == 0 && !r.fleet.sign) {
		code = error_set(err, -ENOENT, 1, "there is no key to sign with");
		error_remedy(err, "set remote_sign_key in %s/framework.conf", s->config_dir);
	}
	if (code == 0) {
		strv_split(&urls, s->remote.urls);
		cache = cache_open(s->cache.dir, 0, err);
		code = cache ? remote_link_open(s, &urls, NULL, &r.link, err) : -EIO;
		r.fleet.transport = r.link.transport;
	}
	if (code == 0)
		code = push_all(args, cache, &r, err);
	remote_done(&r);
	cache_close(cache);
	return code;
}
