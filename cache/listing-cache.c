/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has anything changed in a large directory?
 *
 * The time of a directory tells whether names in it have changed, but not whether a file has;
 * so each file is asked for its own, as git does: with 9,000 files some 15 ms of a processor,
 * which several share. All else that a listing costs is saved. Kept is, for each directory, a
 * file named by the digest of its path, numbers in the machine's own order:
 *
 *   struct header
 *   struct record   for the directory itself and each file, link and directory in it
 *   paths           of these, each with a NUL: the directory's own, then those below it
 *   text            the listing, with a NUL
 *
 * The header has a digest of the records and paths, and one of the text, which is looked at
 * only when the text is needed. Anything else is as good as no file.
 *
 * The rules of statcache.c about times hold here as well: nothing is kept when a file changed
 * so shortly before it was read that it may do so again unseen, or on a network file system;
 * nor when a part of the tree is on another file system, or cannot be read. */
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

struct tree {
	char *path, *markers;
	char *kept; /* the file that it is kept in */
	struct str text;      /* of a tree that was read */
	struct digest digest; /* of the text */
	void *map;	      /* of a tree that was kept; NULL: read */
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

struct trees {
	char *dir;
	struct statcache *stats; /* for what has to be listed again */
};

struct trees *trees_open(const char *dir)
{
	struct trees *t = xcalloc(1, sizeof(*t));
	_cleanup_free_ char *files = path_join(dir, "files");

	t->dir = xstrdup(dir);
	t->stats = statcache_open(files);
	return t;
}

void trees_close(struct trees *t)
{
	if (!t)
		return;
	statcache_save(t->stats);
	statcache_close(t->stats);
	free(t->dir);
	free(t);
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	if (tree->map)
		munmap(tree->map, tree->map_size);
	else
		str_done(&tree->text);
	str_done(&tree->made);
	str_done(&tree->made_paths);
	free(tree->path);
	free(tree->markers);
	free(tree->kept);
	free(tree);
}

const char *tree_path(const struct tree *tree)
{
	return tree->path;
}

const struct digest *tree_digest(const struct tree *tree)
{
	return &tree->digest;
}

struct str tree_text(struct tree *tree)
{
	struct digest digest;

