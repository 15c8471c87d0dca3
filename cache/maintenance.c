/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists, measures, shrinks and verifies a store. */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/lock.h"
#include "cache/damage.h"
#include "cache/maintenance.h"
#include "cache/trust.h"

#define VERIFY_WAIT_S 3600

/* A file in objects/ or entries/. */
struct item {
	struct digest digest; /* that it is named by */
	uint64_t size;        /* bytes */
	bool needed;          /* of an object: an entry that stays names it */
};

struct items {
	struct item *items;
	size_t n, room;
};

static int compare_items(const void *a, const void *b)
{
	return memcmp(((const struct item *)a)->digest.bytes,
		((const struct item *)b)->digest.bytes, DIGEST_SIZE);
}

/* Adds the file dir/PREFIX/NAME to the items. Returns false if it has another kind of
 * name than the files of a store, or is no regular file. */
static bool add_item(
	struct items *items, const char *path, const char *prefix, const char *name)
{
	_cleanup_free_ char *hex = xasprintf("%s%s", prefix, name);
	struct item item = {0};
	struct stat st;

	if (strlen(prefix) != 2 || strlen(hex) != DIGEST_HEX - 1 ||
		!digest_parse(hex, &item.digest))
		return false;
	if (lstat(path, &st) < 0)
		return true; /* it has just been removed */
	if (!S_ISREG(st.st_mode))
		return false;
	item.size = (uint64_t)st.st_size;
	if (items->n == items->room) {
		items->room = items->room ? 2 * items->room : 256;
		items->items =
			xrealloc_array(items->items, items->room, sizeof(*items->items));
	}
	items->items[items->n++] = item;
	return true;
}

/* Lists the files dir/XX/REST, sorted. Appends the paths of all others, which do not
 * belong to the store, to strays, unless that is NULL. */
static int list_items(const char *dir, struct strv *strays, struct items *ret)
{
	_cleanup_(strv_done) struct strv prefixes = {0};
	int r = dir_list(dir, &prefixes);

	for (size_t i = 0; i < prefixes.n && r == 0; i++) {
		_cleanup_free_ char *sub = path_join(dir, prefixes.items[i]);
		_cleanup_(strv_done) struct strv names = {0};

		r = trust_check_dir(sub, NULL);
		if (r == 0)
			r = dir_list(sub, &names);
		if ((r == -ENOTDIR || r == -EPERM) && strays)
			strv_push(strays, sub);
		if (r == -ENOTDIR || r == -EPERM || r == -ENOENT)
			r = 0;
		for (size_t j = 0; j < names.n; j++) {
			_cleanup_free_ char *path = path_join(sub, names.items[j]);

			if (!add_item(ret, path, prefixes.items[i], names.items[j]) &&
				strays)
				strv_push(strays, path);
		}
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_items);
	return r;
}

static void items_done(struct items *i)
{
	free(i->items);
}

static char *item_path(const char *dir, const struct digest *digest)
{
	char hex[DIGEST_HEX];

	digest_hex(digest, hex);
	return xasprintf("%s/%.2s/%s", dir, hex, hex + 2);
}

static struct item *find_item(struct items *items, const struct digest *digest)
{
	struct item wanted = {.digest = *digest};

	return items->n ? bsearch(&wanted, items->items, items->n, sizeof(wanted),
				  compare_items)
			: NULL;
}

static int list_entries(struct store *s,
	int (*get)(struct store *s, const struct digest *key, struct entry *ret),
	struct entry **ret, size_t *ret_n)
{
	_cleanup_free_ char *dir = path_join(store_dir(s), "entries");
	_cleanup_(items_done) struct items items = {0};
	struct entry *entries;
	size_t n = 0;
	int r = list_items(dir, NULL, &items);

	if (r < 0)
		return r;
	entries = xcalloc(items.n, sizeof(*entries));
	for (size_t i = 0; i < items.n; i++) {
		int got = get(s, &items.items[i].digest, &entries[n]);

		n += got > 0;
		if (got < 0 && got != -EBADMSG)
			r = got;
	}
	*ret = entries;
	*ret_n = n;
	return r;
}

