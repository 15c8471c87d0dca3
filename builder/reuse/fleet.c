/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a job ask a remote cache? */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "base/file.h"
#include "cache/cache.h"
#include "builder/build/build.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/fleet-claim.h"
#include "builder/reuse/fleet.h"
#include "builder/reuse/reuse.h"

/* A server that is slower than the build itself is of no use, but a build is never expected to
 * take less than this (ms). */
#define DEADLINE_MIN_MS 2000
/* How often a result that is not there yet is asked for: remote_wait (ms). Machines that began at
 * the same time do not ask at the same time. */
#define RETRY_MS 2000

int fleet_read_keys(const struct settings *s, struct fleet *ret, struct error *err)
{
	struct secret_key sign;
	int r = signify_read_keys(s->remote.keys, &ret->keys, &ret->n_keys, err);

	ret->settings = s;
	if (r < 0 || is_empty(s->remote.sign_key))
		return r;
	r = signify_read_secret(s->remote.sign_key, &sign, err);
	if (r == 0) {
		ret->sign = xcalloc(1, sizeof(sign));
		*ret->sign = sign;
		explicit_bzero(&sign, sizeof(sign));
	}
	return r;
}

void fleet_done(struct fleet *fleet)
{
	signify_free_keys(fleet->keys, fleet->n_keys);
	if (fleet->sign)
		secret_key_done(fleet->sign);
	free(fleet->sign);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)timespec_ns(&now);
}

static struct fleet_ask *ask_new(struct job *job)
{
	const struct fleet *fleet = job->shared->fleet;
	struct fleet_ask *ask = xcalloc(1, sizeof(*ask));

	ask->job = job;
	ask->n_claims = fleet->n_keys;
	ask->claims = xcalloc(ask->n_claims + 1, sizeof(*ask->claims));
	for (size_t i = 0; i < ask->n_claims; i++)
		ask->claims[i].signer = &fleet->keys[i];
	return ask;
}

/* A request of a claim. */
struct request {
	struct fleet_ask *ask;
	struct claim *claim;
	char *path;
};

static void free_request(struct request *request)
{
	if (request)
		free(request->path);
	free(request);
}

void fleet_ask_free(struct fleet_ask *ask)
{
	if (!ask)
		return;
	for (size_t i = 0; i < ask->n_claims; i++) {
		free_request(ask->claims[i].request);
		claim_done(&ask->claims[i]);
	}
	free(ask->claims);
	strv_done(&ask->bad);
	strv_done(&ask->primary_parts);
	entry_done(&ask->built);
	free(ask);
}

static void on_answer(void *userdata, struct remote_result *result)
{
	struct request *request = userdata;
	struct fleet_ask *ask = request->ask;
	struct claim *c = request->claim;

	c->asked = true;
	c->status = result->status;
	if (result->status == REMOTE_FOUND &&
		file_read_fd(result->fd, SIGNED_UNPACKED_MAX, &c->bytes) < 0)
		c->status = REMOTE_FAILED;
	ask->bytes += c->bytes.len;
	ask->failed |= c->status == REMOTE_FAILED || c->status == REMOTE_OFF;
	free(c->address);
	c->address = xasprintf("%s/%s", result->url ? result->url : "", request->path);
	free_request(TAKE_PTR(c->request));
	if (--ask->n_pending == 0)
		ask->job->shared->fleet->wake(ask->job->shared->fleet, ask->job);
}

/* How much time is left for answers (ms), since all of them together may take as long as the
 * build; 0: as long as the transport permits. */
static unsigned int deadline_ms(const struct fleet_ask *ask)
{
	const struct job *job = ask->job;
	uint64_t limit = job->request.expected_ms, passed;

	if (job->shared->settings->remote.only || job->kind == JOB_EXPLAIN)
		return 0;
	if (limit < DEADLINE_MIN_MS)
		limit = DEADLINE_MIN_MS;
	passed = (now_ns() - ask->asked_ns) / 1000000;
	if (passed >= limit)
		return 1;
	return limit - passed < UINT32_MAX ? (unsigned int)(limit - passed) : UINT32_MAX;
}

/* Requests what the claims want. Returns whether there is anything to wait for. */
static bool send_requests(struct fleet_ask *ask)
{
	struct job *job = ask->job;
	struct fleet *fleet = job->shared->fleet;
	struct digest key;

	fleet->start(fleet);
	if (!fleet->transport) {
		ask->failed = true;
		return false;
	}
	if (!ask->asked_ns)
		ask->asked_ns = now_ns();
	fingerprint_primary(&job->reuse->key, &key);
	for (size_t i = 0; i < ask->n_claims; i++) {
		struct claim *c = &ask->claims[i];
		struct request *request;
		uint64_t max;

		if (!claim_wants(c))
			continue;
		request = xcalloc(1, sizeof(*request));
		*request = (struct request){ask, c, claim_path(c, &key, &max)};
		c->request = request;
		ask->n_pending++;
		remote_transport_get(fleet->transport, request->path, max, deadline_ms(ask),
			on_answer, request);
	}
	ask->sent = ask->n_pending > 0;
	return ask->sent;
}

