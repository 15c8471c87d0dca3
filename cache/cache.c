/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cache as one run uses it. In the directory of the store (cache/store.c) it has
 * further files: files is the statcache, trees/ has the cached listings of kernels'
 * headers, and counters the counters. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "cache/cache.h"
#include "cache/ccache-dirs.h"
#include "cache/maintenance.h"

struct cache {
	struct store *store;
	struct statcache *stats;
	struct listing_cache *listings;
	char *counters_path;
	uint64_t max;
	pthread_mutex_t lock;     /* protects the members below */
	struct counters counters; /* of this run */
	size_t added;             /* the number of entries that this run has added */
	char *problem;
	bool writes_stopped; /* no more is written */
};

struct cache *cache_open(const char *dir, uint64_t max, struct error *err)
{
	_cleanup_free_ char *stats = NULL, *listings = NULL;
	struct store *store;
	struct cache *c;

	if (store_open(dir, &store, err) < 0)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->store = store;
	c->max = max;
	c->counters_path = path_join(store_dir(store), "counters");
	stats = path_join(store_dir(store), "files");
	c->stats = statcache_open(stats, store_damage(store));
	listings = path_join(store_dir(store), "trees");
	c->listings = listing_cache_open(listings, store_damage(store));
	pthread_mutex_init(&c->lock, NULL);
	if (!store_is_writable(store)) {
		c->writes_stopped = true;
		c->problem = xasprintf("%s cannot be written to", dir);
	}
	return c;
}

/* Applies the limit. Measuring the store is slow, so it is done only if this run has
 * added entries. */
static void apply_limit(struct cache *c)
{
	struct store_usage usage;

	if (c->max)
		ccache_dirs_trim(c->store, c->max / CCACHE_DIRS_SHARE);
	if (c->max && c->added && store_measure(c->store, &usage) == 0 &&
		usage.bytes > c->max)
		/* Leaves a tenth free, so that the next run need not do this again. */
		store_evict(c->store, c->max - c->max / 10, STORE_WAIT_S, &usage);
}

void cache_close(struct cache *c)
{
	const struct counters *n;

	if (!c)
		return;
	n = &c->counters;
	if (store_is_writable(c->store)) {
		statcache_save(c->stats);
		if (n->hits || n->misses || n->stored || n->bad || n->pieces_hits ||
			n->pieces_misses)
			counters_add(c->counters_path, n);
		apply_limit(c);
	}
	statcache_close(c->stats);
	listing_cache_close(c->listings);
	store_close(c->store);
	pthread_mutex_destroy(&c->lock);
	free(c->counters_path);
	free(c->problem);
	free(c);
}

struct store *cache_store(struct cache *c)
{
	return c->store;
}

struct statcache *cache_statcache(struct cache *c)
{
	return c->stats;
}

struct listing_cache *cache_listings(struct cache *c)
{
	return c->listings;
}

void cache_read_counters(struct cache *c, struct counters *ret)
{
	counters_read(c->counters_path, store_damage(c->store), ret);
}

size_t cache_count_added(struct cache *c)
{
	size_t added;

	pthread_mutex_lock(&c->lock);
	added = c->added;
	pthread_mutex_unlock(&c->lock);
	return added;
}

static void count(struct cache *c, int hits, int misses, int bad, int64_t saved_ms)
{
	pthread_mutex_lock(&c->lock);
	c->counters.hits += (uint64_t)hits;
	c->counters.misses += (uint64_t)misses;
	c->counters.bad += (uint64_t)bad;
	c->counters.saved_ms += (uint64_t)saved_ms;
	pthread_mutex_unlock(&c->lock);
}

static void set_problem(struct cache *c, const char *what)
{
	pthread_mutex_lock(&c->lock);
	if (!c->problem && !c->writes_stopped)
		c->problem = xstrdup(what);
	pthread_mutex_unlock(&c->lock);
}

/* Records that the store cannot be written, for the error r, and stops writing to it for
 * the rest of the run. Returns r. */
static int stop_writing(struct cache *c, int r)
{
	_cleanup_free_ char *what = xasprintf(
		"%s cannot be written to: %s", store_dir(c->store), strerror(-r));

	set_problem(c, what);
	pthread_mutex_lock(&c->lock);
	c->writes_stopped = true;
	pthread_mutex_unlock(&c->lock);
	return r;
}

