/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacks a tar archive of unknown origin. libarchive reads the formats. Writing is done
 * here, because it is little code and all the danger is in it: each name is opened
 * component by component from the descriptor of the directory, without following links,
 * and no symbolic link is made before the last file is written.
 *
 * The tar format has no checksum of contents, and its reader stops at the first end
 * mark, so that it would not notice if the stream is cut off or damaged after that.
 * libarchive does not compare gzip's checksums either. Therefore the whole stream is
 * read and verified before anything is unpacked. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "builder/module/codecs.h"
#include "builder/archive/libarchive.h"
#include "builder/archive/unpack.h"

#define BLOCK_BYTES 512 /* the block size of the tar format */
#define BUFFER_BYTES (128 * 1024)

struct reader {
	int fd;
	const char *name; /* of the archive */
	const int *cancelled;
	struct archive *archive;
	/* Set by verify_stream(): */
	int64_t stream_bytes; /* the decompressed size */
	bool ends_with_zeros; /* the last block holds only zeros */
	/* What has been unpacked: */
	int root_fd; /* the directory to unpack into */
	size_t n_entries;
	size_t n_dirs; /* may exceed n_entries: a directory need not have an entry */
	int64_t unpacked_bytes;
	struct unpacked *result;
	/* The directory used last is kept open, since the files of a directory mostly
	 * follow each other. */
	char *parent;
	int parent_fd;
};

