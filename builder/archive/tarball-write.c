/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a tarball: GNU tar's format, sorted, all files root's, no time of writing, so
 * that the same content gives the same bytes whoever packs it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/archive/libarchive.h"
#include "builder/archive/tarball-write.h"
#include "builder/archive/unpack.h"

#define BUFFER_BYTES (128 * 1024)
#define FD_DIR "/proc/self/fd"

/* The names that GNU tar knows. */
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
	time_t time; /* of directories that are nowhere on disk */
	char *buffer;
	int fd;
	bool failed; /* nothing more need be written */
};

/* Gets the finished bytes. To free an archive of libarchive is to complete it, which
 * would take long for a large file; so nothing is taken any more after a failure. */
static la_ssize_t on_bytes(struct archive *a, void *userdata, const void *bytes, size_t n)
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

static int cannot_write(const struct writer *w, struct error *err)
{
	int code = sym_archive_errno(w->archive);

	return error_set(err, code > 0 ? -code : -EIO, 9, "cannot write %s: %s", w->path,
		sym_archive_error_string(w->archive));
}

static int cannot_read(const char *path, int code, struct error *err)
{
	return error_errno(err, code, 6, "cannot read %s", path);
}

static struct archive_entry *entry_new(
	const char *name, mode_t mode, int64_t size, time_t time)
{
	struct archive_entry *entry = sym_archive_entry_new();

	sym_archive_entry_set_pathname(entry, name);
	sym_archive_entry_set_mode(entry, mode);
	sym_archive_entry_set_size(entry, size);
	sym_archive_entry_set_mtime(entry, time, 0);
	sym_archive_entry_set_uid(entry, 0);
	sym_archive_entry_set_gid(entry, 0);
	sym_archive_entry_set_uname(entry, "root");
	sym_archive_entry_set_gname(entry, "root");
	return entry;
}

static int put_header(struct writer *w, struct archive_entry *entry, struct error *err)
{
	int r = 0;

	/* It warns when a name is not UTF-8, and writes the bytes as they are. */
	if (sym_archive_write_header(w->archive, entry) < ARCHIVE_WARN)
		r = cannot_write(w, err);
	sym_archive_entry_free(entry);
	return r;
}

static int put_dir(struct writer *w, const char *name, time_t time, struct error *err)
{
	return put_header(w, entry_new(name, S_IFDIR | 0755, 0, time), err);
}

static int put_text(
	struct writer *w, const char *name, const char *line, struct error *err)
{
	_cleanup_free_ char *text = xasprintf("%s\n", line);
	size_t n = strlen(text);
	int r = put_header(w, entry_new(name, S_IFREG | 0644, (int64_t)n, w->time), err);

	if (r == 0 && sym_archive_write_data(w->archive, text, n) != (ssize_t)n)
		r = cannot_write(w, err);
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
			return cannot_read(path, -errno, err);
		if (n == 0)
			return error_set(err, -EBUSY, 6,
				"%s became shorter while it was read", path);
		if (sym_archive_write_data(w->archive, w->buffer, (size_t)n) != n)
			return cannot_write(w, err);
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
		return cannot_read(path, -errno, err);
	r = put_header(w,
		entry_new(name, S_IFREG | (st.st_mode & 0777), st.st_size,
			st.st_mtim.tv_sec),
		err);
	return r == 0 ? put_data(w, fd, path, st.st_size, err) : r;
}

/* below is where the link is in its source. */
static int put_link(struct writer *w, int dir, const char *base, const struct stat *st,
	const char *name, const char *below, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, base, target, sizeof(target) - 1);
	struct archive_entry *entry;

	if (n < 0)
		return cannot_read(name, -errno, err);
	target[n] = '\0';
	if (!link_stays_inside(below, target))
		strv_pushf(w->warnings,
			"%s leads out of the source, to %s: ldtarball will "
			"refuse that",
			below, target);
	entry = entry_new(name, S_IFLNK | 0777, 0, st->st_mtim.tv_sec);
	sym_archive_entry_set_symlink(entry, target);
	return put_header(w, entry, err);
}

static int put_tree(struct writer *w, int parent, const char *base, const char *path,
	const char *name, size_t root_len, struct error *err);

/* What lies at path goes into the archive as name; below its first root_len characters
 * is what a link may lead to. Sockets and the like are left out. */
