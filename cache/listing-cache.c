/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has anything changed in a large directory?
 *
 * The time of a directory tells whether names in it have changed, but not whether a file
 * has; so each file is asked for its own, as git does: with 9,000 files some 15 ms of a
 * processor, which several share. All else that a listing costs is saved. Kept is, for
 * each directory, a file named by the digest of its path, numbers in the machine's own
 * order:
 *
 *   struct header
 *   struct record   for the directory itself and each file, link and directory in it
 *   paths           of these, each with a NUL: the directory's own, then those below it
 *   text            the listing, with a NUL
 *
 * The header has a digest of the records and paths, and one of the text, which is looked
 * at only when the text is needed. Anything else is as good as no file.
 *
 * The rules of statcache.c about times hold here as well: nothing is kept when a file
 * changed so shortly before it was read that it may do so again unseen, or on a network
 * file system; nor when a part of the listing is on another file system, or cannot be
 * read. */
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
#include "cache/listing.h"
#include "cache/listing-cache.h"

#define MAGIC "dkmstree"
#define FILE_VERSION 1
/* A thread is worth it for so many records. */
#define RECORDS_PER_THREAD 1500
#define RECORDS_PER_PIECE 500

struct header {
	char magic[8];
	uint32_t version, record_size;
	uint64_t n, paths_size, text_size; /* bytes */
	uint64_t dev;
	struct digest digest; /* of what is between header and text */
	struct digest text;
};

/* What stat said; of a link once for itself, and, if it does not lead to a directory, once for
 * the file that it leads to. */
struct record {
	uint64_t ino, size;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode; /* 0: it leads to nothing, or to no regular file */
	uint32_t path; /* where in paths */
	uint32_t follow;
	uint32_t zero;
};

struct cached_listing {
	char *path, *markers;
	char *kept; /* the file that it is kept in */
	struct str text;      /* of a listing that was read */
	struct digest digest; /* of the text */
	void *map;            /* of a listing that was kept; NULL: read */
	size_t map_size;
	/* In the map, or in made. */
	const struct record *records;
	size_t n;
	const char *paths;
	size_t paths_size;
	uint64_t dev;
	struct str made, made_paths;
	bool is_told; /* the records tell when it changes */
	bool text_is_good;
};

struct listing_cache {
	char *dir;
	struct statcache *stats; /* for what has to be listed again */
};

struct listing_cache *listing_cache_open(const char *dir)
{
	struct listing_cache *t = xcalloc(1, sizeof(*t));
	_cleanup_free_ char *files = path_join(dir, "files");

	t->dir = xstrdup(dir);
	t->stats = statcache_open(files);
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
	str_done(&listing->made);
	str_done(&listing->made_paths);
	free(listing->path);
	free(listing->markers);
	free(listing->kept);
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

struct str cached_listing_text(struct cached_listing *listing)
{
	struct digest digest;

