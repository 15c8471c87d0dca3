/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of the file, with numbers in the byte order of the machine, because the file
 * is about this machine only:
 *
 *   struct header   "dkmsstat", the version, the size of a record, the number of records,
 *                   and the digest of the bytes that follow
 *   struct record   any number, sorted by inode and device
 *
 * The file is mapped and searched in place. A file of an earlier version counts as
 * missing; one with any other content is damaged. It is replaced by rename.
 *
 * A file that changes after it was read must not match its record. Each change sets the
 * ctime, but to the file system's clock, which advances in steps: two changes in the same
 * step leave the same ctime, and the first of them may be the one that was read. git
 * calls such a record racy. Therefore a digest is kept only if the last change was more
 * than RACY_NS before the reading began, and not in the future. A later change then has
 * another ctime, unless the clock was set back to that very nanosecond. Network file
 * systems have clocks of their own, so files on them are read each time. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/file.h"
#include "cache/statcache.h"
#include "cache/trust.h"

#define MAGIC "dkmsstat"
#define FILE_VERSION 1
/* The file system with the coarsest clock is FAT (2 s). */
#define RACY_NS 2000000000LL
/* Files without content can have any size, and reading them takes as long (bytes). */
#define FILE_MAX (INT64_C(4) << 30)
/* Files in /proc say that they are empty, and some, such as pagemap, have hundreds of
 * gigabytes. A link in a package may lead there. So no more than this is read beyond the
 * size of a file (bytes). */
#define BEYOND_SIZE_MAX (16 * 1024 * 1024)
/* If there are more records than this, those that this run did not use are dropped. It is
 * enough for the headers of about 40 kernels (30 MiB). */
#define RECORDS_MAX 400000

struct header {
	char magic[8];
	uint32_t version, record_size;
	uint64_t n;
	struct digest digest;
};

struct record {
	uint64_t ino, dev, size;
	int64_t mtime_ns, ctime_ns;
	struct digest digest;
};

struct statcache {
	pthread_mutex_t lock;
	char *path;
	struct damage *damage;
	bool loaded;
	void *map; /* of the file; NULL if there is none */
	size_t map_size;
	const struct record *saved; /* the records in map */
	size_t n_saved;
	unsigned char *used; /* 1 for each saved record that this run has used */
	/* The records of files that this run has read: a hash table with open addressing,
	 * in which a free slot has ino 0. */
	struct record *new_records;
	size_t n_new, room;
	/* Whether the file systems of devices are local. */
	struct {
		uint64_t dev;
		bool local;
	} devices[16];
	size_t n_devices;
	struct statcache_counts counts;
};

static int compare_records(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (x->dev > y->dev) - (x->dev < y->dev);
}

/* Returns whether the mapped file is undamaged. */
static bool is_good(const struct statcache *c)
{
	const struct header *h = c->map;
	size_t size = c->map_size - sizeof(*h);
	struct digest digest;

	if (memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0 ||
		h->version != FILE_VERSION || h->record_size != sizeof(struct record) ||
		h->n != size / sizeof(struct record) || size % sizeof(struct record) != 0)
		return false;
	digest_bytes(h + 1, size, &digest);
	return digest_equal(&digest, &h->digest);
}

/* Maps the file, unless it is missing or of an earlier version. Removes a damaged file.
 */
static void map_file(struct statcache *c)
{
	_cleanup_close_ int fd = trust_open(c->path, 1, c->damage);
	const struct header *h;
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(*h)) {
		damage_add(c->damage, c->path);
		return;
	}
	c->map_size = (size_t)st.st_size;
	c->map = mmap(NULL, c->map_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (c->map == MAP_FAILED) {
		c->map = NULL;
		return;
	}
	h = c->map;
	if (is_good(c)) {
		c->saved = (const struct record *)(h + 1);
		c->n_saved = h->n;
		c->used = xcalloc(c->n_saved + 1, 1);
		return;
	}
	if (!h->version || h->version >= FILE_VERSION)
		damage_add(c->damage, c->path);
	munmap(c->map, c->map_size);
	c->map = NULL;
}

/* Maps the file if that has not been done. The caller holds the lock. */
static void load(struct statcache *c)
{
	if (!c->loaded && c->path)
		map_file(c);
	c->loaded = true;
}

struct statcache *statcache_open(const char *path, struct damage *damage)
{
	struct statcache *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	c->path = xstrdup(path);
	c->damage = damage;
	return c;
}

void statcache_close(struct statcache *c)
{
	if (!c)
		return;
	if (c->map)
		munmap(c->map, c->map_size);
	pthread_mutex_destroy(&c->lock);
	free(c->path);
	free(c->used);
	free(c->new_records);
	free(c);
}

/* Returns the slot for a file in a table, which must have a free slot. */
static struct record *find_slot(
	struct record *table, size_t room, const struct record *wanted)
{
	size_t at = (wanted->ino * 0x9E3779B97F4A7C15u + wanted->dev) % room;

	while (table[at].ino && compare_records(&table[at], wanted) != 0)
		at = (at + 1) % room;
	return &table[at];
}

static void add_record(struct statcache *c, const struct record *record)
{
	struct record *place;

	if (4 * (c->n_new + 1) > 3 * c->room) {
		size_t room = c->room ? 2 * c->room : 1024;
		struct record *table = xcalloc(room, sizeof(*table));

		for (size_t i = 0; i < c->room; i++)
			if (c->new_records[i].ino)
				*find_slot(table, room, &c->new_records[i]) =
					c->new_records[i];
		free(c->new_records);
		c->new_records = table;
		c->room = room;
	}
	place = find_slot(c->new_records, c->room, record);
	if (!place->ino)
		c->n_new++;
	*place = *record;
}