static bool has_stopped_writing(struct cache *c)
{
	bool stopped;

	pthread_mutex_lock(&c->lock);
	stopped = c->writes_stopped;
	pthread_mutex_unlock(&c->lock);
	return stopped;
}

int cache_find(struct cache *c, const struct digest *key, struct entry *ret)
{
	int r = store_get_entry(c->store, key, ret);

	if (r == -EBADMSG)
		count(c, 0, 0, 1, 0);
	return r > 0;
}

void cache_count_lookup(struct cache *c, const struct entry *e)
{
	count(c, e != NULL, e == NULL, 0, e ? (int64_t)e->cost_ms : 0);
}

static const struct cache_file *find_file(
	const struct cache_file *files, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(files[i].name, name))
			return &files[i];
	return NULL;
}

int cache_restore(struct cache *c, const struct entry *e, const struct cache_file *files,
	size_t n, mode_t mode)
{
	_cleanup_close_ int hold = store_hold(c->store);
	int r = 0;

	for (size_t i = 0; i < e->n_files && r == 0; i++) {
		const struct cache_file *file = find_file(files, n, e->files[i].name);

		r = file ? store_get_file(c->store, &e->files[i].digest, file->path, mode)
			 : -EBADMSG;
	}
	if (r == 0) {
		store_touch_entry(c->store, &e->key);
		return 0;
	}
	/* A missing object was removed by another process meanwhile, or is lost. */
	if (r == -EBADMSG || r == -ENOENT) {
		store_drop_entry(c->store, &e->key);
		count(c, -1, 1, 1, -(int64_t)e->cost_ms);
		return -EBADMSG;
	}
	count(c, -1, 1, 0, -(int64_t)e->cost_ms);
	return r;
}

/* A file that others may have written is put into the cache if it has at most this many
 * bytes. */
#define FILE_MAX (UINT64_C(1) << 30)

static int put_file(struct store *s, const struct cache_file *file, struct digest *ret,
	uint64_t *ret_size)
{
	_cleanup_close_ int fd = -1;

	if (!file->beneath)
		return store_put_file(s, file->path, ret, ret_size);
	fd = beneath_open(file->beneath, file->path, FILE_MAX, NULL, NULL);
	return fd < 0 ? fd : store_put_fd(s, fd, ret, ret_size);
}

/* To be called before objects are stored that no entry names yet: none is removed until
 * *ret_hold is closed, if that is a descriptor. Returns 0; -EROFS or -EAGAIN if nothing
 * can be stored now. */
static int begin_writing(struct cache *c, int *ret_hold)
{
	if (has_stopped_writing(c))
		return -EROFS;
	*ret_hold = store_hold(c->store);
	return *ret_hold == -EAGAIN ? -EAGAIN : 0;
}

static int put_files(
	struct cache *c, const struct cache_file *files, size_t n, struct entry *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct digest digest;
		uint64_t size;

		r = put_file(c->store, &files[i], &digest, &size);
		if (r == 0)
			entry_add_file(e, files[i].name, &digest, size);
	}
	return r;
}

int cache_store_more(
	struct cache *c, const struct cache_file *files, size_t n, struct entry *e)
{
	_cleanup_close_ int hold = -1;
	int r = begin_writing(c, &hold);

	if (r < 0)
		return r;
	r = put_files(c, files, n, e);
	return r < 0 ? stop_writing(c, r) : 0;
}

int cache_store_files(struct cache *c, const struct key *key,
	const struct cache_file *files, size_t n, struct entry *e)
{
	_cleanup_close_ int hold = -1;
	int r = begin_writing(c, &hold);

	if (r < 0)
		return r;
	key_digest(key, &e->key);
	for (size_t i = 0; i < key->n_parts && r == 0; i++) {
		const struct key_part *part = &key->parts[i];

		r = store_put_bytes(c->store, part->detail, part->n, &part->digest);
		entry_add_part(e, part->name, &part->digest);
	}
	if (r == 0)
		r = put_files(c, files, n, e);
	return r < 0 ? stop_writing(c, r) : 0;
}

/* Returns whether the objects of the entry's files are still there. Another process may
 * have removed them since cache_store_files(), because no entry named them. */
static bool is_complete(struct cache *c, const struct entry *e)
{
	for (size_t i = 0; i < e->n_files; i++)
		if (!store_has(c->store, &e->files[i].digest))
			return false;
	return true;
}

