/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/memfd.h"
#include "cache/remote/pack.h"
#include "builder/reuse/fleet-claim.h"
#include "builder/reuse/fleet-key.h"
#include "builder/reuse/fleet-push.h"
#include "builder/reuse/provenance.h"

/* A pack of at most so many bytes is in the signed answer itself. */
#define INLINE_MAX (64 * 1024)

struct fleet_pusher {
	struct fleet *fleet;
	struct digest primary;
	struct signed_text text;
	struct str record, pack;
	struct signed_pack key; /* fleet-key.h */
	struct str key_bytes;
	unsigned int oldest; /* the slot whose result was made first */
	int64_t oldest_s;
	size_t n_blobs; /* packs that are being written */
	bool failed, done;
	uint64_t bytes; /* that were written */
};

static bool put(struct fleet_pusher *p, const char *path, const struct str *bytes,
	remote_callback *callback)
{
	_cleanup_close_ int fd = memfd_make("dkms", bytes->data, bytes->len);

	if (fd < 0)
		return false;
	remote_transport_put(p->fleet->transport, path, fd, bytes->len, 0, callback, p);
	p->bytes += bytes->len;
	return true;
}

/* Without it, dkms remote why knows less. */
static void on_key(void *userdata, struct remote_result *result)
{
	(void)userdata;
	(void)result;
}

static void put_key(struct fleet_pusher *p)
{
	_cleanup_free_ char *path = fleet_key_path(p->text.title, p->text.signer);
	_cleanup_(str_done) struct str body = {0};

	if (fleet_key_write(&p->text, &p->key, &p->key_bytes, p->fleet->sign, &body) == 0)
		put(p, path, &body, on_key);
}

static void on_put(void *userdata, struct remote_result *result)
{
	struct fleet_pusher *p = userdata;

	p->done = result->status == REMOTE_FOUND;
	p->failed = !p->done;
	if (p->done)
		put_key(p);
}

static void add_blob(struct action_result *a, const char *path, const struct signed_pack *pack,
	const struct str *bytes)
{
	struct output_blob *blob = &a->files[a->n_files++];

	*blob = (struct output_blob){
		.path = xstrdup(path), .digest = pack->digest, .size = pack->size};
	if (bytes->len <= INLINE_MAX)
		str_add_bytes(&blob->contents, bytes->data, bytes->len);
}

/* Signs the text and writes it, after the packs. */
static void put_result(struct fleet_pusher *p)
{
	_cleanup_(str_done) struct str text = {0}, body = {0};
	struct action_result a = {0};
	_cleanup_free_ char *path =
		signed_text_path(&p->primary, p->text.signer, p->text.slot);

	signed_text_write(&p->text, &text);
	if (signify_sign(p->fleet->sign, text.data, text.len, &a.out, NULL) < 0) {
		p->failed = true;
		return;
	}
	str_add_bytes(&a.out, text.data, text.len);
	add_blob(&a, "record", &p->text.record, &p->record);
	add_blob(&a, "pack", &p->text.pack, &p->pack);
	action_result_write(&a, &body);
	action_result_done(&a);
	p->failed = text.len > SIGNED_TEXT_MAX || body.len > ACTION_RESULT_MAX ||
		    !put(p, path, &body, on_put);
}

static void on_blob(void *userdata, struct remote_result *result)
{
	struct fleet_pusher *p = userdata;

	p->failed |= result->status != REMOTE_FOUND;
	if (--p->n_blobs == 0 && !p->failed)
		put_result(p);
}

static void put_blob(
	struct fleet_pusher *p, const struct signed_pack *pack, const struct str *bytes)
{
	_cleanup_free_ char *path = NULL;
	char hex[DIGEST_HEX];

	if (bytes->len <= INLINE_MAX)
		return;
	digest_hex(&pack->digest, hex);
	path = xasprintf("cas/%s", hex);
	if (put(p, path, bytes, on_blob))
		p->n_blobs++;
	else
		p->failed = true;
}

static void put_all(struct fleet_pusher *p)
{
	put_blob(p, &p->text.record, &p->record);
	put_blob(p, &p->text.pack, &p->pack);
	if (!p->n_blobs && !p->failed)
		put_result(p);
}

static void on_slot(void *userdata, struct remote_result *result);

static void ask_for_slot(struct fleet_pusher *p)
{
	_cleanup_free_ char *path =
		signed_text_path(&p->primary, p->text.signer, p->text.slot);

	remote_transport_get(
		p->fleet->transport, path, ACTION_RESULT_MAX, 0, on_slot, p);
}

/* Whether the slot has another result of this key, which is to stay. Of all of them, the oldest one
 * is replaced in the end. */
static bool has_other(struct fleet_pusher *p, const struct str *bytes)
{
	_cleanup_(str_done) struct str record = {0}, pack = {0};
	struct signed_text there = {0};
	bool other;

	if (claim_read(&p->fleet->sign->pub, &p->primary, p->text.slot,
		    bytes->len ? bytes->data : "", bytes->len, &there, &record, &pack))
		return false;
	other = !digest_equal(
		&there.record.files[0].digest, &p->text.record.files[0].digest);
	if (other && there.made_s < p->oldest_s) {
		p->oldest_s = there.made_s;
		p->oldest = p->text.slot;
	}
	signed_text_done(&there);
	return other;
}

