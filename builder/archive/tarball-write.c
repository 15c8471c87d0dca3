/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a tarball in GNU tar's format. Entries are sorted, all files belong to root,
 * and the time of writing is not stored, so that the same content gives the same bytes
 * whoever packs it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/output-file.h"
#include "base/walk.h"
#include "builder/tree/build-inputs.h"
#include "builder/archive/libarchive.h"
#include "builder/archive/tarball-write.h"
#include "builder/archive/unpack.h"

#define BUFFER_BYTES (128 * 1024)
#define FD_DIR "/proc/self/fd"

/* The suffixes that GNU tar knows for its option --auto-compress. */
static const struct {
	const char *suffix;
	int filter;
} compressions[] = {
	{".gz", ARCHIVE_FILTER_GZIP},
	{".tgz", ARCHIVE_FILTER_GZIP},
	{".taz", ARCHIVE_FILTER_GZIP},
	{".xz", ARCHIVE_FILTER_XZ},
	{".txz", ARCHIVE_FILTER_XZ},
	{".zst", ARCHIVE_FILTER_ZSTD},
	{".tzst", ARCHIVE_FILTER_ZSTD},
	{".bz2", ARCHIVE_FILTER_BZIP2},
	{".tbz", ARCHIVE_FILTER_BZIP2},
	{".tbz2", ARCHIVE_FILTER_BZIP2},
	{".tz2", ARCHIVE_FILTER_BZIP2},
	{".lzma", ARCHIVE_FILTER_LZMA},
	{".tlz", ARCHIVE_FILTER_LZMA},
	{".lz", ARCHIVE_FILTER_LZIP},
};

struct writer {
	struct archive *archive;
	const char *path;
	const int *cancelled;
	struct strv *warnings;
	const struct source_date *date;
	time_t default_time; /* of entries that are not on disk */
	char *buffer;        /* BUFFER_BYTES */
	int fd;
	bool failed; /* nothing more is written */
};

/* Writes bytes of the finished archive; libarchive calls it. When an archive is freed,
 * libarchive completes it, which would take long for a large file. So this fails after a
 * failure. */
static la_ssize_t write_bytes(
	struct archive *a, void *userdata, const void *bytes, size_t n)
{
	const struct writer *w = userdata;
	ssize_t written = -1;

	if (w->failed) {
		sym_archive_set_error(a, ECANCELED, "cancelled");
		return -1;
	}
	do
		written = write(w->fd, bytes, n);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		sym_archive_set_error(a, errno, "%s", strerror(errno));
	return written;
}

static int set_write_error(const struct writer *w, struct error *err)
{
	int code = sym_archive_errno(w->archive);

	return error_set(err, code > 0 ? -code : -EIO, 9, "cannot write %s: %s", w->path,
		sym_archive_error_string(w->archive));
}

static int set_read_error(const char *path, int code, struct error *err)
{
	return error_errno(err, code, 6, "cannot read %s", path);
}

/* For what root may not read for others: base/guard.h. */
static int refuse_read(const char *path, struct error *err)
{
	error_set(err, -EPERM, 6,
		"cannot pack %s: others than root decide what is there, and it is neither "
		"readable by all nor the owner's",
		path);
	error_remedy(err, "chmod go+r %s, if others may read it", path);
	return -EPERM;
}

static struct archive_entry *entry_new(
	const struct writer *w, const char *name, mode_t mode, int64_t size, time_t time)
{
	struct archive_entry *entry = sym_archive_entry_new();

	sym_archive_entry_set_pathname(entry, name);
	sym_archive_entry_set_mode(entry, mode);
	sym_archive_entry_set_size(entry, size);
	sym_archive_entry_set_mtime(entry, (time_t)source_date_limit(w->date, time), 0);
	sym_archive_entry_set_uid(entry, 0);
	sym_archive_entry_set_gid(entry, 0);
	sym_archive_entry_set_uname(entry, "root");
	sym_archive_entry_set_gname(entry, "root");
	return entry;
}