static int commit(struct cache *c, const struct entry *e, bool replace, bool count)
{
	_cleanup_close_ int hold = store_hold(c->store);
	int r;

	if (hold == -EAGAIN || !is_complete(c, e))
		return 0;
	r = store_put_entry(c->store, e, replace);
	if (r < 0)
		return stop_writing(c, r);
	pthread_mutex_lock(&c->lock);
	c->counters.stored += count;
	c->added++;
	pthread_mutex_unlock(&c->lock);
	return 0;
}

int cache_commit(struct cache *c, const struct entry *e, bool replace)
{
	return commit(c, e, replace, true);
}

int cache_commit_uncounted(struct cache *c, const struct entry *e, bool replace)
{
	return commit(c, e, replace, false);
}

/* Variants of a result. A key has several slots for them. Each slot has a key of its own,
 * which is made of the key and the number of the slot. */

static void slot_digest(const struct digest *key, size_t slot, struct digest *ret)
{
	_cleanup_free_ char *number = xasprintf("slot %zu", slot);
	struct digester d;

	digester_begin(&d);
	digester_add(&d, number, strlen(number) + 1);
	digester_add(&d, key->bytes, DIGEST_SIZE);
	digester_end(&d, ret);
}

/* Compares for sorting: the entry that was used last comes first. */
static int compare_uses(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->used_ns < y->used_ns) - (x->used_ns > y->used_ns);
}

size_t cache_find_variants(struct cache *c, const struct digest *key, struct entry *ret)
{
	size_t n = 0;

	for (size_t slot = 0; slot < CACHE_SLOTS; slot++) {
		struct digest digest;

		slot_digest(key, slot, &digest);
		n += cache_find(c, &digest, &ret[n]) > 0;
	}
	qsort(ret, n, sizeof(*ret), compare_uses);
	return n;
}

/* Removes the entry if r says that it is damaged or lacks an object. */
static void drop_damaged(struct cache *c, const struct entry *e, int r)
{
	if (r != -EBADMSG && r != -ENOENT)
		return;
	store_drop_entry(c->store, &e->key);
	count(c, 0, 0, 1, 0);
}

/* The texts of an entry that this file writes itself. */
#define PIECES "pieces"
#define MANIFEST "manifest"
#define INPUTS "inputs"

static const struct entry_part *find_part(const struct entry *e, const char *name)
{
	for (size_t i = 0; i < e->n_parts; i++)
		if (streq(e->parts[i].name, name))
			return &e->parts[i];
	return NULL;
}

int cache_get_text(
	struct cache *c, const struct entry *e, const char *name, struct str *ret)
{
	const struct entry_part *part = find_part(e, name);
	int r = part ? store_get_bytes(c->store, &part->digest, ret) : -ENOENT;

	if (part && r < 0)
		drop_damaged(c, e, r);
	return part && r == -ENOENT ? -EBADMSG : r;
}

int cache_store_text(
	struct cache *c, const char *name, const struct str *text, struct entry *e)
{
	_cleanup_close_ int hold = -1;
	struct digest digest;
	int r = begin_writing(c, &hold);

	if (r < 0)
		return r;
	digest_bytes(text->data, text->len, &digest);
	r = store_put_bytes(c->store, text->data, text->len, &digest);
	if (r < 0)
		return stop_writing(c, r);
	entry_add_part(e, name, &digest);
	return 0;
}

static int get_manifest(
	struct cache *c, const struct entry *e, const char *name, struct manifest *ret)
{
	_cleanup_(str_done) struct str text = {0};
	int r = cache_get_text(c, e, name, &text);

	if (r < 0)
		return r;
	r = manifest_parse(text.data ? text.data : "", text.len, ret);
	if (r < 0)
		drop_damaged(c, e, r);
	return r;
}

int cache_get_manifest(struct cache *c, const struct entry *e, struct manifest *ret)
{
	return get_manifest(c, e, MANIFEST, ret);
}

int cache_get_inputs(struct cache *c, const struct entry *e, struct manifest *ret)
{
	return get_manifest(c, e, INPUTS, ret);
}

