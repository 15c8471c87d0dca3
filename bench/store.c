/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the work of the store alone, so that bench/run can measure it. It prints nothing.
 *
 *	bench/store put DIR N		stores N different objects of 4 KiB, with an entry for every
 *					ten of them
 *	bench/store get DIR N TO	copies each object to a file in TO
 *	bench/store verify DIR N	reads and checks all objects
 *
 * It fails if there are not N objects. */
#include "config.h"

#include <errno.h>

#include "cache/maintenance.h"

#define OBJECT_BYTES 4096
#define ENTRY_OBJECTS 10 /* objects of one entry */

/* Fills an object with bytes that depend on its number and are not compressible, so that
 * no two objects are equal. */
static void fill(uint32_t *words, size_t n_words, size_t number)
{
	uint32_t x = (uint32_t)number * 2654435761u + 1;

	for (size_t i = 0; i < n_words; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		words[i] = x;
	}
	words[0] = (uint32_t)number;
}

/* Makes the key of an entry. */
static void make_key(size_t entry, struct digest *ret)
{
	digest_bytes(&entry, sizeof(entry), ret);
}

static int put(struct store *s, size_t n)
{
	uint32_t words[OBJECT_BYTES / sizeof(uint32_t)];
	int hold = store_hold(s), r = 0;

	for (size_t i = 0; r == 0 && i < n;) {
		struct entry e = {.title = xstrdup("measured")};

		make_key(i / ENTRY_OBJECTS, &e.key);
		for (size_t j = 0; r == 0 && j < ENTRY_OBJECTS && i < n; i++, j++) {
			_cleanup_free_ char *name = xasprintf("object%zu", i);
			struct digest digest;

			fill(words, ARRAY_SIZE(words), i);
			digest_bytes(words, sizeof(words), &digest);
			r = store_put_bytes(s, words, sizeof(words), &digest);
			entry_add_file(&e, name, &digest, sizeof(words));
		}
		if (r == 0)
			r = store_put_entry(s, &e, false);
		entry_done(&e);
	}
	if (hold >= 0)
		close(hold);
	return r;
}

static int get(struct store *s, size_t n, const char *to)
{
	int hold = store_hold(s), r = 0;
	size_t got = 0;

	for (size_t i = 0; r == 0 && i < n; i += ENTRY_OBJECTS) {
		struct entry e = {0};
		struct digest key;

		make_key(i / ENTRY_OBJECTS, &key);
		r = store_get_entry(s, &key, &e) == 1 ? 0 : -ENOENT;
		for (size_t j = 0; r == 0 && j < e.n_files; j++) {
			_cleanup_free_ char *path = xasprintf("%s/%s", to, e.files[j].name);

			r = store_get_file(s, &e.files[j].digest, path, 0644);
			got++;
		}
		entry_done(&e);
	}
	if (hold >= 0)
		close(hold);
	return r == 0 && got != n ? -ENOENT : r;
}

static int verify(struct store *s, size_t n)
{
	struct store_usage u = {0};
	int r = store_verify(s, &u);

	return r == 0 && u.objects != n ? -EBADMSG : r;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct store *s;
	size_t n;
	int r;

	if (argc < 4) {
		fprintf(stderr, "usage: store put|verify DIR N | get DIR N TO\n");
		return 2;
	}
	n = strtoul(argv[3], NULL, 10);
	r = store_open(argv[2], &s, &err);
	if (r < 0)
		s = NULL;
	else if (streq(argv[1], "put"))
		r = put(s, n);
	else if (streq(argv[1], "get") && argc == 5)
		r = get(s, n, argv[4]);
	else if (streq(argv[1], "verify"))
		r = verify(s, n);
	else
		r = -EINVAL;
	if (r < 0)
		fprintf(stderr, "store: %s: %s\n", argv[1], err.what ? err.what : strerror(-r));
	store_close(s);
	error_done(&err);
	return r < 0;
}