static int put_entry(struct writer *w, int dir, const char *base, const char *path,
	const char *name, size_t root_len, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot_read(path, -errno, err);
	if (S_ISDIR(st.st_mode))
		return put_tree(w, dir, base, path, name, root_len, err);
	if (S_ISLNK(st.st_mode))
		return put_link(w, dir, base, &st, name, name + root_len, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	fd = openat(dir, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return cannot_read(path, -errno, err);
	return put_file(w, fd, path, name, err);
}

static int put_tree(struct writer *w, int parent, const char *base, const char *path,
	const char *name, size_t root_len, struct error *err)
{
	_cleanup_close_ int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(strv_done) struct strv names = {0};
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot_read(path, -errno, err);
	r = dir_list(path, &names);
	if (r < 0)
		return cannot_read(path, r, err);
	r = put_dir(w, name, st.st_mtim.tv_sec, err);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		_cleanup_free_ char *below = path_join(path, names.items[i]);
		_cleanup_free_ char *below_name = path_join(name, names.items[i]);

		r = put_entry(w, fd, names.items[i], below, below_name, root_len, err);
	}
	return r;
}

/* Puts the directory at path, links followed, into the archive as name. */
static int put_root(
	struct writer *w, const char *path, const char *name, struct error *err)
{
	return put_tree(w, AT_FDCWD, path, path, name, strlen(name) + 1, err);
}

static int put_kernels(
	struct writer *w, const struct tarball_content *c, struct error *err)
{
	const char *last = "";
	int r = put_dir(w, "./dkms_main_tree", w->time, err);

	for (size_t i = 0; i < c->kernels->n && r == 0; i++) {
		const char *kernel = c->kernels->items[i];
		size_t n = strcspn(kernel, "/");
		_cleanup_free_ char *path = path_join(c->version_dir, kernel);
		_cleanup_free_ char *name = path_join("./dkms_main_tree", kernel);
		_cleanup_free_ char *release = NULL;

		release = xasprintf("./dkms_main_tree/%.*s", (int)n, kernel);
		if (strncmp(last, kernel, n + 1) != 0)
			r = put_dir(w, release, w->time, err);
		if (r == 0)
			r = put_root(w, path, name, err);
		last = kernel;
	}
	return r;
}

static int put_binaries_only(
	struct writer *w, const struct tarball_content *c, struct error *err)
{
	_cleanup_close_ int fd = open(c->conf, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return cannot_read(c->conf, -errno, err);
	r = put_dir(w, "./dkms_binaries_only", w->time, err);
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
		w->time = st.st_mtim.tv_sec;
	r = put_dir(w, ".", w->time, err);
	if (r == 0)
		r = put_kernels(w, c, err);
	if (r == 0 && c->conf)
		r = put_binaries_only(w, c, err);
	else if (r == 0)
		r = put_root(w, c->source, "./dkms_source_tree", err);
	return r;
}

static int open_archive(struct writer *w, struct error *err)
{
	int filter = ARCHIVE_FILTER_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
		if (has_suffix(w->path, compressions[i].suffix))
			filter = compressions[i].filter;
	/* A filter that libarchive was built without starts a program: that is only a
	 * warning, and works. */
	if (sym_archive_write_add_filter(w->archive, filter) < ARCHIVE_WARN ||
		sym_archive_write_set_format_gnutar(w->archive) != ARCHIVE_OK)
		return cannot_write(w, err);
	if (filter == ARCHIVE_FILTER_GZIP)
		sym_archive_write_set_filter_option(w->archive, "gzip", "timestamp", NULL);
	/* Whole blocks are for tapes. */
	sym_archive_write_set_bytes_in_last_block(w->archive, 1);
	if (sym_archive_write_open(w->archive, w, NULL, on_bytes, NULL) != ARCHIVE_OK)
		return cannot_write(w, err);
	return 0;
}

static int write_archive(
	struct writer *w, const struct tarball_content *c, struct error *err)
{
	int r = open_archive(w, err);

	if (r == 0)
		r = put_content(w, c, err);
	if (r == 0 && sym_archive_write_close(w->archive) != ARCHIVE_OK)
		r = cannot_write(w, err);
	if (r == 0 && fsync(w->fd) < 0)
		r = error_errno(err, -errno, 9, "cannot write %s", w->path);
	w->failed = r < 0;
	return r;
}

/* A device or a directory is not for a rename to replace. */
static int check_target(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, 9, "cannot write %s: it is no file", path);
	return 0;
}

/* Makes the file that is written: one without a name where the file system can do that,
 * so that a process that is killed leaves nothing; else *name, a template, is its name and
 * *named is set. Returns a descriptor or a negative errno. */
static int open_temporary(char *name, bool *named)
{
	_cleanup_free_ char *dir = xstrndup(name, (size_t)(path_base(name) - name));
	int fd = -1;

	if (access(FD_DIR, X_OK) == 0) /* it gets its name through there */
		fd = open(*dir ? dir : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0) {
		fd = mkostemp(name, O_CLOEXEC);
		*named = fd >= 0;
	}
	return fd < 0 ? -errno : fd;
}

/* Gives the finished file its name; an older one is replaced. */
static int publish(int fd, char *temporary, bool *named, const char *target)
{
	_cleanup_free_ char *from = xasprintf(FD_DIR "/%d", fd);
	int other;

	if (fchmod(fd, 0644) < 0)
		return -errno;
	if (!*named) {
		if (linkat(AT_FDCWD, from, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		/* No link replaces a file, but a rename does. The name is free for a moment. */
		other = mkostemp(temporary, O_CLOEXEC);
		if (other < 0)
			return -errno;
		close(other);
		*named = true;
		if (unlink(temporary) < 0 ||
			linkat(AT_FDCWD, from, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) < 0)
			return -errno;
	}
	return rename(temporary, target) < 0 ? -errno : 0;
}

int tarball_write(const char *path, const struct tarball_content *content,
	const int *cancelled, struct strv *ret_warnings, struct error *err)
{
	_cleanup_free_ char *buffer = xcalloc(BUFFER_BYTES, 1);
	struct writer w = {.path = path,
		.cancelled = cancelled,
		.warnings = ret_warnings,
		.buffer = buffer};
	_cleanup_free_ char *real = realpath(path, NULL);
	const char *target = real ? real : path, *base = path_base(target);
	_cleanup_free_ char *temporary =
		xasprintf("%.*s.dkms-XXXXXX", (int)(base - target), target);
	_cleanup_close_ int fd = -1;
	bool named = false;
	int r = check_target(target, err);

	if (r == 0)
		r = libarchive_load(err);
	if (r < 0)
		return r;
	fd = open_temporary(temporary, &named);
	if (fd < 0)
		return error_errno(err, fd, 9, "cannot write %s", path);
	w.fd = fd;
	w.archive = sym_archive_write_new();
	r = write_archive(&w, content, err);
	sym_archive_write_free(w.archive);
	if (r == 0) {
		r = publish(fd, temporary, &named, target);
		if (r < 0)
			error_errno(err, r, 9, "cannot write %s", path);
	}
	if (r < 0 && named)
		unlink(temporary);
	return r;
}
