/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a machine learn of what the key of another one was made? */
#include "config.h"

#include <errno.h>

#include "cache/remote/action-result.h"
#include "cache/remote/pack.h"
#include "builder/reuse/fleet-key.h"

#define FILE_NAME "key"
/* The values of variables are nobody else's business: its detail stays here. */
#define PRIVATE_PART "environment"
/* No longer details than these are kept, of one part and of all (bytes); digests cannot be compressed,
 * and the answer is to be one request. */
#define DETAIL_MAX (64 * 1024)
#define DETAILS_MAX (96 * 1024)

char *fleet_key_path(const char *title, const unsigned char *signer)
{
	static const char head[] = "dkms remote title 1";
	struct digest address;
	char hex[DIGEST_HEX];
	struct digester d;

	digester_begin(&d);
	digester_add(&d, head, sizeof(head));
	digester_add(&d, title, strlen(title) + 1);
	digester_add(&d, signer, SIGNIFY_PUBLIC_SIZE);
	digester_end(&d, &address);
	digest_hex(&address, hex);
	return xasprintf("ac/%s", hex);
}

int fleet_key_pack(struct store *s, const struct signed_text *of, struct signed_pack *ret,
	struct str *ret_bytes)
{
	size_t left = DETAILS_MAX;

	ret->files = xcalloc(of->n_parts + 1, sizeof(*ret->files));
	for (size_t i = 0; i < of->n_parts; i++) {
		const struct entry_part *part = &of->parts[i];
		_cleanup_(str_done) struct str detail = {0};

		if (streq(part->name, PRIVATE_PART) ||
			store_get_bytes(s, &part->digest, &detail) < 0 || detail.len > DETAIL_MAX ||
			detail.len > left)
			continue;
		left -= detail.len;
		ret->files[ret->n_files++] = (struct entry_file){
			xstrdup(part->name), part->digest, detail.len};
	}
	return pack_make(s, ret, ret_bytes);
}

int fleet_key_write(const struct signed_text *of, const struct signed_pack *record,
	const struct str *bytes, const struct secret_key *sign, struct str *ret)
{
	struct signed_text t = *of; /* borrows */
	_cleanup_(str_done) struct str text = {0};
	struct action_result a = {0};
	int r;

	t.record = *record;
	t.pack = (struct signed_pack){0};
	signed_text_write(&t, &text);
	r = signify_sign(sign, text.data, text.len, &a.out, NULL);
	str_add_bytes(&a.out, text.data, text.len);
	a.files[a.n_files++] = (struct output_blob){
		.path = xstrdup(FILE_NAME), .digest = record->digest, .size = record->size};
	str_add_bytes(&a.files[0].contents, bytes->data, bytes->len);
	action_result_write(&a, ret);
	action_result_done(&a);
	if (r == 0 && (text.len > SIGNED_TEXT_MAX || ret->len > ACTION_RESULT_MAX))
		r = -EFBIG;
	return r;
}

/* Whether each file of the record is the detail of a part of the key. */
static bool has_only_details(const struct signed_text *t)
{
	for (size_t i = 0; i < t->record.n_files; i++) {
		bool found = false;

		for (size_t j = 0; j < t->n_parts; j++)
			found = found || (streq(t->parts[j].name, t->record.files[i].name) &&
						 digest_equal(&t->parts[j].digest,
							 &t->record.files[i].digest));
		if (!found)
			return false;
	}
	return !t->record.n_results && !t->pack.n_files;
}

const char *fleet_key_read(const struct public_key *signer, const char *title,
	const void *bytes, size_t n, struct signed_text *ret, struct str *ret_bytes)
{
	struct output_blob *blob;
	struct action_result a;
	const char *why = NULL;
	size_t head;

	if (action_result_parse(bytes, n, &a) < 0)
		return "it is no ActionResult";
	head = a.out.len ? signify_signature_length(a.out.data, a.out.len) : 0;
	if (!head || !signify_verify(signer, a.out.data, head, a.out.data + head,
			     a.out.len - head))
		why = "its signature is wrong";
	else if (signed_text_parse(a.out.data + head, a.out.len - head, ret) < 0)
		why = "what is signed has another format";
	else if (memcmp(ret->signer, signer->bytes, sizeof(ret->signer)) != 0 ||
		 !streq(ret->title, title) || !has_only_details(ret)) {
		signed_text_done(ret);
		why = "it is about something else";
	}
	blob = why ? NULL : action_result_file(&a, FILE_NAME);
	if (blob) {
		*ret_bytes = blob->contents;
		blob->contents = (struct str){0};
	}
	action_result_done(&a);
	return why;
}