static void on_slot(void *userdata, struct remote_result *result)
{
	_cleanup_(str_done) struct str bytes = {0};
	struct fleet_pusher *p = userdata;

	if (result->status == REMOTE_OFF || result->status == REMOTE_FAILED ||
		(result->status == REMOTE_FOUND &&
			file_read_fd(result->fd, ACTION_RESULT_MAX, &bytes) < 0)) {
		p->failed = true;
		return;
	}
	if (result->status == REMOTE_MISSING || !has_other(p, &bytes)) {
		put_all(p);
	} else if (++p->text.slot < SIGNED_SLOTS) {
		ask_for_slot(p);
	} else {
		p->text.slot = p->oldest;
		put_all(p);
	}
}

static const struct entry_part *find_part(const struct entry *e, const char *name)
{
	for (size_t i = 0; i < e->n_parts; i++)
		if (streq(e->parts[i].name, name))
			return &e->parts[i];
	return NULL;
}

/* Puts the provenance without what may be secret into the store, from where packs are made. Replaces the
 * text and its digest. Returns 0 or a negative errno. */
static int put_public_provenance(struct store *s, struct str *text, struct digest *digest)
{
	_cleanup_(str_done) struct str public = {0};

	if (!provenance_for_others(text, &public))
		return -EBADMSG;
	str_done(text);
	*text = public;
	public = (struct str){0};
	digest_bytes(text->data, text->len, digest);
	return store_put_bytes(s, text->data, text->len, digest);
}

/* Adds a text of the entry to a pack. Returns 0; -ENOENT if there is none. */
static int add_text(struct store *s, const struct entry *e, const char *name,
	struct signed_pack *pack)
{
	const struct entry_part *part = find_part(e, name);
	_cleanup_(str_done) struct str text = {0};
	int r = part ? store_get_bytes(s, &part->digest, &text) : -ENOENT;
	struct digest digest;

	if (r < 0)
		return r;
	digest = part->digest;
	if (streq(name, PROVENANCE_PREDICATE))
		r = put_public_provenance(s, &text, &digest);
	if (r < 0)
		return r;
	pack->files = xrealloc_array(pack->files, pack->n_files + 1, sizeof(*pack->files));
	pack->files[pack->n_files++] =
		(struct entry_file){xstrdup(name), digest, text.len};
	return 0;
}

static void fill_text(struct fleet_pusher *p, const struct entry *e, const struct strv *parts)
{
	struct signed_text *t = &p->text;
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || text_has_control(host))
		*host = '\0';
	t->key = p->primary;
	memcpy(t->signer, p->fleet->sign->pub.bytes, sizeof(t->signer));
	t->made_s = e->made_s;
	t->cost_ms = e->cost_ms;
	t->by = xstrdup(host);
	t->title = xstrdup(e->title);
	t->parts = xcalloc(parts->n + 1, sizeof(*t->parts));
	for (size_t i = 0; i < parts->n; i++) {
		const struct entry_part *part = find_part(e, parts->items[i]);

		if (part)
			t->parts[t->n_parts++] =
				(struct entry_part){xstrdup(part->name), part->digest};
	}
	t->pack.files = xcalloc(e->n_files + 1, sizeof(*t->pack.files));
	for (size_t i = 0; i < e->n_files; i++)
		t->pack.files[i] = (struct entry_file){xstrdup(e->files[i].name),
			e->files[i].digest, e->files[i].size};
	t->pack.n_files = t->pack.n_results = e->n_files;
}

struct fleet_pusher *fleet_push(struct fleet *fleet, struct cache *cache,
	const struct entry *e, const struct digest *primary, const struct strv *parts)
{
	struct store *s = cache_store(cache);
	_cleanup_close_ int hold = store_hold(s);
	struct fleet_pusher *p = xcalloc(1, sizeof(*p));
	int r;

	*p = (struct fleet_pusher){
		.fleet = fleet, .primary = *primary, .oldest_s = INT64_MAX};
	fill_text(p, e, parts);
	r = add_text(s, e, FLEET_RECORD, &p->text.record);
	for (const char *const *name = fleet_texts; *name && r == 0; name++) {
		r = add_text(s, e, *name, &p->text.pack);
		r = r == -ENOENT && !find_part(e, *name) ? 0 : r;
	}
	if (r == 0)
		r = fleet_key_pack(s, &p->text, &p->key, &p->key_bytes);
	if (r == 0)
		r = pack_make(s, &p->text.record, &p->record);
	if (r == 0)
		r = pack_make(s, &p->text.pack, &p->pack);
	if (r < 0) {
		fleet_pusher_free(p);
		return NULL;
	}
	ask_for_slot(p);
	return p;
}

bool fleet_pusher_is_done(const struct fleet_pusher *p, uint64_t *ret_bytes)
{
	*ret_bytes = p->bytes;
	return p->done;
}

void fleet_pusher_free(struct fleet_pusher *p)
{
	signed_text_done(&p->text);
	str_done(&p->record);
	str_done(&p->pack);
	signed_pack_done(&p->key);
	str_done(&p->key_bytes);
	free(p);
}