	if (!tree->text_is_good) {
		digest_bytes(tree->text.data, tree->text.len, &digest);
		tree->text_is_good = digest_equal(&digest, &tree->digest);
		if (!tree->text_is_good)
			unlink(tree->kept);
	}
	return tree->text_is_good ? tree->text : (struct str){0};
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
	const struct tree *tree;
	int fd;
	atomic_bool differs;
};

static bool is_unchanged(const struct tree *tree, int fd, const struct record *record)
{
	struct record now = {0};
	struct stat st;

	if (fstatat(fd, tree->paths + record->path, &st,
		    record->follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return record->follow && !record->mode && errno != ENOMEM;
	if (record->follow && !S_ISREG(st.st_mode))
		return !record->mode;
	now = make_record(&st);
	return st.st_dev == tree->dev && is_same(&now, record);
}

static void compare_piece(void *arg, _unused_ size_t thread, size_t piece)
{
	struct comparison *c = arg;
	size_t i = piece * RECORDS_PER_PIECE, end = i + RECORDS_PER_PIECE;

	for (; i < end && i < c->tree->n && !atomic_load(&c->differs); i++)
		if (!is_unchanged(c->tree, c->fd, &c->tree->records[i]))
			atomic_store(&c->differs, true);
}

static bool matches(const struct tree *tree)
{
	_cleanup_close_ int fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct comparison c = {.tree = tree, .fd = fd};

	if (fd < 0)
		return false;
	parallel_for((tree->n + RECORDS_PER_PIECE - 1) / RECORDS_PER_PIECE,
		parallel_threads(tree->n, RECORDS_PER_THREAD), compare_piece, &c);
	return !atomic_load(&c.differs);
}

/* What is kept */

static struct tree *new_tree(const struct trees *t, const char *path, const char *markers)
{
	_cleanup_free_ char *name = xasprintf("%s %s", path, markers);
	struct tree *tree = xcalloc(1, sizeof(*tree));
	struct digest digest;
	char hex[DIGEST_HEX];

	digest_bytes(name, strlen(name), &digest);
	digest_hex(&digest, hex);
	tree->path = xstrdup(path);
	tree->markers = xstrdup(markers);
	tree->kept = path_join(t->dir, hex);
	return tree;
}

/* The map is what a file of ours must be; fills in what is in there. */
static bool read_map(struct tree *tree)
{
	const struct header *h = tree->map;
	size_t left = tree->map_size - sizeof(*h), head;
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
	tree->records = (const struct record *)(h + 1);
	tree->n = h->n;
	tree->paths = (const char *)(tree->records + tree->n);
	tree->text.data = (char *)tree->map + sizeof(*h) + head;
	tree->text.len = h->text_size;
	if (tree->text.data[tree->text.len] || tree->text.data[-1])
		return false;
	tree->digest = h->text;
	tree->dev = h->dev;
	tree->is_told = true;
	return true;
}

static bool load(struct tree *tree)
{
	_cleanup_close_ int fd = open(tree->kept, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(struct header))
		return false;
	tree->map_size = (size_t)st.st_size;
	tree->map = mmap(NULL, tree->map_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (tree->map == MAP_FAILED)
		tree->map = NULL;
	else if (read_map(tree) && matches(tree))
		return true;
	if (tree->map)
		munmap(tree->map, tree->map_size);
	*tree = (struct tree){.path = tree->path, .markers = tree->markers, .kept = tree->kept};
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
static void sweep(const struct trees *t)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(t->dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(t->dir, names.items[i]);

		if (strlen(names.items[i]) == DIGEST_HEX - 1 && is_stale(path))
			unlink(path);
	}
}

static void save(const struct trees *t, const struct tree *tree)
{
	_cleanup_(str_done) struct str bytes = {0};
	struct header h = {.version = FILE_VERSION,
		.record_size = sizeof(struct record), .n = tree->n,
		.paths_size = tree->made_paths.len, .text_size = tree->text.len,
		.dev = tree->dev, .text = tree->digest};

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	str_add_bytes(&bytes, &h, sizeof(h));
	str_add_bytes(&bytes, tree->made.data, tree->made.len);
	str_add_bytes(&bytes, tree->made_paths.data, tree->made_paths.len);
	digest_bytes(bytes.data + sizeof(h), bytes.len - sizeof(h), &h.digest);
	memcpy(bytes.data, &h, sizeof(h));
	str_add_bytes(&bytes, tree->text.data, tree->text.len + 1);
	if (dir_make(t->dir, NULL) < 0)
		return;
	sweep(t);
	file_write(tree->kept, bytes.data, bytes.len, 0644, NULL);
}

/* Reading */

struct reading {
	struct tree *tree;
	struct timespec began;
};

static void see(void *userdata, enum listing_sight sight, const char *dir, const char *name,
	const struct stat *st)
{
	struct reading *r = userdata;
	struct tree *tree = r->tree;
	const char *below = dir + strlen(tree->path);
	struct record record = {0};

	below += *below == '/';
	if (st)
		record = make_record(st);
	record.path = (uint32_t)tree->made_paths.len;
	record.follow = sight == LISTING_TARGET || sight == LISTING_NO_TARGET;
	str_add_bytes(&tree->made, &record, sizeof(record));
	str_addf(&tree->made_paths, "%s%s%s", below, *below && *name ? "/" : "",
		*below || *name ? name : tree->path);
	str_add_bytes(&tree->made_paths, "", 1);
	if (tree->n++ == 0)
		tree->dev = st->st_dev;
	if (sight == LISTING_UNREADABLE ||
		(st && (st->st_dev != tree->dev || !stat_is_settled(st, &r->began))))
		tree->is_told = false;
}

static int read_tree(struct trees *t, struct tree *tree)
{
	struct reading reading = {.tree = tree};
	struct listing_observer observer = {see, &reading};
	_cleanup_close_ int fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	clock_gettime(CLOCK_REALTIME, &reading.began);
	tree->is_told = fd >= 0 && stat_is_local(fd);
	r = listing_add_tree(t->stats, tree->path, tree->path, tree->markers, &observer,
		&tree->text);
	if (r < 0)
		return r;
	str_add_bytes(&tree->text, "", 0);
	digest_bytes(tree->text.data, tree->text.len, &tree->digest);
	tree->text_is_good = true;
	tree->records = (const struct record *)tree->made.data;
	tree->paths = tree->made_paths.data;
	return 0;
}

int trees_get(struct trees *t, const char *path, const char *markers, struct tree **ret)
{
	struct tree *tree = new_tree(t, path, markers);
	int r;

	if (!load(tree)) {
		r = read_tree(t, tree);
		if (r < 0) {
			tree_free(tree);
			return r;
		}
		if (tree->is_told)
			save(t, tree);
	}
	*ret = tree;
	return 0;
}

bool trees_is_unchanged(struct trees *t, const struct tree *tree)
{
	struct tree *now;
	bool same;

	if (tree->is_told && matches(tree))
		return true;
	now = new_tree(t, tree->path, tree->markers);
	same = read_tree(t, now) == 0 && digest_equal(&now->digest, &tree->digest);
	tree_free(now);
	return same;
}