const char *path_relative_to(const char *path, const char *root)
{
	size_t n = strlen(root);

	if (n == 0)
		return path;
	return strncmp(path, root, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static bool is_cancelled(const struct reader *r)
{
	return r->cancelled && __atomic_load_n(r->cancelled, __ATOMIC_RELAXED);
}

static int check_cancelled(const struct reader *r, struct error *err)
{
	return is_cancelled(r) ? error_set(err, -ECANCELED, 1, "cancelled") : 0;
}

static int set_too_large_error(const struct reader *r, struct error *err)
{
	error_set(err, -EFBIG, 3, "%s unpacks to more than %lld GiB", r->name,
		UNPACK_BYTES_MAX >> 30);
	error_remedy(err, "unpack it yourself, then: dkms add DIRECTORY");
	return -EFBIG;
}

static int set_damaged_error(const struct reader *r, const char *why, struct error *err)
{
	return error_set(err, -EBADMSG, 3, "%s is damaged: %s", r->name, why);
}

/* Verifying the stream */

/* Counts the next n bytes of the stream and looks at its last block. */
static int count_bytes(struct reader *r, const char *bytes, size_t n, struct error *err)
{
	size_t tail = n < BLOCK_BYTES ? n : BLOCK_BYTES;

	r->stream_bytes += (int64_t)n;
	if (r->stream_bytes > UNPACK_BYTES_MAX)
		return set_too_large_error(r, err);
	r->ends_with_zeros = n > 0;
	for (size_t i = n - tail; i < n; i++)
		r->ends_with_zeros = r->ends_with_zeros && bytes[i] == '\0';
	return check_cancelled(r, err);
}

static int verify_gzip(struct reader *r, struct error *err)
{
	_cleanup_free_ char *buffer = xcalloc(BUFFER_BYTES, 1);
	int n, fd, code = codec_load(COMPRESSION_GZIP, err), zlib_error;
	gzFile gz;

	if (code < 0)
		return code;
	fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	gz = fd >= 0 ? sym_gzdopen(fd, "rb") : NULL;
	if (!gz) {
		code = -errno;
		if (fd >= 0)
			close(fd);
		return error_errno(err, code, 1, "cannot read %s", r->name);
	}
	do {
		const char *why;

		n = sym_gzread(gz, buffer, BUFFER_BYTES);
		/* This is asked after each read because zlib 1.3.2 forgets at the next
		 * one that the end of the stream was missing. */
		why = sym_gzerror(gz, &zlib_error);
		if (zlib_error == Z_BUF_ERROR)
			code = set_damaged_error(r, "its end is missing", err);
		else if (zlib_error != Z_OK && zlib_error != Z_STREAM_END)
			code = set_damaged_error(r, why, err);
		else if (n > 0)
			code = count_bytes(r, buffer, (size_t)n, err);
	} while (code == 0 && n > 0);
	sym_gzclose(gz);
	return code;
}

static void support_filters(struct archive *a)
{
	/* Other filters of libarchive are left out, since some start other programs. */
	sym_archive_read_support_filter_gzip(a);
	sym_archive_read_support_filter_bzip2(a);
	sym_archive_read_support_filter_xz(a);
	sym_archive_read_support_filter_lzma(a);
	sym_archive_read_support_filter_lzip(a);
	sym_archive_read_support_filter_zstd(a);
}

static int verify_with_libarchive(struct reader *r, struct error *err)
{
	_cleanup_free_ char *buffer = xcalloc(BUFFER_BYTES, 1);
	struct archive *a = sym_archive_read_new();
	struct archive_entry *entry;
	ssize_t n = 0;
	int code = 0;

	support_filters(a);
	sym_archive_read_support_format_raw(a);
	if (sym_archive_read_open_fd(a, r->fd, BUFFER_BYTES) != ARCHIVE_OK ||
		sym_archive_read_next_header(a, &entry) != ARCHIVE_OK)
		code = set_damaged_error(r, sym_archive_error_string(a), err);
	while (code == 0 && (n = sym_archive_read_data(a, buffer, BUFFER_BYTES)) > 0)
		code = count_bytes(r, buffer, (size_t)n, err);
	if (code == 0 && n < 0)
		code = set_damaged_error(r, sym_archive_error_string(a), err);
	sym_archive_read_free(a);
	return code;
}

static int verify_stream(struct reader *r, struct error *err)
{
	unsigned char magic[2];
	ssize_t n = pread(r->fd, magic, sizeof(magic), 0);
	int code;

	if (n < 0)
		return error_errno(err, -errno, 1, "cannot read %s", r->name);
	if (n == 0)
		return error_set(err, -EBADMSG, 3, "%s is empty", r->name);
	if (n == 2 && magic[0] == 0x1f && magic[1] == 0x8b)
		code = verify_gzip(r, err);
	else
		code = verify_with_libarchive(r, err);
	if (code == 0 && lseek(r->fd, 0, SEEK_SET) < 0)
		code = error_errno(err, -errno, 1, "cannot read %s", r->name);
	return code;
}

/* Names */

/* Sets err: the archive is refused because of the entry name. why is a verb and its
 * object. */
static int refuse(
	const struct reader *r, const char *name, const char *why, struct error *err)
{
	_cleanup_free_ char *shown = text_escape_controls(name);

	/* Only a part is shown, since a name can be a million bytes long. */
	return error_set(err, -EPERM, 3, "%s is refused: %.200s%s %s", r->name, shown,
		strlen(shown) > 200 ? "..." : "", why);
}

/* Returns why name cannot be a path below a directory, as the rest of a sentence about
 * it; NULL if it can. */
static const char *find_name_fault(const char *name)
{
	size_t depth = 0;

	if (*name == '/')
		return "is an absolute path";
	if (strlen(name) > UNPACK_NAME_MAX)
		return "is too long";
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "has a control character in its name";
	if (path_has_dot_dot(name))
		return "has .. in its path";
	while (*name) {
		size_t n = strcspn(name, "/");

		if (n > NAME_MAX)
			return "is too long";
		if (n > 0 && ++depth > UNPACK_DEPTH_MAX)
			return "is in too many directories";
		name += n;
		name += strspn(name, "/");
	}
	return NULL;
}

/* Sets *ret to the shortest form of name, "" for the directory itself. The caller frees
 * it. Refuses a name that cannot be a path below the directory. */
static int clean_name(
	const struct reader *r, const char *name, char **ret, struct error *err)
{
	const char *fault = find_name_fault(name);
	struct str s = {0};

	if (fault)
		return refuse(r, name, fault, err);
	while (*name) {
		size_t n = strcspn(name, "/");

		if (n > 0 && !(n == 1 && *name == '.')) {
			if (s.len)
				str_add(&s, "/");
			str_add_bytes(&s, name, n);
		}
		name += n;
		name += strspn(name, "/");
	}
	*ret = str_take(&s);
	return 0;
}

/* Opens the directory path below the root and makes the directories that are missing.
 * Returns a descriptor, or a negative errno if a component exists and is not a
 * directory. */
static int open_dir(struct reader *r, const char *path)
{
	int fd = fcntl(r->root_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	while (*path) {
		size_t n = strcspn(path, "/");
		_cleanup_free_ char *name = xstrndup(path, n);
		_cleanup_close_ int parent = fd;

		if (mkdirat(parent, name, 0755) == 0)
			r->n_dirs++;
		else if (errno != EEXIST)
			return -errno;
		fd = openat(
			parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		path += n;
		path += *path == '/';
	}
	return fd;
}

/* Returns the descriptor of the directory that path is in (borrowed), or a negative
 * errno. Sets *ret_base to the last component of path. */
static int open_parent(struct reader *r, const char *path, const char **ret_base)
{
	_cleanup_free_ char *parent = path_parent(path);

	*ret_base = path_base(path);
	if (r->parent && streq(r->parent, parent))
		return r->parent_fd;
	free(r->parent);
	r->parent = NULL;
	close_ptr(&r->parent_fd);
	r->parent_fd = open_dir(r, parent);
	if (r->parent_fd >= 0)
		r->parent = TAKE_PTR(parent);
	return r->parent_fd;
}

/* Entries */

static int set_write_error(
	const struct reader *r, const char *path, int code, struct error *err)
{
	if (code == -EEXIST || code == -ENOTDIR || code == -ELOOP)
		return refuse(r, path, "is in the archive twice", err);
	return error_errno(err, code, 1, "cannot unpack %s from %s", path, r->name);
}

static int write_at(int fd, const char *bytes, size_t n, int64_t offset)
{
	while (n) {
		ssize_t written = pwrite(fd, bytes, n, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		n -= (size_t)written;
		offset += written;
	}
	return 0;
}

static int write_data(
	struct reader *r, int fd, const char *path, int64_t size, struct error *err)
{
	const void *bytes;
	size_t n;
	int64_t offset;
	int code, result;

	for (;;) {
		result = sym_archive_read_data_block(r->archive, &bytes, &n, &offset);
		if (result == ARCHIVE_EOF)
			break;
		if (result != ARCHIVE_OK)
			return set_damaged_error(
				r, sym_archive_error_string(r->archive), err);
		if (offset < 0 || offset > size || (int64_t)n > size - offset)
			return set_damaged_error(r, "a file is larger than it says", err);
		code = write_at(fd, bytes, n, offset);
		if (code < 0)
			return set_write_error(r, path, code, err);
		code = check_cancelled(r, err);
		if (code < 0)
			return code;
	}
	/* A sparse file may end with a hole. */
	if (ftruncate(fd, size) < 0)
		return set_write_error(r, path, -errno, err);
	return 0;
}

static int unpack_file(struct reader *r, struct archive_entry *entry, const char *path,
	struct error *err)
{
	int64_t size = sym_archive_entry_size(entry);
	mode_t mode = sym_archive_entry_mode(entry);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
	const char *base;
	_cleanup_close_ int fd = -1;
	int parent, code;

	if (mode & (S_ISUID | S_ISGID))
		return refuse(r, path, "is setuid or setgid", err);
	if (size < 0 || size > UNPACK_BYTES_MAX - r->unpacked_bytes)
		return set_too_large_error(r, err);
	r->unpacked_bytes += size;
	parent = open_parent(r, path, &base);
	if (parent < 0)
		return set_write_error(r, path, parent, err);
	fd = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		mode & 0111 ? 0755 : 0644);
	if (fd < 0)
		return set_write_error(r, path, -errno, err);
	code = write_data(r, fd, path, size, err);
	if (code < 0)
		return code;
	if (sym_archive_entry_mtime_is_set(entry)) {
		times[1].tv_sec = sym_archive_entry_mtime(entry);
		times[1].tv_nsec = sym_archive_entry_mtime_nsec(entry);
		/* make compares the times. A time that the file system cannot store is
		 * ignored. */
		futimens(fd, times);
	}
	return 0;
}

/* Makes a hard link, which must be to a regular file that came before it in the
 * archive. */
static int unpack_hard_link(
	struct reader *r, const char *path, const char *target_name, struct error *err)
{
	_cleanup_free_ char *target = NULL;
	_cleanup_close_ int from = -1;
	_cleanup_free_ char *dir = NULL;
	const char *base, *from_base;
	struct stat st;
	int to, code = clean_name(r, target_name, &target, err);

	if (code < 0)
		return code;
	from_base = path_base(target);
	dir = path_parent(target);
	from = open_dir(r, dir);
	if (from < 0 || fstatat(from, from_base, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode))
		return refuse(r, path, "is a hard link to no file of the archive", err);
	to = open_parent(r, path, &base);
	if (to < 0)
		return set_write_error(r, path, to, err);
	if (linkat(from, from_base, to, base, 0) < 0)
		return set_write_error(r, path, -errno, err);
	return 0;
}

/* Adds a symbolic link to the result. It is made later by unpack_make_links(). */
static int note_link(
	struct reader *r, const char *path, const char *target, struct error *err)
{
	struct unpacked *u = r->result;

	if (is_empty(target) || strlen(target) > UNPACK_NAME_MAX)
		return refuse(r, path, "is a link that leads nowhere", err);
	u->links = xrealloc_array(u->links, u->n_links + 1, sizeof(*u->links));
	u->links[u->n_links++] = (struct unpacked_link){xstrdup(path), xstrdup(target)};
	return 0;
}

static int unpack_dir(struct reader *r, const char *path, struct error *err)
{
	_cleanup_close_ int fd = open_dir(r, path);

	return fd < 0 ? set_write_error(r, path, fd, err) : 0;
}

static int unpack_entry(struct reader *r, struct archive_entry *entry, struct error *err)
{
	const char *name = sym_archive_entry_pathname(entry);
	const char *hard = sym_archive_entry_hardlink(entry);
	mode_t type = sym_archive_entry_filetype(entry);
	_cleanup_free_ char *path = NULL;
	int code;

	if (++r->n_entries > UNPACK_ENTRIES_MAX || r->n_dirs > UNPACK_ENTRIES_MAX) {
		error_set(err, -EFBIG, 3, "%s holds more than %d files", r->name,
			UNPACK_ENTRIES_MAX);
		error_remedy(err, "unpack it yourself, then: dkms add DIRECTORY");
		return -EFBIG;
	}
	if (!name)
		return set_damaged_error(r, "a name in the archive cannot be read", err);
	code = clean_name(r, name, &path, err);
	if (code < 0)
		return code;
	if (!*path)
		return type == AE_IFDIR ? 0 : refuse(r, name, "is not a directory", err);
	if (streq(path_base(path), "dkms.conf") && type != AE_IFDIR)
		strv_push(&r->result->conf_paths, path);
	if (hard)
		return unpack_hard_link(r, path, hard, err);
	switch (type) {
	case AE_IFREG:
		return unpack_file(r, entry, path, err);
	case AE_IFDIR:
		return unpack_dir(r, path, err);
	case AE_IFLNK:
		return note_link(r, path, sym_archive_entry_symlink(entry), err);
	default:
		return refuse(
			r, path, "is neither a file nor a directory nor a link", err);
	}
}

/* Checks at the end of the entries that the archive is complete. One that was cut off
 * between two files looks complete, except that its end mark of zero blocks is
 * missing. */
static int check_end(const struct reader *r, struct error *err)
{
	if (sym_archive_filter_bytes(r->archive, 0) >= r->stream_bytes &&
		!r->ends_with_zeros)
		return set_damaged_error(r, "its end is missing", err);
	return 0;
}

static int set_parse_error(const struct reader *r, struct error *err)
{
	if (sym_archive_format(r->archive) == 0)
		return error_set(err, -EBADMSG, 3, "%s is not a tar archive", r->name);
	return set_damaged_error(r, sym_archive_error_string(r->archive), err);
}

static int read_entries(struct reader *r, struct error *err)
{
	struct archive_entry *entry;
	int code = 0;

	support_filters(r->archive);
	sym_archive_read_support_format_tar(r->archive);
	if (sym_archive_read_open_fd(r->archive, r->fd, BUFFER_BYTES) != ARCHIVE_OK)
		return set_parse_error(r, err);
	while (code == 0) {
		int result = sym_archive_read_next_header(r->archive, &entry);

		if (result == ARCHIVE_EOF)
			return check_end(r, err);
		if (result == ARCHIVE_OK || result == ARCHIVE_WARN)
			code = unpack_entry(r, entry, err);
		else
			code = set_parse_error(r, err);
		if (code == 0)
			code = check_cancelled(r, err);
	}
	return code;
}

int unpack_archive(int fd, const char *name, const char *dir, const int *cancelled,
	struct unpacked *ret, struct error *err)
{
	struct unpacked u = {0};
	struct reader r = {.fd = fd,
		.name = name,
		.cancelled = cancelled,
		.result = &u,
		.parent_fd = -1};
	/* libarchive converts names to the encoding of the locale. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	int code = libarchive_load(err);

	r.root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (code == 0 && r.root_fd < 0)
		code = error_errno(err, -errno, 1, "cannot open %s", dir);
	if (code == 0)
		code = verify_stream(&r, err);
	if (code == 0) {
		r.archive = sym_archive_read_new();
		code = read_entries(&r, err);
		sym_archive_read_free(r.archive);
	}
	close_ptr(&r.root_fd);
	close_ptr(&r.parent_fd);
	free(r.parent);
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	if (code < 0)
		unpacked_done(&u);
	else
		*ret = u;
	return code;
}

void unpacked_done(struct unpacked *u)
{
	for (size_t i = 0; i < u->n_links; i++) {
		free(u->links[i].path);
		free(u->links[i].target);
	}
	free(u->links);
	strv_done(&u->conf_paths);
	*u = (struct unpacked){0};
}

/* Links */

/* Each ".." must be at the beginning of target, and there must not be more of them than
 * there are directories in path. Such a link leads to its own directory, which is a real
 * one, or to a directory above that, and from there only downwards, maybe through other
 * links for which the same holds. So no link leads out of the root, in whatever order
 * links are followed. A ".." after a name is not allowed because it depends on what that
 * name is. */
bool link_stays_inside(const char *path, const char *target)
{
	size_t depth = 0;
	bool named = false;

	for (const char *c = path; *c; c++)
		depth += *c == '/';
	if (*target == '/')
		return false;
	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && strncmp(target, "..", 2) == 0) {
			if (named || depth == 0)
				return false;
			depth--;
		} else if (n > 0 && !(n == 1 && *target == '.')) {
			named = true;
		}
		target += n;
		target += strspn(target, "/");
	}
	return true;
}

int unpack_make_links(const struct unpacked *u, const char *name, const char *dir,
	const char *root, struct error *err)
{
	struct reader r = {.name = name, .parent_fd = -1};
	int code = 0;

	r.root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.root_fd < 0)
		return error_errno(err, -errno, 1, "cannot open %s", dir);
	for (size_t i = 0; i < u->n_links && code == 0; i++) {
		const struct unpacked_link *l = &u->links[i];
		const char *below = path_relative_to(l->path, root);
		const char *base;
		int parent;

		if (!link_stays_inside(below ? below : l->path, l->target)) {
			_cleanup_free_ char *why = NULL,
					    *target =
						    text_escape_controls(l->target);

			why = xasprintf("is a link that leads out, to %.200s", target);
			code = refuse(&r, l->path, why, err);
			break;
		}
		if (!below)
			continue;
		parent = open_parent(&r, l->path, &base);
		if (parent < 0)
			code = set_write_error(&r, l->path, parent, err);
		else if (symlinkat(l->target, parent, base) < 0)
			code = set_write_error(&r, l->path, -errno, err);
	}
	close_ptr(&r.root_fd);
	close_ptr(&r.parent_fd);
	free(r.parent);
	return code;
}
