/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what a signer says to be believed, and does it fit this machine? */
#include "config.h"

#include <errno.h>

#include "cache/cache.h"
#include "cache/remote/pack.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/fleet-claim.h"
#include "builder/reuse/observed-values.h"
#include "builder/reuse/provenance.h"
#include "builder/reuse/reuse.h"

const char *const fleet_texts[] = {"inputs", "fit", PROVENANCE_PREDICATE, NULL};

static void forget_text(struct claim *c)
{
	signed_text_done(&c->text);
	str_done(&c->record);
	str_done(&c->pack);
}

void claim_done(struct claim *c)
{
	forget_text(c);
	str_done(&c->bytes);
	free(c->address);
}

char *claim_path(const struct claim *c, const struct digest *key, uint64_t *ret_max)
{
	const struct signed_pack *pack =
		c->state == CLAIM_RECORD ? &c->text.record : &c->text.pack;
	char hex[DIGEST_HEX];

	if (c->state == CLAIM_ASK) {
		*ret_max = ACTION_RESULT_MAX;
		return signed_text_path(key, c->signer->bytes, c->slot);
	}
	digest_hex(&pack->digest, hex);
	*ret_max = pack->size;
	return xasprintf("cas/%s", hex);
}

/* Moves the inlined bytes of a pack. */
static void take_contents(struct action_result *a, const char *path, struct str *ret)
{
	struct output_blob *blob = action_result_file(a, path);

	if (!blob)
		return;
	*ret = blob->contents;
	blob->contents = (struct str){0};
}

static const char *read_text(const struct public_key *signer, const struct digest *key,
	unsigned int slot, const struct str *out, struct signed_text *ret)
{
	size_t n = out->len ? signify_signature_length(out->data, out->len) : 0;

	if (!n)
		return "it is not signed";
	if (!signify_verify(signer, out->data, n, out->data + n, out->len - n))
		return "its signature is wrong";
	if (signed_text_parse(out->data + n, out->len - n, ret) < 0)
		return "what is signed has another format";
	if (digest_equal(&ret->key, key) && ret->slot == slot &&
		memcmp(ret->signer, signer->bytes, sizeof(ret->signer)) == 0 &&
		ret->record.n_files == 1 && !ret->record.n_results &&
		streq(ret->record.files[0].name, FLEET_RECORD))
		return NULL;
	signed_text_done(ret);
	return "it is about another key";
}

const char *claim_read(const struct public_key *signer, const struct digest *key,
	unsigned int slot, const void *bytes, size_t n, struct signed_text *ret,
	struct str *ret_record, struct str *ret_pack)
{
	struct action_result a;
	const char *why;

	if (action_result_parse(bytes, n, &a) < 0)
		return "it is no ActionResult";
	why = read_text(signer, key, slot, &a.out, ret);
	if (!why) {
		take_contents(&a, "record", ret_record);
		take_contents(&a, "pack", ret_pack);
	}
	action_result_done(&a);
	return why;
}

/* Notes that an answer is not believed. The signer has nothing more to say. */
static void reject(struct fleet_ask *ask, struct claim *c, const char *why)
{
	strv_pushf(&ask->bad, "%s: %s", c->address ? c->address : "", why);
	c->state = CLAIM_NONE;
}

/* Sets whether the result fits this machine, or the next slot is to be asked for. */
static void check_manifest(struct fleet_ask *ask, struct claim *c)
{
	_cleanup_(str_done) struct str text = {0};
	struct observed_change change = {0};
	struct manifest m = {0};

	if (pack_unpack_text(&c->text.record, c->record.data, c->record.len, &text) < 0 ||
		manifest_parse(text.data, text.len, &m) < 0) {
		reject(ask, c, "its record is not what was signed");
		return;
	}
	if (observed_find_changes(ask->job, &m, &change, 1) == 0) {
		c->state = CLAIM_FITS;
	} else {
		forget_text(c);
		c->slot++;
		c->state = c->slot < SIGNED_SLOTS ? CLAIM_ASK : CLAIM_NONE;
	}
	free(change.value);
	manifest_done(&m);
}