static int put_header(struct writer *w, struct archive_entry *entry, struct error *err)
{
	int r = 0;

	/* If a name is not UTF-8, libarchive warns and stores its bytes as they are. */
	if (sym_archive_write_header(w->archive, entry) < ARCHIVE_WARN)
		r = set_write_error(w, err);
	sym_archive_entry_free(entry);
	return r;
}

static int put_dir(struct writer *w, const char *name, time_t time, struct error *err)
{
	return put_header(w, entry_new(w, name, S_IFDIR | 0755, 0, time), err);
}

static int put_text(
	struct writer *w, const char *name, const char *line, struct error *err)
{
	_cleanup_free_ char *text = xasprintf("%s\n", line);
	size_t n = strlen(text);
	int r = put_header(
		w, entry_new(w, name, S_IFREG | 0644, (int64_t)n, w->default_time), err);

	if (r == 0 && sym_archive_write_data(w->archive, text, n) != (ssize_t)n)
		r = set_write_error(w, err);
	return r;
}

static int put_data(
	struct writer *w, int fd, const char *path, int64_t size, struct error *err)
{
	while (size > 0) {
		size_t want = size < BUFFER_BYTES ? (size_t)size : BUFFER_BYTES;
		ssize_t n = read(fd, w->buffer, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return set_read_error(path, -errno, err);
		if (n == 0)
			return error_set(err, -EBUSY, 6,
				"%s became shorter while it was read", path);
		if (sym_archive_write_data(w->archive, w->buffer, (size_t)n) != n)
			return set_write_error(w, err);
		size -= n;
		if (w->cancelled && __atomic_load_n(w->cancelled, __ATOMIC_RELAXED))
			return error_set(err, -ECANCELED, 1, "cancelled");
	}
	return 0;
}

static int put_file(
	struct writer *w, int fd, const char *path, const char *name, struct error *err)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return set_read_error(path, -errno, err);
	r = put_header(w,
		entry_new(w, name, S_IFREG | (st.st_mode & 0777), st.st_size,
			st.st_mtim.tv_sec),
		err);
	return r == 0 ? put_data(w, fd, path, st.st_size, err) : r;
}

/* Puts the symbolic link base of the directory dir into the archive as name. below is
 * its path in the source; a link that leads out of the source gives a warning. */
static int put_link(struct writer *w, int dir, const char *base, const struct stat *st,
	const char *name, const char *below, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, base, target, sizeof(target) - 1);
	struct archive_entry *entry;

	if (n < 0)
		return set_read_error(name, -errno, err);
	target[n] = '\0';
	if (!link_stays_inside(below, target))
		strv_pushf(w->warnings,
			"%s leads out of the source, to %s: ldtarball will "
			"refuse it",
			below, target);
	entry = entry_new(w, name, S_IFLNK | 0777, 0, st->st_mtim.tv_sec);
	sym_archive_entry_set_symlink(entry, target);
	return put_header(w, entry, err);
}

/* Puts an entry of a directory into the archive as name. path names it in errors. Sockets
 * and other special files are left out. */
