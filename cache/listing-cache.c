/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps listings of large directories from one run to the next.
 *
 * The mtime of a directory tells whether names in it have changed, but not whether a file
 * has changed. So each file is checked by its stat data, as git does. For 9,000 files
 * that takes about 15 ms of CPU time, which is shared between several threads; all other
 * work for the listing is saved. Each listing is saved in a file of its own, which is
 * named by the digest of the directory's path and the markers. Numbers are in the byte
 * order of the machine:
 *
 *   struct header
 *   struct record   for the directory itself and each file, link and directory in it
 *   paths           the path of each record with a NUL: first that of the directory, then
 *                   paths relative to it
 *   text            the listing, with a NUL
 *
 * The header has a digest of itself, the records and the paths, and one of the text. A
 * file of an earlier version counts as missing; one with any other content is damaged.
 *
 * The rules of statcache.c about times apply here, too: a listing is not saved if a file
 * was changed so shortly before it was read that another change might not show in its
 * times, or if the directory is on a network file system. It is not saved either if a
 * part of the directory is on another file system or cannot be read. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/parallel.h"
#include "base/walk.h"
#include "cache/damage.h"
#include "cache/listing-cache.h"
#include "cache/listing.h"
#include "cache/trust.h"

#define MAGIC "dkmstree"
#define FILE_VERSION 2
/* A thread is started for so many records. */
#define RECORDS_PER_THREAD 1500
#define RECORDS_PER_RANGE 500
/* A thread is started for so many files that are read. */
#define FILES_PER_THREAD 200

struct header {
	char magic[8];
	uint32_t version, record_size;
	uint64_t n, paths_size, text_size; /* bytes */
	uint64_t dev;
	struct digest text;   /* of the text */
	struct digest digest; /* of the header, with zeros here, the records and paths */
};

/* What stat(2) said about a file or directory. A link has a record for itself and, unless
 * it cannot be read, another one for its target. */
struct record {
	uint64_t ino, size;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode;   /* 0: the target is missing or no regular file */
	uint32_t path;   /* the position of its path in the paths */
	uint32_t follow; /* 1: the record is about the target of the link */
	uint32_t zero;
};

struct cached_listing {
	char *path, *markers;
	char *file;           /* that the listing is saved in */
	struct digest digest; /* of the text */
	void *map;            /* of the file, for a saved listing; NULL for a new one */
	size_t map_size;
	/* These point into the map, or to new_records and new_paths. */
	const struct record *records;
	size_t n;
	const char *paths;
	size_t paths_size;
	uint64_t dev; /* the device that all files are on */
	struct str new_records, new_paths;
	struct str text;   /* in the map, or allocated for a new listing */
	bool is_checkable; /* every change of the directory shows in the records */
};

struct listing_cache {
	char *dir;
	struct statcache *stats; /* for making new listings */
	struct damage *damage;
};

struct listing_cache *listing_cache_open(const char *dir, struct damage *damage)
{
	struct listing_cache *t = xcalloc(1, sizeof(*t));
	_cleanup_free_ char *files = path_join(dir, "files");

	t->dir = xstrdup(dir);
	t->stats = statcache_open(files, damage);
	t->damage = damage;
	return t;
}

void listing_cache_close(struct listing_cache *t)
{
	if (!t)
		return;
	statcache_save(t->stats);
	statcache_close(t->stats);
	free(t->dir);
	free(t);
}

void cached_listing_free(struct cached_listing *listing)
{
	if (!listing)
		return;
	if (listing->map)
		munmap(listing->map, listing->map_size);
	else
		str_done(&listing->text);
	str_done(&listing->new_records);
	str_done(&listing->new_paths);
	free(listing->path);
	free(listing->markers);
	free(listing->file);
	free(listing);
}

const char *cached_listing_path(const struct cached_listing *listing)
{
	return listing->path;
}

const struct digest *cached_listing_digest(const struct cached_listing *listing)
{
	return &listing->digest;
}

struct str cached_listing_text(const struct cached_listing *listing)
{
	return listing->text;
}

static struct record make_record(const struct stat *st)
{
	return (struct record){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = timespec_ns(&st->st_mtim),
		.ctime_ns = timespec_ns(&st->st_ctim),
		.mode = st->st_mode,
	};
}