static void judge_answer(struct fleet_ask *ask, struct claim *c, const struct digest *key)
{
	const char *why;

	switch (c->state) {
	case CLAIM_ASK:
		if (c->status != REMOTE_FOUND) {
			c->state = CLAIM_NONE;
			break;
		}
		why = claim_read(c->signer, key, c->slot, c->bytes.len ? c->bytes.data : "",
			c->bytes.len, &c->text, &c->record, &c->pack);
		if (why)
			reject(ask, c, why);
		else if (c->record.len)
			check_manifest(ask, c);
		else
			c->state = CLAIM_RECORD;
		break;
	case CLAIM_RECORD:
		c->record = c->bytes;
		c->bytes = (struct str){0};
		if (c->status == REMOTE_FOUND)
			check_manifest(ask, c);
		else
			c->state = CLAIM_NONE;
		break;
	case CLAIM_PACK:
		c->pack = c->bytes;
		c->bytes = (struct str){0};
		c->state = c->status == REMOTE_FOUND ? CLAIM_FITS : CLAIM_NONE;
		/* Otherwise it would be asked for again, without end. */
		if (c->state == CLAIM_FITS && !c->pack.len)
			reject(ask, c, "its pack is not what was signed");
		break;
	case CLAIM_FITS:
	case CLAIM_NONE:
		break;
	}
}

/* The log of a build differs each time, in the times that it has. */
static bool is_compared(const struct entry_file *file)
{
	return !streq(file->name, "make.log");
}

/* Whether both packs have the same files, with the same content. */
static bool is_same_result(const struct signed_pack *a, const struct signed_pack *b)
{
	size_t n_a = 0, n_b = 0, same = 0;

	for (size_t i = 0; i < b->n_results; i++)
		n_b += is_compared(&b->files[i]);
	for (size_t i = 0; i < a->n_results; i++) {
		n_a += is_compared(&a->files[i]);
		for (size_t j = 0; j < b->n_results && is_compared(&a->files[i]); j++)
			same += streq(a->files[i].name, b->files[j].name) &&
				digest_equal(&a->files[i].digest, &b->files[j].digest);
	}
	return n_a == n_b && same == n_a;
}

/* Whether both have made the same files, and have looked at the same for that: the record decides
 * whether the result is used later. */
static bool is_same_claim(const struct claim *a, const struct claim *b)
{
	return digest_equal(&a->text.record.files[0].digest, &b->text.record.files[0].digest) &&
	       is_same_result(&a->text.pack, &b->text.pack);
}

/* Returns the names of all signers who say the same as c, "build1, build2", and how many they are.
 * c is the first of them. The caller frees. */
static char *list_signers(const struct fleet_ask *ask, const struct claim *c, size_t *ret)
{
	_cleanup_(strv_done) struct strv names = {0};

	for (size_t i = 0; i < ask->n_claims; i++) {
		const struct claim *other = &ask->claims[i];

		if ((other->state == CLAIM_FITS || other->state == CLAIM_PACK) &&
			is_same_claim(c, other))
			strv_push(&names, other->signer->name);
	}
	*ret = names.n;
	return strv_join(&names, ", ");
}

/* Whether a pack has this text, with the same content. */
static bool has_text(const struct signed_pack *p, const struct entry_file *text)
{
	bool found = false;

	for (size_t i = p->n_results; i < p->n_files && !found; i++)
		found = streq(p->files[i].name, text->name) &&
			digest_equal(&p->files[i].digest, &text->digest);
	return found;
}

/* Whether all signers who say the same as c have this text, too. Those of a provenance differ, in
 * the times that it has: that of c counts, and is said to be that of c. */