static int put_entry(struct writer *w, const struct read_guard *guard,
	const struct walk_entry *e, const char *path, const char *name, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st, dir;

	if (e->error)
		return set_read_error(path, e->error, err);
	if (fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return set_read_error(path, -errno, err);
	if (e->type == DT_DIR)
		return put_dir(w, name, st.st_mtim.tv_sec, err);
	if (e->type == DT_LNK)
		return put_link(w, e->parent, e->name, &st, name, e->path, err);
	if (e->type != DT_REG)
		return 0;
	fd = openat(e->parent, e->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || fstat(e->parent, &dir) < 0)
		return set_read_error(path, -errno, err);
	if (!guard_allows(guard, &dir, &st))
		return refuse_read(path, err);
	return put_file(w, fd, path, name, err);
}

/* Whether the entry of what is built is the statement of its provenance, and only root may
 * read that: then it has digests of what only root may read. */
static bool is_private_statement(const struct walk_entry *e)
{
	struct stat st;

	return streq(e->path, "log/provenance.json") &&
	       (fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		       !(st.st_mode & S_IROTH));
}

/* Puts the directory at path into the archive as name, but not leave_out below it, which may
 * be NULL. path itself may be a link to a directory. */
static int put_top_dir(struct writer *w, const char *path, const char *name,
	const char *leave_out, struct error *err)
{
	_cleanup_(walk_done) struct walk walk = {0};
	const struct walk_entry *e;
	struct read_guard guard;
	struct stat st;
	int fd = guard_open(path, O_RDONLY | O_DIRECTORY, &guard);
	int r = fd;

	if (fd >= 0)
		r = fstat(fd, &st) < 0 ? -errno : 0;
	if (fd >= 0 && r < 0)
		close(fd);
	if (r == 0)
		r = walk_begin_at(&walk, fd, WALK_SORTED);
	if (r < 0)
		return r == -EPERM ? refuse_read(path, err) : set_read_error(path, r, err);
	r = put_dir(w, name, st.st_mtim.tv_sec, err);
	while (r == 0 && (e = walk_next(&walk))) {
		_cleanup_free_ char *below = path_join(path, e->path);
		_cleanup_free_ char *below_name = path_join(name, e->path);

		if (leave_out && (streq(e->path, leave_out) || is_private_statement(e)))
			continue;
		r = put_entry(w, &guard, e, below, below_name, err);
	}
	return r;
}

static int put_kernels(
	struct writer *w, const struct tarball_content *c, struct error *err)
{
	const char *last = "";
	int r = put_dir(w, "./dkms_main_tree", w->default_time, err);

	for (size_t i = 0; i < c->kernels->n && r == 0; i++) {
		const struct kernel_name *k = &c->kernels->items[i];
		_cleanup_free_ char *path =
			xasprintf("%s/%s/%s", c->version_dir, k->release, k->arch);
		_cleanup_free_ char *release = path_join("./dkms_main_tree", k->release);
		_cleanup_free_ char *name = path_join(release, k->arch);

		if (!streq(last, k->release))
			r = put_dir(w, release, w->default_time, err);
		if (r == 0)
			r = put_top_dir(w, path, name, BUILD_INPUTS_FILE, err);
		last = k->release;
	}
	return r;
}

static int put_binaries_only(
	struct writer *w, const struct tarball_content *c, struct error *err)
{
	struct read_guard guard;
	struct stat st;
	_cleanup_close_ int fd = guard_open_file(c->conf, &guard, &st);
	int r;

	if (fd == -EPERM)
		return refuse_read(c->conf, err);
	if (fd < 0)
		return set_read_error(c->conf, fd, err);
	r = put_dir(w, "./dkms_binaries_only", w->default_time, err);
	if (r == 0)
		r = put_text(w, "./dkms_binaries_only/PACKAGE_NAME", c->name, err);
	if (r == 0)
		r = put_text(w, "./dkms_binaries_only/PACKAGE_VERSION", c->version, err);
	if (r == 0)
		r = put_file(w, fd, c->conf, "./dkms_binaries_only/dkms.conf", err);
	return r;
}

static int put_content(
	struct writer *w, const struct tarball_content *c, struct error *err)
{
	struct stat st;
	int r;

	if (stat(c->source, &st) == 0)
		w->default_time = st.st_mtim.tv_sec;
	r = put_dir(w, ".", w->default_time, err);
	if (r == 0)
		r = put_kernels(w, c, err);
	if (r == 0 && c->conf)
		r = put_binaries_only(w, c, err);
	else if (r == 0)
		r = put_top_dir(w, c->source, "./dkms_source_tree", NULL, err);
	return r;
}

static int open_archive(struct writer *w, struct error *err)
{
	int filter = ARCHIVE_FILTER_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
		if (has_suffix(w->path, compressions[i].suffix))
			filter = compressions[i].filter;
	/* For a compression that libarchive was built without, it starts a program and
	 * returns a warning. That works too. */
	if (sym_archive_write_add_filter(w->archive, filter) < ARCHIVE_WARN ||
		sym_archive_write_set_format_gnutar(w->archive) != ARCHIVE_OK)
		return set_write_error(w, err);
	if (filter == ARCHIVE_FILTER_GZIP)
		sym_archive_write_set_filter_option(
			w->archive, "gzip", "timestamp", NULL);
	/* The archive is not padded to whole records, which only tapes need. */
	sym_archive_write_set_bytes_in_last_block(w->archive, 1);
	if (sym_archive_write_open(w->archive, w, NULL, write_bytes, NULL) != ARCHIVE_OK)
		return set_write_error(w, err);
	return 0;
}

static int write_archive(
	struct writer *w, const struct tarball_content *c, struct error *err)
{
	int r = open_archive(w, err);

	if (r == 0)
		r = put_content(w, c, err);
	if (r == 0 && sym_archive_write_close(w->archive) != ARCHIVE_OK)
		r = set_write_error(w, err);
	if (r == 0 && fsync(w->fd) < 0)
		r = error_errno(err, -errno, 9, "cannot write %s", w->path);
	w->failed = r < 0;
	return r;
}

/* Refuses to replace anything but a regular file, such as a device, or a link of another
 * user. */
static int check_target(int dir_fd, const char *name, const char *path, struct error *err)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return error_set(err, -EINVAL, 9,
			"cannot write %s: it is not a regular file", path);
	return 0;
}