int store_list_entries(struct store *s, struct entry **ret, size_t *ret_n)
{
	int r;

	*ret = NULL;
	*ret_n = 0;
	r = list_entries(s, store_peek_entry, ret, ret_n);
	return *ret ? 0 : r;
}

static void entries_free(struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		entry_done(&entries[i]);
	free(entries);
}

int store_measure(struct store *s, struct store_usage *ret)
{
	static const char *const dirs[] = {"entries", "objects"};
	struct store_usage usage = {0};
	int r = 0;

	for (size_t d = 0; d < ARRAY_SIZE(dirs) && r == 0; d++) {
		_cleanup_free_ char *dir = path_join(store_dir(s), dirs[d]);
		_cleanup_(items_done) struct items items = {0};

		r = list_items(dir, NULL, &items);
		for (size_t i = 0; i < items.n; i++)
			usage.bytes += items.items[i].size;
		*(d ? &usage.objects : &usage.entries) = items.n;
	}
	if (r == 0)
		*ret = usage;
	return r;
}

/* Locks the store, so that nobody holds it (store_hold). Returns the descriptor of the
 * lock or a negative errno: -EAGAIN if somebody still holds it after wait_s seconds. */
static int lock_exclusively(struct store *s, unsigned int wait_s)
{
	_cleanup_free_ char *path = path_join(store_dir(s), "lock");

	return lock_file_within(path, false, wait_s);
}

/* Orders entries by their last use, the latest first. */
static int compare_last_use(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->used_ns != y->used_ns)
		return x->used_ns < y->used_ns ? 1 : -1;
	if (x->made_s != y->made_s)
		return x->made_s < y->made_s ? 1 : -1;
	return memcmp(x->key.bytes, y->key.bytes, DIGEST_SIZE);
}

/* Returns the size in bytes of the object, 0 if it is missing or marked as needed. Marks
 * it if mark is set. */
static uint64_t count_object(
	struct items *objects, const struct digest *digest, bool mark)
{
	struct item *item = find_item(objects, digest);

	if (!item || item->needed)
		return 0;
	item->needed = mark;
	return item->size;
}

/* Returns the size in bytes of the entry's objects that are not marked as needed yet.
 * Marks them if mark is set. */
static uint64_t count_objects(struct items *objects, const struct entry *e, bool mark)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < e->n_files; i++)
		bytes += count_object(objects, &e->files[i].digest, mark);
	for (size_t i = 0; i < e->n_parts; i++)
		bytes += count_object(objects, &e->parts[i].digest, mark);
	return bytes;
}

static uint64_t entry_size(const struct entry *e)
{
	_cleanup_(str_done) struct str text = {0};

	entry_write(e, &text);
	return text.len;
}

/* Goes through the entries, the most recently used first, and keeps them while they fit
 * into max bytes with their objects. Removes the first that does not fit and all others.
 */
static void evict_entries(struct store *s, struct entry *entries, size_t n,
	struct items *objects, uint64_t max, struct store_usage *usage)
{
	bool full = false;

	if (n)
		qsort(entries, n, sizeof(*entries), compare_last_use);
	for (size_t i = 0; i < n; i++) {
		uint64_t own = entry_size(&entries[i]);
		uint64_t size = own + count_objects(objects, &entries[i], false);

		if (full || usage->bytes + size > max) {
			full = true;
			store_drop_entry(s, &entries[i].key);
			usage->removed++;
			usage->freed += own;
			continue;
		}
		count_objects(objects, &entries[i], true);
		usage->bytes += size;
		usage->entries++;
	}
}

int store_evict(
	struct store *s, uint64_t max, unsigned int wait_s, struct store_usage *ret)
{
	_cleanup_free_ char *objects_dir = path_join(store_dir(s), "objects");
	_cleanup_free_ char *tmp = path_join(store_dir(s), "tmp");
	_cleanup_(items_done) struct items objects = {0};
	_cleanup_(strv_done) struct strv leftovers = {0}, strays = {0};
	_cleanup_close_ int lock = lock_exclusively(s, wait_s);
	struct store_usage usage = {0};
	struct entry *entries = NULL;
	size_t n = 0;
	int r;