/* Whether what nobody has built yet may still come, and is to be asked for again. */
static bool try_again(struct fleet_ask *ask)
{
	uint64_t wait_ns = UINT64_C(1000000000) * ask->job->shared->settings->remote.wait_s;
	uint64_t now = now_ns(), jitter;

	if (ask->hit || ask->failed || ask->bad.n || now - ask->began_ns >= wait_ns)
		return false;
	jitter = now / 1000 % RETRY_MS;
	ask->retry_ns = now + (RETRY_MS / 2 + jitter) * 1000000;
	if (ask->retry_ns > ask->began_ns + wait_ns)
		ask->retry_ns = ask->began_ns + wait_ns;
	for (size_t i = 0; i < ask->n_claims; i++) {
		claim_done(&ask->claims[i]);
		ask->claims[i] = (struct claim){.signer = ask->claims[i].signer};
	}
	ask->asked_ns = 0;
	return true;
}

static int judge_work(struct job *job)
{
	struct fleet_ask *ask = job->fleet;

	claims_judge(ask);
	for (size_t i = 0; i < ask->n_claims; i++)
		job->ask.again = job->ask.again || claim_wants(&ask->claims[i]);
	if (!job->ask.again)
		job->ask.again = try_again(ask);
	ask->ended_ns = now_ns();
	return 0;
}

/* Whether the job asks at all. */
static bool asks(const struct job *job)
{
	const struct fleet *fleet = job->shared->fleet;
	const struct settings *s = job->shared->settings;

	return fleet && fleet->n_keys && job->build && job->reuse->key.n_parts &&
	       !job->reuse->found && (!s->switches.force || s->remote.only);
}

static enum transition wait_for_answers(struct job *job)
{
	free(job->ask.busy);
	job->ask.busy = xstrdup("the remote cache");
	return TRANSITION_WAIT;
}

enum transition fleet_enter(struct job *job)
{
	struct fleet_ask *ask = job->fleet;

	if (!asks(job))
		return TRANSITION_NEXT;
	if (!ask) {
		ask = job->fleet = ask_new(job);
		ask->began_ns = now_ns();
	}
	if (ask->n_pending || now_ns() < ask->retry_ns)
		return wait_for_answers(job);
	if (ask->sent) {
		ask->sent = false;
		job->ask.work = judge_work;
		return TRANSITION_WORK;
	}
	return send_requests(ask) ? wait_for_answers(job) : TRANSITION_NEXT;
}

bool fleet_forbids_build(struct job *job)
{
	const struct fleet_ask *ask = job->fleet;
	const char *obstacle = NULL;

	if (!job->shared->settings->remote.only || job->outcome.restored)
		return false;
	if (!job->shared->fleet)
		obstacle = "there is no remote cache";
	else if (!job->shared->fleet->n_keys)
		obstacle = "there is no public key in the directory remote_keys";
	else if (!ask)
		obstacle = fingerprint_find_obstacle(job);
	else if (ask->bad.n)
		obstacle = ask->bad.items[0];
	else if (ask->failed)
		obstacle = "no server answers";
	error_set(&job->outcome.error, -ENOENT, FLEET_MISS_STATUS,
		"not built because of --remote-only: %s",
		obstacle ? obstacle : "the remote cache does not have it");
	return true;
}

const char *fleet_result_word(const struct job *job)
{
	const struct fleet_ask *ask = job->fleet;

	if (!ask || !ask->began_ns)
		return NULL;
	return ask->hit ? "hit" : ask->bad.n ? "bad" : ask->failed ? "failed" : "miss";
}

void fleet_keep(struct job *job, struct entry *e)
{
	const struct key *key = &job->reuse->key;
	struct fleet_ask *ask = job->fleet;

	if (!job->shared->fleet || !job->shared->fleet->sign || !e->n_files)
		return;
	if (!ask)
		ask = job->fleet = ask_new(job);
	fingerprint_primary(key, &ask->primary);
	for (size_t i = 0; i < fingerprint_count_primary(key); i++)
		strv_push(&ask->primary_parts, key->parts[i].name);
	ask->built = *e;
	*e = (struct entry){0};
}