/* Makes the file to write to. If the file system allows it, the file has no name, so
 * that nothing is left if the process is killed. Otherwise its name is made from the
 * template in name, and *has_name becomes true. Returns a descriptor or a negative
 * errno. */
static int open_temporary(char *name, bool *has_name)
{
	_cleanup_free_ char *dir = path_parent(name);
	int fd = -1;

	if (access(FD_DIR, X_OK) == 0) /* give_final_name() needs it */
		fd = open(*dir ? dir : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0) {
		fd = mkostemp(name, O_CLOEXEC);
		*has_name = fd >= 0;
	}
	return fd < 0 ? -errno : fd;
}

/* Gives the finished file the name target and replaces an older file of that name.
 * temporary is the file's name if *has_name is true, else a template for one. */
static int give_final_name(int fd, char *temporary, bool *has_name, const char *target)
{
	_cleanup_free_ char *from = xasprintf(FD_DIR "/%d", fd);
	int other;

	if (fchmod(fd, 0644) < 0)
		return -errno;
	if (!*has_name) {
		if (linkat(AT_FDCWD, from, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		/* linkat() cannot replace a file but rename() can, so the file first
		 * gets a temporary name. Between unlink() and linkat() that name is free
		 * for a moment. */
		other = mkostemp(temporary, O_CLOEXEC);
		if (other < 0)
			return -errno;
		close(other);
		*has_name = true;
		if (unlink(temporary) < 0 || linkat(AT_FDCWD, from, AT_FDCWD, temporary,
						     AT_SYMLINK_FOLLOW) < 0)
			return -errno;
	}
	return rename(temporary, target) < 0 ? -errno : 0;
}

int tarball_write(const char *path, const struct tarball_content *content,
	const int *cancelled, struct strv *ret_warnings, struct error *err)
{
	_cleanup_free_ char *buffer = xcalloc(BUFFER_BYTES, 1);
	struct writer w = {.path = path,
		.date = &content->date,
		.cancelled = cancelled,
		.warnings = ret_warnings,
		.buffer = buffer};
	_cleanup_free_ char *name = NULL, *target = NULL, *temporary = NULL;
	_cleanup_close_ int dir_fd = output_open_dir(path, &name, err);
	_cleanup_close_ int fd = -1;
	bool has_name = false;
	int r = dir_fd < 0 ? dir_fd : check_target(dir_fd, name, path, err);

	if (r == 0)
		r = libarchive_load(err);
	if (r < 0)
		return r;
	target = output_target(dir_fd, name, path);
	temporary = path_beside(target, ".dkms-XXXXXX");
	fd = open_temporary(temporary, &has_name);
	if (fd < 0)
		return error_errno(err, fd, 9, "cannot write %s", path);
	w.fd = fd;
	w.archive = sym_archive_write_new();
	r = write_archive(&w, content, err);
	sym_archive_write_free(w.archive);
	if (r == 0) {
		r = give_final_name(fd, temporary, &has_name, target);
		if (r < 0)
			error_errno(err, r, 9, "cannot write %s", path);
	}
	if (r < 0 && has_name)
		unlink(temporary);
	return r;
}
