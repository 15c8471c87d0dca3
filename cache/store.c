/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory of a store:
 *
 *   CACHEDIR.TAG           makes backups leave it out (bford.info/cachedir)
 *   v1/                    this format; other versions have directories of their own.
 *                          Mode 0700, so nobody else can read what is in it.
 *     objects/XX/REST      an object, named by the digest of its bytes in hexadecimal,
 *                          of which the first two digits are a directory; mode 0444
 *     entries/XX/REST      an entry (entry.c), named by the digest of its key; its mtime
 *                          is the time of its last use
 *     tmp/                 files that are being written
 *     lock                 mode 0600, locked by flock(2): shared while an entry's objects are put
 *                          or got, exclusive while entries are removed
 *
 * Files get their names by a rename that does not replace anything. Two processes that
 * put the same bytes do not disturb each other: for the second one there is
 * nothing to do. Nothing is synced to disk, because everything is verified when it is
 * read, so the digest shows what a crash of the machine has damaged. Bytes are copied out
 * (or cloned where the file system can) and never hard-linked, because tools change
 * modules in place to strip, sign and compress them, and would change the object. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/lock.h"
#include "cache/damage.h"
#include "cache/libcrypto.h"
#include "cache/store.h"
#include "cache/trust.h"

#define FORMAT "v1"
/* A larger file is not an entry (bytes). */
#define ENTRY_MAX (1024 * 1024)

struct store {
	char *dir; /* DIR/v1 */
	char *objects, *entries, *tmp, *lock;
	bool writable;
	struct damage *list; /* of damaged files */
	/* A damaged object was found. Others may be damaged, too, so from now on objects
	 * that are put replace existing ones. */
	atomic_bool damaged;
};

static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
			  "# This is a cache of dkms. See dkms-cache(8).\n";

/* Makes a directory of the store, if it is missing, and checks that nobody else can write
 * there. */
static int make_dir(const char *dir, struct error *err)
{
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return error_errno(err, -errno, 1, "cannot create %s", dir);
	return trust_check_dir(dir, err);
}

/* Makes the directory that all others are in. Only its owner can enter it: digests tell
 * what is in a file to whoever guesses it, and some are of files that others may not read. */
static int make_private_dir(const char *dir, struct error *err)
{
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return error_errno(err, -errno, 1, "cannot create %s", dir);
	/* Earlier versions of dkms have made it readable. */
	if (lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
		(st.st_mode & 077) && !(st.st_mode & 022))
		(void)chmod(dir, 0700);
	return trust_check_dir(dir, err);
}

/* Each directory is checked before anything is made or opened in it. */
static int make_dirs(struct store *s, const char *dir, struct error *err)
{
	const char *dirs[] = {s->dir, s->objects, s->entries, s->tmp};
	_cleanup_free_ char *tag_path = path_join(dir, "CACHEDIR.TAG");
	int r = path_is_dir(dir) ? 0 : dir_make(dir, err);

	if (r == 0)
		r = trust_check_top(dir, err);
	for (size_t i = 0; i < ARRAY_SIZE(dirs) && r == 0; i++)
		r = i == 0 ? make_private_dir(dirs[i], err) : make_dir(dirs[i], err);
	if (r < 0)
		return r;
	if (!path_exists(tag_path))
		file_write(tag_path, tag, sizeof(tag) - 1, 0644, NULL);
	s->writable = access(s->tmp, W_OK) == 0;
	return 0;
}

int store_open(const char *dir, struct store **ret, struct error *err)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int r;

	s->dir = path_join(dir, FORMAT);
	s->objects = path_join(s->dir, "objects");
	s->entries = path_join(s->dir, "entries");
	s->tmp = path_join(s->dir, "tmp");
	s->lock = path_join(s->dir, "lock");
	s->list = damage_new();
	r = libcrypto_load(err);
	if (r == 0)
		r = make_dirs(s, dir, err);
	if (r < 0) {
		store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	free(s->dir);
	free(s->objects);
	free(s->entries);
	free(s->tmp);
	free(s->lock);
	damage_free(s->list);
	free(s);
}

const char *store_dir(const struct store *s)
{
	return s->dir;
}

struct damage *store_damage(const struct store *s)
{
	return s->list;
}