	if (lock < 0)
		return lock;
	/* Nobody is writing now: processes that died have left these files behind. */
	dir_list(tmp, &leftovers);
	for (size_t i = 0; i < leftovers.n; i++) {
		_cleanup_free_ char *path = path_join(tmp, leftovers.items[i]);

		dir_remove(path, NULL);
	}
	r = list_entries(s, store_get_entry, &entries, &n);
	if (r == 0)
		r = list_items(objects_dir, &strays, &objects);
	for (size_t i = 0; i < strays.n; i++)
		dir_remove(strays.items[i], NULL);
	if (r == 0) {
		evict_entries(s, entries, n, &objects, max, &usage);
		for (size_t i = 0; i < objects.n; i++) {
			_cleanup_free_ char *path =
				item_path(objects_dir, &objects.items[i].digest);

			if (objects.items[i].needed)
				usage.objects++;
			else if (unlink(path) == 0)
				usage.freed += objects.items[i].size;
		}
		*ret = usage;
	}
	entries_free(entries, n);
	return r;
}

static void note_unreadable(
	struct store *s, const char *dir, const struct digest *digest, int r)
{
	_cleanup_free_ char *path = item_path(dir, digest);
	_cleanup_free_ char *what = xasprintf("cannot be read: %s", strerror(-r));

	damage_note(store_damage(s), path, what);
}

static void verify_objects(struct store *s, const char *dir, struct items *objects,
	struct store_usage *usage)
{
	for (size_t i = 0; i < objects->n; i++) {
		struct item *item = &objects->items[i];
		_cleanup_(str_done) struct str bytes = {0};
		int r = store_get_bytes(s, &item->digest, &bytes);

		item->needed = r != -EBADMSG && r != -ENOENT; /* here: it stays */
		usage->objects += r == 0;
		usage->bytes += r == 0 ? item->size : 0;
		if (r < 0 && item->needed)
			note_unreadable(s, dir, &item->digest, r);
	}
}

static bool is_there(struct items *objects, const struct digest *digest)
{
	const struct item *item = find_item(objects, digest);

	return item && item->needed;
}

static void verify_entry(struct store *s, const char *dir, const struct digest *key,
	struct items *objects, struct store_usage *usage)
{
	struct entry e = {0};
	bool complete = true;
	int r = store_get_entry(s, key, &e);

	if (r < 0 && r != -EBADMSG)
		note_unreadable(s, dir, key, r);
	if (r <= 0)
		return;
	for (size_t i = 0; i < e.n_files; i++)
		complete = complete && is_there(objects, &e.files[i].digest);
	for (size_t i = 0; i < e.n_parts; i++)
		complete = complete && is_there(objects, &e.parts[i].digest);
	if (complete) {
		usage->entries++;
		usage->bytes += entry_size(&e);
	} else {
		_cleanup_free_ char *path = item_path(dir, key);
		_cleanup_free_ char *what = xasprintf("(%s) lacks an object", e.title);

		damage_add_other(store_damage(s), path, what);
	}
	entry_done(&e);
}

int store_verify(struct store *s, struct store_usage *ret)
{
	_cleanup_free_ char *objects_dir = path_join(store_dir(s), "objects");
	_cleanup_free_ char *entries_dir = path_join(store_dir(s), "entries");
	_cleanup_(items_done) struct items objects = {0}, entries = {0};
	_cleanup_(strv_done) struct strv strays = {0};
	_cleanup_close_ int lock = lock_exclusively(s, VERIFY_WAIT_S);
	struct store_usage usage = {0};
	int r;

	/* Without the right to write, nothing can be locked, and nothing is removed. */
	if (lock < 0 && lock != -EACCES && lock != -EROFS)
		return lock;
	r = list_items(objects_dir, &strays, &objects);
	if (r == 0)
		r = list_items(entries_dir, &strays, &entries);
	if (r < 0)
		return r;
	for (size_t i = 0; i < strays.n; i++)
		damage_add_other(
			store_damage(s), strays.items[i], "does not belong to the cache");
	verify_objects(s, objects_dir, &objects, &usage);
	for (size_t i = 0; i < entries.n; i++)
		verify_entry(s, entries_dir, &entries.items[i].digest, &objects, &usage);
	*ret = usage;
	return 0;
}