	if (!listing->text_is_good) {
		digest_bytes(listing->text.data, listing->text.len, &digest);
		listing->text_is_good = digest_equal(&digest, &listing->digest);
		if (!listing->text_is_good)
			unlink(listing->kept);
	}
	return listing->text_is_good ? listing->text : (struct str){0};
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

/* Comparing */

struct comparison {
	const struct cached_listing *listing;
	int fd;
	atomic_bool differs;
};

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

static void compare_piece(void *arg, _unused_ size_t thread, size_t piece)
{
	struct comparison *c = arg;
	size_t i = piece * RECORDS_PER_PIECE, end = i + RECORDS_PER_PIECE;

	for (; i < end && i < c->listing->n && !atomic_load(&c->differs); i++)
		if (!is_unchanged(c->listing, c->fd, &c->listing->records[i]))
			atomic_store(&c->differs, true);
}

static bool matches(const struct cached_listing *listing)
{
	_cleanup_close_ int fd = open(listing->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct comparison c = {.listing = listing, .fd = fd};

	if (fd < 0)
		return false;
	parallel_for((listing->n + RECORDS_PER_PIECE - 1) / RECORDS_PER_PIECE,
		parallel_threads(listing->n, RECORDS_PER_THREAD), compare_piece, &c);
	return !atomic_load(&c.differs);
}

/* What is kept */

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
	listing->kept = path_join(t->dir, hex);
	return listing;
}

/* The map is what a file of ours must be; fills in what is in there. */
static bool read_map(struct cached_listing *listing)
{
	const struct header *h = listing->map;
	size_t left = listing->map_size - sizeof(*h), head;
	struct digest digest;

	if (memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0 || h->version != FILE_VERSION ||
		h->record_size != sizeof(struct record) || h->n > left / sizeof(struct record))
		return false;
	head = h->n * sizeof(struct record);
	if (h->paths_size > left - head || !h->paths_size ||
		h->text_size + 1 != left - head - h->paths_size)
		return false;
	head += h->paths_size;
	digest_bytes(h + 1, head, &digest);
	if (!digest_equal(&digest, &h->digest))
		return false;
	listing->records = (const struct record *)(h + 1);
	listing->n = h->n;
	listing->paths = (const char *)(listing->records + listing->n);
	listing->text.data = (char *)listing->map + sizeof(*h) + head;
	listing->text.len = h->text_size;
	if (listing->text.data[listing->text.len] || listing->text.data[-1])
		return false;
	listing->digest = h->text;
	listing->dev = h->dev;
	listing->is_told = true;
	return true;
}

static bool load(struct cached_listing *listing)
{
	_cleanup_close_ int fd = open(listing->kept, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(struct header))
		return false;
	listing->map_size = (size_t)st.st_size;
	listing->map = mmap(NULL, listing->map_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (listing->map == MAP_FAILED)
		listing->map = NULL;
	else if (read_map(listing) && matches(listing))
		return true;
	if (listing->map)
		munmap(listing->map, listing->map_size);
	*listing = (struct cached_listing){.path = listing->path,
		.markers = listing->markers,
		.kept = listing->kept};
	return false;
}

/* The file tells of a directory that is gone. */
static bool is_stale(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct header h;
	char dir[PATH_MAX + 1] = "";

	if (fd < 0 || pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
		h.version != FILE_VERSION)
		return true;
	return pread(fd, dir, sizeof(dir) - 1,
		       (off_t)(sizeof(h) + h.n * sizeof(struct record))) <= 0 ||
	       !path_is_dir(dir);
}

/* Kernels come and go. */
static void sweep(const struct listing_cache *t)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(t->dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(t->dir, names.items[i]);

		if (strlen(names.items[i]) == DIGEST_HEX - 1 && is_stale(path))
			unlink(path);
	}
}

static void save(const struct listing_cache *t, const struct cached_listing *listing)
{
	_cleanup_(str_done) struct str bytes = {0};
	struct header h = {.version = FILE_VERSION,
		.record_size = sizeof(struct record),
		.n = listing->n,
		.paths_size = listing->made_paths.len,
		.text_size = listing->text.len,
		.dev = listing->dev,
		.text = listing->digest};

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	str_add_bytes(&bytes, &h, sizeof(h));
	str_add_bytes(&bytes, listing->made.data, listing->made.len);
	str_add_bytes(&bytes, listing->made_paths.data, listing->made_paths.len);
	digest_bytes(bytes.data + sizeof(h), bytes.len - sizeof(h), &h.digest);
	memcpy(bytes.data, &h, sizeof(h));
	str_add_bytes(&bytes, listing->text.data, listing->text.len + 1);
	if (dir_make(t->dir, NULL) < 0)
		return;
	sweep(t);
	file_write(listing->kept, bytes.data, bytes.len, 0644, NULL);
}

/* Reading */

struct reading {
	struct cached_listing *listing;
	struct timespec began;
};

static void on_event(void *userdata, enum listing_event event, const char *path,
	const struct stat *st)
{
	struct reading *r = userdata;
	struct cached_listing *listing = r->listing;
	struct record record = {0};

	if (st)
		record = make_record(st);
	record.path = (uint32_t)listing->made_paths.len;
	record.follow = event == LISTING_TARGET || event == LISTING_NO_TARGET;
	str_add_bytes(&listing->made, &record, sizeof(record));
	if (!*path)
		path = listing->path;
	str_add_bytes(&listing->made_paths, path, strlen(path) + 1);
	if (listing->n++ == 0)
		listing->dev = st->st_dev;
	if (event == LISTING_UNREADABLE ||
		(st && (st->st_dev != listing->dev || !stat_is_settled(st, &r->began))))
		listing->is_told = false;
}

static int read_listing(struct listing_cache *t, struct cached_listing *listing)
{
	struct reading reading = {.listing = listing};
	struct listing_observer observer = {on_event, &reading};
	_cleanup_close_ int fd = open(listing->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	clock_gettime(CLOCK_REALTIME, &reading.began);
	listing->is_told = fd >= 0 && stat_is_local(fd);
	r = listing_add_tree(t->stats, listing->path, listing->path, listing->markers,
		&observer, &listing->text);
	if (r < 0)
		return r;
	str_add_bytes(&listing->text, "", 0);
	digest_bytes(listing->text.data, listing->text.len, &listing->digest);
	listing->text_is_good = true;
	listing->records = (const struct record *)listing->made.data;
	listing->paths = listing->made_paths.data;
	return 0;
}

int listing_cache_get(struct listing_cache *t, const char *path, const char *markers,
	struct cached_listing **ret)
{
	struct cached_listing *listing = new_listing(t, path, markers);
	int r;

	if (!load(listing)) {
		r = read_listing(t, listing);
		if (r < 0) {
			cached_listing_free(listing);
			return r;
		}
		if (listing->is_told)
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

	if (listing->is_told && matches(listing))
		return true;
	now = new_listing(t, listing->path, listing->markers);
	same = read_listing(t, now) == 0 && digest_equal(&now->digest, &listing->digest);
	cached_listing_free(now);
	return same;
}