bool store_is_writable(const struct store *s)
{
	return s->writable;
}

/* A lock belongs to an open file description, so each hold opens the file. */
int store_hold(struct store *s)
{
	return lock_file_within(s->lock, true, STORE_WAIT_S);
}

static char *file_path(const char *dir, const struct digest *digest)
{
	char hex[DIGEST_HEX];

	digest_hex(digest, hex);
	return xasprintf("%s/%.2s/%s", dir, hex, hex + 2);
}

static char *temporary_path(const struct store *s)
{
	static atomic_uint counter;

	return xasprintf(
		"%s/%ld-%u", s->tmp, (long)getpid(), atomic_fetch_add(&counter, 1));
}

static int rename_without_replacing(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* Some file systems do not have the flag, but all that matter have hard links. */
	if (link(from, to) < 0)
		return -errno;
	unlink(from);
	return 0;
}

/* Renames a temporary file to its final name. If that fails, or the name exists already,
 * the temporary file is removed. Returns 0 or a negative errno. */
static int publish(struct store *s, const char *from, const char *to, bool replace)
{
	_cleanup_free_ char *dir = path_parent(to);
	int r = make_dir(dir, NULL);

	if (r == -EPERM || r == -ENOTDIR) {
		damage_add(s->list, dir);
		r = make_dir(dir, NULL);
	}
	if (r < 0)
		; /* the temporary file is removed below */
	else if (replace)
		r = rename(from, to) < 0 ? -errno : 0;
	else
		r = rename_without_replacing(from, to);
	if (r < 0)
		unlink(from);
	return r == -EEXIST ? 0 : r;
}

/* Reads from to its end, computes the digest, and writes the bytes to to unless that is
 * -1. */
static int copy_digest(int from, int to, struct digest *ret, uint64_t *ret_size)
{
	_cleanup_free_ char *buffer = xcalloc(1, 256 * 1024);
	struct digester d;
	uint64_t size = 0;
	int r = 0;

	digester_begin(&d);
	for (;;) {
		ssize_t n = read(from, buffer, 256 * 1024);

		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = -errno;
		else if (to >= 0)
			r = write_all(to, buffer, (size_t)n);
		if (r < 0)
			break;
		digester_add(&d, buffer, (size_t)n);
		size += (uint64_t)n;
	}
	digester_end(&d, r == 0 ? ret : NULL);
	if (r == 0 && ret_size)
		*ret_size = size;
	return r;
}

bool store_has(struct store *s, const struct digest *digest)
{
	_cleanup_free_ char *path = file_path(s->objects, digest);

	return access(path, F_OK) == 0;
}

static int publish_object(struct store *s, const char *from, const struct digest *digest)
{
	_cleanup_free_ char *to = file_path(s->objects, digest);

	return publish(s, from, to, atomic_load(&s->damaged));
}

int store_put_file(
	struct store *s, const char *path, struct digest *ret, uint64_t *ret_size)
{
	_cleanup_close_ int from = file_open(path);

	return from < 0 ? from : store_put_fd(s, from, ret, ret_size);
}

int store_put_fd(struct store *s, int from, struct digest *ret, uint64_t *ret_size)
{
	_cleanup_free_ char *name = temporary_path(s);
	_cleanup_close_ int to = -1;
	struct digest digest;
	uint64_t size;
	int r;

	to = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (to < 0)
		return -errno;
	/* The digest is that of the clone, because the file itself may change meanwhile.
	 */
	if (ioctl(to, FICLONE, from) == 0)
		r = copy_digest(to, -1, &digest, &size);
	else
		r = copy_digest(from, to, &digest, &size);
	if (r < 0)
		unlink(name);
	else
		r = publish_object(s, name, &digest);
	if (r < 0)
		return r;
	*ret = digest;
	*ret_size = size;
	return 0;
}

static int write_temporary(const char *name, const void *bytes, size_t n, mode_t mode)
{
	_cleanup_close_ int fd =
		open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, bytes, n);
	if (r < 0)
		unlink(name);
	return r;
}

int store_put_bytes(
	struct store *s, const void *bytes, size_t n, const struct digest *digest)
{
	_cleanup_free_ char *name = NULL;
	int r;

