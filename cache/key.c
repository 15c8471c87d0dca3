/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The digest of a key is that of these bytes:
 *
 *   "dkms key 1" and a NUL
 *   for each part: the length of its name (8 bytes, little endian), its name, and the
 *                  digest of its detail (32 bytes)
 *
 * The lengths make sure that two different lists of parts have different bytes. */
#include "config.h"

#include "cache/key.h"

static struct key_part *new_part(struct key *k, const char *name)
{
	k->parts = xrealloc_array(k->parts, k->n_parts + 1, sizeof(*k->parts));
	k->parts[k->n_parts] = (struct key_part){.name = xstrdup(name)};
	return &k->parts[k->n_parts++];
}

void key_add(struct key *k, const char *name, const char *detail, size_t n)
{
	struct key_part *part = new_part(k, name);

	part->detail = xcalloc(n + 1, 1);
	if (n)
		memcpy(part->detail, detail, n);
	part->n = n;
	digest_bytes(part->detail, n, &part->digest);
}

void key_add_shared(struct key *k, const char *name, const struct str *detail,
	const struct digest *digest)
{
	struct key_part *part = new_part(k, name);

	part->detail = detail->data;
	part->n = detail->len;
	part->borrowed = true;
	part->digest = *digest;
}

void key_digest(const struct key *k, struct digest *ret)
{
	static const char format[] = "dkms key 1";
	struct digester d;

	digester_begin(&d);
	digester_add(&d, format, sizeof(format));
	for (size_t i = 0; i < k->n_parts; i++) {
		const struct key_part *part = &k->parts[i];
		size_t len = strlen(part->name);
		unsigned char bytes[8];

		for (size_t b = 0; b < sizeof(bytes); b++)
			bytes[b] = (unsigned char)((uint64_t)len >> (8 * b));
		digester_add(&d, bytes, sizeof(bytes));
		digester_add(&d, part->name, len);
		digester_add(&d, part->digest.bytes, DIGEST_SIZE);
	}
	digester_end(&d, ret);
}

void key_done(struct key *k)
{
	for (size_t i = 0; i < k->n_parts; i++) {
		free(k->parts[i].name);
		if (!k->parts[i].borrowed)
			free(k->parts[i].detail);
	}
	free(k->parts);
	*k = (struct key){0};
}