static bool is_same(const struct record *a, const struct record *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns;
}

/* Finds the digest for the stat data in wanted. The caller holds the lock. */
static bool look_up(struct statcache *c, const struct record *wanted, struct digest *ret)
{
	const struct record *found = NULL;

	load(c);
	if (c->room) {
		found = find_slot(c->new_records, c->room, wanted);
		if (!found->ino)
			found = NULL;
	}
	if (!found && c->n_saved) {
		found = bsearch(
			wanted, c->saved, c->n_saved, sizeof(*c->saved), compare_records);
		if (found)
			c->used[found - c->saved] = 1;
	}
	if (!found || !is_same(found, wanted))
		return false;
	*ret = found->digest;
	c->counts.known++;
	return true;
}

bool stat_is_local(int fd)
{
	static const unsigned int remote[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,
		0xFF534D42 /* cifs */, 0xFE534D42 /* smb2 */, 0x65735546 /* fuse */,
		V9FS_MAGIC, AFS_SUPER_MAGIC, CODA_SUPER_MAGIC, 0x00C36400 /* ceph */};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(remote); i++)
		if ((unsigned int)fs.f_type == remote[i])
			return false;
	return true;
}

/* Returns whether the file system of the device is local. fd is open on a file on it. The
 * caller holds the lock. */
static bool is_local(struct statcache *c, uint64_t dev, int fd)
{
	bool local;

	for (size_t i = 0; i < c->n_devices; i++)
		if (c->devices[i].dev == dev)
			return c->devices[i].local;
	local = stat_is_local(fd);
	if (c->n_devices < ARRAY_SIZE(c->devices)) {
		c->devices[c->n_devices].dev = dev;
		c->devices[c->n_devices++].local = local;
	}
	return local;
}

bool stat_is_settled(const struct stat *st, const struct timespec *now)
{
	int64_t limit = timespec_ns(now) - RACY_NS;

	return timespec_ns(&st->st_ctim) < limit && timespec_ns(&st->st_mtim) < limit;
}

static struct record make_record(const struct stat *st)
{
	return (struct record){
		.ino = st->st_ino,
		.dev = st->st_dev,
		.size = (uint64_t)st->st_size,
		.mtime_ns = timespec_ns(&st->st_mtim),
		.ctime_ns = timespec_ns(&st->st_ctim),
	};
}

int statcache_digest(struct statcache *c, int dir, const char *name,
	const struct stat *st, struct digest *ret)
{
	struct record before = make_record(st), after;
	_cleanup_close_ int fd = -1;
	struct timespec now;
	struct stat opened;
	bool found;
	int r;

	pthread_mutex_lock(&c->lock);
	found = look_up(c, &before, ret);
	pthread_mutex_unlock(&c->lock);
	if (found)
		return 0;

	clock_gettime(CLOCK_REALTIME, &now);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &opened) < 0)
		return -errno;
	if (!S_ISREG(opened.st_mode))
		return -EINVAL;
	if (opened.st_size > FILE_MAX)
		return -EFBIG;
	before = make_record(&opened);
	r = digest_fd(fd, (uint64_t)opened.st_size + BEYOND_SIZE_MAX, ret);
	if (r < 0)
		return r;
	if (fstat(fd, &opened) < 0)
		return -errno;
	after = make_record(&opened);
	before.digest = *ret;

	pthread_mutex_lock(&c->lock);
	c->counts.read++;
	if (before.ino && is_same(&before, &after) && stat_is_settled(&opened, &now) &&
		is_local(c, before.dev, fd))
		add_record(c, &before);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

struct statcache_counts statcache_counts(struct statcache *c)
{
	struct statcache_counts counts;

	pthread_mutex_lock(&c->lock);
	counts = c->counts;
	pthread_mutex_unlock(&c->lock);
	return counts;
}

/* Writes the header and all records that are kept to ret. */
static void collect(struct statcache *c, struct str *ret)
{
	bool all = c->n_saved + c->n_new <= RECORDS_MAX;
	struct header h = {.version = FILE_VERSION, .record_size = sizeof(struct record)};
	struct record *records = xcalloc(c->n_saved + c->n_new, sizeof(*records));
	size_t n = 0;

	for (size_t i = 0; i < c->room; i++)
		if (c->new_records[i].ino)
			records[n++] = c->new_records[i];
	for (size_t i = 0; i < c->n_saved; i++)
		if ((all || c->used[i]) &&
			!find_slot(c->new_records, c->room, &c->saved[i])->ino)
			records[n++] = c->saved[i];
	qsort(records, n, sizeof(*records), compare_records);
	memcpy(h.magic, MAGIC, sizeof(h.magic));
	h.n = n;
	digest_bytes(records, n * sizeof(*records), &h.digest);
	str_add_bytes(ret, &h, sizeof(h));
	str_add_bytes(ret, records, n * sizeof(*records));
	free(records);
}

int statcache_save(struct statcache *c)
{
	_cleanup_(str_done) struct str bytes = {0};

	if (!c->n_new || !c->path)
		return 0;
	load(c);
	collect(c, &bytes);
	return file_write(c->path, bytes.data, bytes.len, 0644, NULL);
}

size_t statcache_verify(struct statcache *c)
{
	bool good;

	pthread_mutex_lock(&c->lock);
	load(c);
	good = c->map;
	pthread_mutex_unlock(&c->lock);
	return good;
}