	if (!atomic_load(&s->damaged) && store_has(s, digest))
		return 0;
	name = temporary_path(s);
	r = write_temporary(name, bytes, n, 0444);
	return r < 0 ? r : publish_object(s, name, digest);
}

/* Whether an error of opening or reading a file means that something else is in its
 * place, or that the disk is damaged. */
static bool is_damage(int r)
{
	return r == -EISDIR || r == -ELOOP || r == -EIO || r == -EBADMSG;
}

static int drop_damaged(struct store *s, const char *path)
{
	damage_add(s->list, path);
	atomic_store(&s->damaged, true);
	return -EBADMSG;
}

/* Files of the store are in one of 256 directories in objects or entries. */
#define DEPTH 1

/* Opens an object. Returns a descriptor or a negative errno: -EBADMSG if it was dropped. */
static int open_object(struct store *s, const struct digest *digest, char **ret_path)
{
	int fd;

	*ret_path = file_path(s->objects, digest);
	fd = trust_open(*ret_path, DEPTH, s->list);
	if (fd == -EBADMSG)
		atomic_store(&s->damaged, true);
	return fd;
}

int store_get_file(
	struct store *s, const struct digest *digest, const char *to, mode_t mode)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int from = open_object(s, digest, &path);
	_cleanup_close_ int fd = -1;
	struct digest got;
	int r;

	if (from < 0)
		return from;
	fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, FICLONE, from) == 0)
		r = copy_digest(fd, -1, &got, NULL);
	else
		r = copy_digest(from, fd, &got, NULL);
	if (is_damage(r) || (r == 0 && !digest_equal(&got, digest)))
		r = drop_damaged(s, path);
	if (r < 0)
		unlink(to);
	return r;
}

int store_get_bytes(struct store *s, const struct digest *digest, struct str *ret)
{
	_cleanup_free_ char *path = file_path(s->objects, digest);
	struct digest got;
	struct str bytes = {0};
	int r = trust_read(path, DEPTH, SIZE_MAX, s->list, &bytes);

	if (r == -EBADMSG)
		atomic_store(&s->damaged, true);
	if (r < 0)
		return r;
	digest_bytes(bytes.data, bytes.len, &got);
	if (!digest_equal(&got, digest)) {
		str_done(&bytes);
		return drop_damaged(s, path);
	}
	*ret = bytes;
	return 0;
}

int store_put_entry(struct store *s, const struct entry *e, bool replace)
{
	_cleanup_free_ char *path = file_path(s->entries, &e->key);
	_cleanup_free_ char *name = temporary_path(s);
	_cleanup_(str_done) struct str text = {0};
	int r;

	entry_write(e, &text);
	r = write_temporary(name, text.data, text.len, 0644);
	return r < 0 ? r : publish(s, name, path, replace);
}

/* Adds what is not to be trusted to damage and removes it, unless that is NULL. */
static int get_entry(struct store *s, const struct digest *key, struct damage *damage,
	struct entry *ret)
{
	_cleanup_free_ char *path = file_path(s->entries, key);
	_cleanup_(str_done) struct str text = {0};
	struct entry e = {0};
	struct stat st;
	int r = trust_read(path, DEPTH, ENTRY_MAX, damage, &text);

	if (r == -ENOENT)
		return 0;
	if (r < 0 && r != -EFBIG)
		return r;
	if (r < 0 || entry_parse(&text, &e) < 0 || !digest_equal(&e.key, key)) {
		entry_done(&e);
		if (damage)
			damage_add(damage, path);
		return -EBADMSG;
	}
	e.used_ns = stat(path, &st) == 0 ? timespec_ns(&st.st_mtim) : 0;
	*ret = e;
	return 1;
}

int store_peek_entry(struct store *s, const struct digest *key, struct entry *ret)
{
	return get_entry(s, key, NULL, ret);
}

int store_get_entry(struct store *s, const struct digest *key, struct entry *ret)
{
	return get_entry(s, key, s->list, ret);
}

void store_drop_entry(struct store *s, const struct digest *key)
{
	_cleanup_free_ char *path = file_path(s->entries, key);

	unlink(path);
}

void store_touch_entry(struct store *s, const struct digest *key)
{
	_cleanup_free_ char *path = file_path(s->entries, key);

	utimensat(AT_FDCWD, path, NULL, 0);
}