int cache_store_manifest(struct cache *c, const struct manifest *m, struct entry *e)
{
	_cleanup_(str_done) struct str text = {0}, input_text = {0};
	struct manifest compared = {.items = m->items}, inputs;
	int r;

	while (compared.n < m->n && m->items[compared.n].kind != MANIFEST_INPUT)
		compared.n++;
	inputs = (struct manifest){m->items + compared.n, m->n - compared.n};
	r = manifest_write(&compared, &text);
	if (r == 0)
		r = manifest_write(&inputs, &input_text);
	if (r == 0)
		r = cache_store_text(c, MANIFEST, &text, e);
	return r < 0 ? r : cache_store_text(c, INPUTS, &input_text, e);
}

void cache_make_variant(struct cache *c, const struct digest *key, struct entry *e)
{
	const struct entry_part *own = find_part(e, MANIFEST);
	int64_t oldest = INT64_MAX;

	for (size_t slot = 0; slot < CACHE_SLOTS; slot++) {
		struct entry there = {0};
		const struct entry_part *its;
		struct digest digest;

		slot_digest(key, slot, &digest);
		if (store_get_entry(c->store, &digest, &there) <= 0) {
			if (oldest >= 0) {
				e->key = digest;
				e->replaces = false;
			}
			return;
		}
		its = find_part(&there, MANIFEST);
		if (own && its && digest_equal(&own->digest, &its->digest))
			there.used_ns = -1; /* a forced build of the same */
		if (there.used_ns < oldest) {
			oldest = there.used_ns;
			e->key = digest;
			e->replaces = true;
		}
		entry_done(&there);
	}
}

/* Results in pieces. */

size_t cache_find_pieces(struct cache *c, const struct key *key, struct entry *ret)
{
	struct digest digest;

	key_digest(key, &digest);
	return cache_find_variants(c, &digest, ret);
}

int cache_get_pieces(struct cache *c, const struct entry *e, struct pieces *ret)
{
	_cleanup_(str_done) struct str text = {0};
	int r = cache_get_text(c, e, PIECES, &text);

	if (r < 0)
		return r;
	r = pieces_parse(text.data ? text.data : "", ret);
	if (r < 0)
		drop_damaged(c, e, r);
	return r;
}

int cache_restore_piece(struct cache *c, const struct entry *e,
	const struct cache_file *files, size_t n, mode_t mode)
{
	_cleanup_close_ int hold = store_hold(c->store);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct entry_file *file = entry_file(e, files[i].name);

		r = file ? store_get_file(c->store, &file->digest, files[i].path, mode)
			 : -EBADMSG;
	}
	if (r < 0)
		drop_damaged(c, e, r);
	return r;
}

int cache_store_pieces(struct cache *c, const struct key *key, const struct pieces *p,
	const struct cache_file *files, size_t n, struct entry *e)
{
	_cleanup_(str_done) struct str text = {0};
	struct digest whole;
	int r = cache_store_files(c, key, files, n, e);

	if (r < 0)
		return r;
	whole = e->key;
	pieces_write(p, &text);
	r = cache_store_text(c, PIECES, &text, e);
	cache_make_variant(c, &whole, e);
	return r;
}

int cache_commit_pieces(struct cache *c, const struct entry *e)
{
	return commit(c, e, e->replaces, false);
}

void cache_count_pieces(struct cache *c, const struct entry *e, size_t used, size_t made,
	int64_t saved_ms)
{
	if (used)
		store_touch_entry(c->store, &e->key);
	pthread_mutex_lock(&c->lock);
	c->counters.pieces_hits += used;
	c->counters.pieces_misses += made;
	c->counters.saved_ms += saved_ms > 0 ? (uint64_t)saved_ms : 0;
	pthread_mutex_unlock(&c->lock);
}

char *cache_take_problem(struct cache *c)
{
	char *problem;

	pthread_mutex_lock(&c->lock);
	problem = TAKE_PTR(c->problem);
	pthread_mutex_unlock(&c->lock);
	return problem ? problem : cache_describe_damage(c);
}

char *cache_describe_damage(struct cache *c)
{
	struct counters unused;

	/* A run reads the counters only when it adds to them, after this. */
	cache_read_counters(c, &unused);
	return damage_describe(store_damage(c->store));
}

int cache_verify(struct cache *c, struct store_usage *ret, size_t *ret_others)
{
	struct counters unused;
	int r = store_verify(c->store, ret);

	if (r < 0)
		return r;
	*ret_others = statcache_verify(c->stats) + listing_cache_verify(c->listings);
	if (counters_read(c->counters_path, store_damage(c->store), &unused))
		++*ret_others;
	return 0;
}