static bool is_same(const struct record *a, const struct record *b)
{
	return a->ino == b->ino && a->size == b->size && a->mode == b->mode &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

struct comparison {
	const struct cached_listing *listing;
	int fd;
	atomic_bool differs;
};

/* Returns whether stat(2) says the same now as in the record. fd is open on the
 * directory. */
static bool is_unchanged(
	const struct cached_listing *listing, int fd, const struct record *record)
{
	struct record now = {0};
	struct stat st;

	if (fstatat(fd, listing->paths + record->path, &st,
		    record->follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return record->follow && !record->mode && errno != ENOMEM;
	if (record->follow && !S_ISREG(st.st_mode))
		return !record->mode;
	now = make_record(&st);
	return st.st_dev == listing->dev && is_same(&now, record);
}

static void compare_range(void *arg, _unused_ size_t thread, size_t range)
{
	struct comparison *c = arg;
	size_t i = range * RECORDS_PER_RANGE, end = i + RECORDS_PER_RANGE;

	for (; i < end && i < c->listing->n && !atomic_load(&c->differs); i++)
		if (!is_unchanged(c->listing, c->fd, &c->listing->records[i]))
			atomic_store(&c->differs, true);
}

/* Returns whether all records agree with what stat(2) says now. */
static bool is_current(const struct cached_listing *listing)
{
	_cleanup_close_ int fd = open(listing->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct comparison c = {.listing = listing, .fd = fd};

	if (fd < 0)
		return false;
	parallel_for((listing->n + RECORDS_PER_RANGE - 1) / RECORDS_PER_RANGE,
		parallel_threads(listing->n, RECORDS_PER_THREAD), compare_range, &c);
	return !atomic_load(&c.differs);
}

static struct cached_listing *new_listing(
	const struct listing_cache *t, const char *path, const char *markers)
{
	_cleanup_free_ char *name = xasprintf("%s %s", path, markers);
	struct cached_listing *listing = xcalloc(1, sizeof(*listing));
	struct digest digest;
	char hex[DIGEST_HEX];

	digest_bytes(name, strlen(name), &digest);
	digest_hex(&digest, hex);
	listing->path = xstrdup(path);
	listing->markers = xstrdup(markers);
	listing->file = path_join(t->dir, hex);
	return listing;
}

/* Computes the digest of a header and the n bytes that follow it. */
static void digest_head(
	const struct header *h, const void *rest, size_t n, struct digest *ret)
{
	struct header copy = *h;
	struct digester d;

	memset(&copy.digest, 0, sizeof(copy.digest));
	digester_begin(&d);
	digester_add(&d, &copy, sizeof(copy));
	digester_add(&d, rest, n);
	digester_end(&d, ret);
}

/* Fills in what is in the map of the file. Returns false if the file is damaged. */
static bool parse_map(struct cached_listing *listing)
{
	const struct header *h = listing->map;
	size_t left = listing->map_size - sizeof(*h), head;
	struct digest digest;

	if (memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0 ||
		h->version != FILE_VERSION || h->record_size != sizeof(struct record) ||
		!h->n || h->n > left / sizeof(struct record))
		return false;
	head = h->n * sizeof(struct record);
	if (h->paths_size > left - head || !h->paths_size ||
		h->text_size + 1 != left - head - h->paths_size)
		return false;
	head += h->paths_size;
	digest_head(h, h + 1, head, &digest);
	if (!digest_equal(&digest, &h->digest))
		return false;
	listing->records = (const struct record *)(h + 1);
	listing->n = h->n;
	listing->paths = (const char *)(listing->records + listing->n);
	listing->text.data = (char *)listing->map + sizeof(*h) + head;
	listing->text.len = h->text_size;
	digest_bytes(listing->text.data, listing->text.len, &digest);
	if (listing->text.data[listing->text.len] || listing->text.data[-1] ||
		!digest_equal(&digest, &h->text))
		return false;
	listing->digest = h->text;
	listing->dev = h->dev;
	listing->is_checkable = true;
	return true;
}

enum file_state {
	FILE_GOOD,
	FILE_MISSING, /* or of an earlier version, or it cannot be read, or was removed */
	FILE_DAMAGED,
};

/* Maps the file of the listing, whose path is set, and fills in what is in it. */
static enum file_state map_file(struct cached_listing *listing, struct damage *damage)
{
	_cleanup_close_ int fd = trust_open(listing->file, 1, damage);
	const struct header *h;
	struct stat st;

	if (fd < 0)
		return FILE_MISSING;
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(*h))
		return FILE_DAMAGED;
	listing->map_size = (size_t)st.st_size;
	listing->map = mmap(NULL, listing->map_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (listing->map == MAP_FAILED) {
		listing->map = NULL;
		return FILE_MISSING;
	}
	if (parse_map(listing))
		return FILE_GOOD;
	h = listing->map;
	return h->version && h->version < FILE_VERSION ? FILE_MISSING : FILE_DAMAGED;
}

/* Fills in the saved listing. Returns false if there is none, or it is damaged or not
 * current. */
static bool load(const struct listing_cache *t, struct cached_listing *listing)
{
	enum file_state state = map_file(listing, t->damage);

	if (state == FILE_DAMAGED)
		damage_add(t->damage, listing->file);
	/* A file that was renamed has the listing of another directory. */
	if (state == FILE_GOOD && streq(listing->paths, listing->path) &&
		is_current(listing))
		return true;
	if (listing->map)
		munmap(listing->map, listing->map_size);
	*listing = (struct cached_listing){.path = listing->path,
		.markers = listing->markers,
		.file = listing->file};
	return false;
}

/* Returns whether the file at path has the listing of a directory that is gone, or
 * another format. */
static bool is_stale(const char *path)
{
	_cleanup_close_ int fd = trust_open(path, 1, NULL);
	struct header h;
	char dir[PATH_MAX + 1] = "";

	if (fd < 0 || pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
		h.version != FILE_VERSION)
		return true;
	return pread(fd, dir, sizeof(dir) - 1,
		       (off_t)(sizeof(h) + h.n * sizeof(struct record))) <= 0 ||
	       !path_is_dir(dir);
}

/* Removes the listings of kernels that have been removed. */
static void remove_stale_files(const struct listing_cache *t)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(t->dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(t->dir, names.items[i]);

		if (strlen(names.items[i]) == DIGEST_HEX - 1 && is_stale(path))
			unlink(path);
	}
}

/* Saves the listing. Failures are ignored. */
static void save(const struct listing_cache *t, const struct cached_listing *listing)
{
	_cleanup_(str_done) struct str bytes = {0};
	struct header h = {.version = FILE_VERSION,
		.record_size = sizeof(struct record),
		.n = listing->n,
		.paths_size = listing->new_paths.len,
		.text_size = listing->text.len,
		.dev = listing->dev,
		.text = listing->digest};

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	str_add_bytes(&bytes, &h, sizeof(h));
	str_add_bytes(&bytes, listing->new_records.data, listing->new_records.len);
	str_add_bytes(&bytes, listing->new_paths.data, listing->new_paths.len);
	digest_head(&h, bytes.data + sizeof(h), bytes.len - sizeof(h), &h.digest);
	memcpy(bytes.data, &h, sizeof(h));
	str_add_bytes(&bytes, listing->text.data, listing->text.len + 1);
	if (dir_make(t->dir, NULL) < 0 || trust_check_dir(t->dir, NULL) < 0)
		return;
	remove_stale_files(t);
	file_write(listing->file, bytes.data, bytes.len, 0644, NULL);
}

/* A new listing that is being made. */
struct reading {
	struct cached_listing *listing;
	struct timespec began; /* when it was begun */
};

/* Adds a record for what listing_add_tree() has looked at. */
static void on_event(
	void *userdata, enum listing_event event, const char *path, const struct stat *st)
{
	struct reading *r = userdata;
	struct cached_listing *listing = r->listing;
	struct record record = {0};

	if (st)
		record = make_record(st);
	record.path = (uint32_t)listing->new_paths.len;
	record.follow = event == LISTING_TARGET || event == LISTING_NO_TARGET;
	str_add_bytes(&listing->new_records, &record, sizeof(record));
	if (!*path)
		path = listing->path;
	str_add_bytes(&listing->new_paths, path, strlen(path) + 1);
	if (listing->n++ == 0)
		listing->dev = st->st_dev;
	if (event == LISTING_UNREADABLE ||
		(st && (st->st_dev != listing->dev || !stat_is_settled(st, &r->began))))
		listing->is_checkable = false;
}

/* Reading files ahead: a new listing of a kernel's headers needs the digests of 9,000 files,
 * which several threads find out before the listing is written. */

struct read_ahead {
	struct statcache *stats;
	int fd;		   /* the directory */
	struct strv paths; /* of files in it */
	struct timespec began;
};

static void read_nth(void *arg, _unused_ size_t thread, size_t i)
{
	struct read_ahead *a = arg;
	struct digest digest;
	struct stat st;

	/* The digest of a file that has just changed is not kept. */
	if (fstatat(a->fd, a->paths.items[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode) && stat_is_settled(&st, &a->began))
		(void)statcache_digest(a->stats, a->fd, a->paths.items[i], &st, &digest);
}

/* Lets the statcache know the files in the listing's directory that fd is open on, as far as
 * they can be read. */
static void read_ahead(
	struct listing_cache *t, const struct cached_listing *listing, int fd)
{
	struct read_ahead a = {.stats = t->stats, .fd = fd};
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	size_t threads;

	if (parallel_count_cpus() < 2 || walk_begin(&w, listing->path, 0) < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &a.began);
	while ((e = walk_next(&w)))
		if (e->type == DT_REG && !listing_is_marker(listing->path, listing->markers, e))
			strv_push(&a.paths, e->path);
	threads = parallel_threads(a.paths.n, FILES_PER_THREAD);
	if (threads > 1)
		parallel_for(a.paths.n, threads, read_nth, &a);
	strv_done(&a.paths);
}

static int make_listing(struct listing_cache *t, struct cached_listing *listing)
{
	struct reading reading = {.listing = listing};
	struct listing_observer observer = {on_event, &reading};
	_cleanup_close_ int fd = open(listing->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	clock_gettime(CLOCK_REALTIME, &reading.began);
	listing->is_checkable = fd >= 0 && stat_is_local(fd);
	if (listing->is_checkable)
		read_ahead(t, listing, fd);
	r = listing_add_tree(t->stats, listing->path, listing->path, listing->markers,
		&observer, &listing->text);
	if (r < 0)
		return r;
	str_add_bytes(&listing->text, "", 0);
	digest_bytes(listing->text.data, listing->text.len, &listing->digest);
	listing->records = (const struct record *)listing->new_records.data;
	listing->paths = listing->new_paths.data;
	return 0;
}

int listing_cache_get(struct listing_cache *t, const char *path, const char *markers,
	struct cached_listing **ret)
{
	struct cached_listing *listing = new_listing(t, path, markers);
	int r;

	if (!load(t, listing)) {
		r = make_listing(t, listing);
		if (r < 0) {
			cached_listing_free(listing);
			return r;
		}
		if (listing->is_checkable)
			save(t, listing);
	}
	*ret = listing;
	return 0;
}

bool listing_cache_is_unchanged(
	struct listing_cache *t, const struct cached_listing *listing)
{
	struct cached_listing *now;
	bool same;

	if (listing->is_checkable && is_current(listing))
		return true;
	now = new_listing(t, listing->path, listing->markers);
	same = make_listing(t, now) == 0 && digest_equal(&now->digest, &listing->digest);
	cached_listing_free(now);
	return same;
}

size_t listing_cache_verify(const struct listing_cache *t)
{
	_cleanup_(strv_done) struct strv names = {0};
	size_t n = 0;

	dir_list(t->dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		struct cached_listing *listing;
		enum file_state state;

		if (strlen(names.items[i]) != DIGEST_HEX - 1)
			continue;
		listing = xcalloc(1, sizeof(*listing));
		listing->file = path_join(t->dir, names.items[i]);
		state = map_file(listing, t->damage);
		n += state == FILE_GOOD;
		if (state == FILE_DAMAGED)
			damage_add(t->damage, listing->file);
		cached_listing_free(listing);
	}
	return n + statcache_verify(t->stats);
}