static bool is_agreed(
	const struct fleet_ask *ask, const struct claim *c, const struct entry_file *text)
{
	bool agreed = true;

	if (streq(text->name, PROVENANCE_PREDICATE))
		return true;
	for (size_t i = 0; i < ask->n_claims && agreed; i++) {
		const struct claim *other = &ask->claims[i];

		agreed = other->state != CLAIM_FITS || !is_same_claim(c, other) ||
			 has_text(&other->text.pack, text);
	}
	return agreed;
}

/* Adds the texts of the pack that dkms knows, and on which the signers agree; others are from a later
 * version. */
static void add_texts(const struct fleet_ask *ask, const struct claim *c, struct entry *e)
{
	const struct signed_pack *p = &c->text.pack;

	for (size_t i = p->n_results; i < p->n_files; i++)
		for (const char *const *name = fleet_texts; *name; name++)
			if (streq(p->files[i].name, *name) && is_agreed(ask, c, &p->files[i]))
				entry_add_part(e, *name, &p->files[i].digest);
}

/* Puts the result into the local cache, as a variant of the job's primary key. Returns 0 or a
 * negative errno; -EBADMSG if the pack is not what was signed. */
static int import(struct fleet_ask *ask, const struct claim *c, char *signers)
{
	const struct job *job = ask->job;
	struct cache *cache = job->shared->cache;
	struct store *store = cache_store(cache);
	_cleanup_close_ int hold = store_hold(store);
	const struct signed_text *t = &c->text;
	struct key primary = job->reuse->key;
	_cleanup_(str_done) struct str manifest = {0};
	const struct str who = {.data = signers, .len = strlen(signers)};
	struct entry e = {.title = xstrdup(t->title), .made_s = t->made_s, .cost_ms = t->cost_ms};
	struct digest key;
	int r = pack_unpack(store, &t->pack, c->pack.data, c->pack.len);

	primary.n_parts = fingerprint_count_primary(&primary);
	key_digest(&primary, &key);
	if (r == 0)
		r = pack_unpack_text(&t->record, c->record.data, c->record.len, &manifest);
	if (r == 0)
		r = cache_store_files(cache, &primary, NULL, 0, &e);
	if (r == 0)
		r = cache_store_text(cache, FLEET_RECORD, &manifest, &e);
	for (size_t i = 0; i < t->pack.n_results; i++)
		entry_add_file(&e, t->pack.files[i].name, &t->pack.files[i].digest,
			t->pack.files[i].size);
	add_texts(ask, c, &e);
	if (r == 0)
		r = cache_store_text(cache, FLEET_SIGNERS, &who, &e);
	if (r == 0) {
		cache_make_variant(cache, &key, &e);
		r = cache_commit_uncounted(cache, &e, e.replaces);
	}
	entry_done(&e);
	return r;
}

/* Takes the first result that enough signers agree on. Returns whether it is to be got first. */
static bool choose(struct fleet_ask *ask)
{
	size_t required = ask->job->shared->settings->remote.require;

	for (size_t i = 0; i < ask->n_claims; i++) {
		struct claim *c = &ask->claims[i];
		_cleanup_free_ char *signers = NULL;
		size_t n;
		int r;

		if (c->state != CLAIM_FITS)
			continue;
		signers = list_signers(ask, c, &n);
		if (n < required)
			continue;
		if (!c->pack.len) {
			c->state = CLAIM_PACK;
			return true;
		}
		r = import(ask, c, signers);
		if (r == 0) {
			ask->hit = true;
			str_replace(&ask->job->outcome.signers, signers);
			return false;
		}
		if (r == -EBADMSG)
			reject(ask, c, "its pack is not what was signed");
		c->state = CLAIM_NONE;
	}
	return false;
}

void claims_judge(struct fleet_ask *ask)
{
	struct digest key;
	bool more = false;

	fingerprint_primary(&ask->job->reuse->key, &key);
	for (size_t i = 0; i < ask->n_claims; i++) {
		struct claim *c = &ask->claims[i];

		if (c->asked)
			judge_answer(ask, c, &key);
		c->asked = false;
		str_done(&c->bytes);
		more = more || claim_wants(c);
	}
	if (!more)
		choose(ask);
}
