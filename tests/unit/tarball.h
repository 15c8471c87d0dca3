/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_TARBALL_H
#define TESTS_UNIT_TARBALL_H

/* Makes archives and reads them, for tests of tarballs. */

#include <archive.h>
#include <archive_entry.h>

#include "base/file.h"
#include "builder/archive/tarball-read.h"
#include "tests/unit/tap.h"

static char root[64] = "/dev/shm/dkms-test-XXXXXX";
static char *tar, *out; /* the archive, and the directory to unpack to */

/* One entry of an archive. */
struct row {
	char type; /* f, d, l: symlink, h: hard link, p: fifo, c: device, s: setuid */
	const char *name;
	const char *text; /* content or target */
};

static inline void put(struct archive *a, char type, const char *name, const char *text)
{
	struct archive_entry *e = archive_entry_new();
	size_t n = 0;

	archive_entry_set_pathname(e, name);
	archive_entry_set_mtime(e, 1000000000, 0);
	archive_entry_set_mode(
		e, (type == 's' ? 04755 : 0644) | (type == 'd'          ? AE_IFDIR
							  : type == 'l' ? AE_IFLNK
							  : type == 'p' ? AE_IFIFO
							  : type == 'c' ? AE_IFCHR
									: AE_IFREG));
	if (type == 'l')
		archive_entry_set_symlink(e, text);
	else if (type == 'h')
		archive_entry_set_hardlink(e, text);
	else if (text && strchr("fs", type))
		n = strlen(text);
	archive_entry_set_size(e, (int64_t)n);
	if (archive_write_header(a, e) < ARCHIVE_WARN)
		ok(false, "header of %s: %s", name, archive_error_string(a));
	if (n)
		archive_write_data(a, text, n);
	archive_entry_free(e);
}

static inline struct archive *open_tar(int (*filter)(struct archive *))
{
	struct archive *a = archive_write_new();

	unlink(tar);
	filter(a);
	archive_write_set_format_gnutar(a);
	if (archive_write_open_filename(a, tar) != ARCHIVE_OK)
		ok(false, "open %s", tar);
	return a;
}

static inline void pack_by(int (*filter)(struct archive *), const struct row *rows)
{
	struct archive *a = open_tar(filter);

	for (; rows->type; rows++)
		put(a, rows->type, rows->name, rows->text);
	archive_write_close(a);
	archive_write_free(a);
}

static inline void pack(const struct row *rows)
{
	pack_by(archive_write_add_filter_none, rows);
}

static inline void fresh_out(void)
{
	dir_remove(out, NULL);
	dir_make(out, NULL);
}

static inline int load(struct tarball *ret, struct error *err)
{
	fresh_out();
	return tarball_read(tar, out, NULL, ret, err);
}

/* Returns the content of a file below out, or NULL. Caller frees. */
static inline char *text_of(const char *name)
{
	_cleanup_free_ char *path = path_join(out, name);
	struct str s = {0};

	return file_read(path, 1 << 20, &s, NULL) < 0 ? NULL : str_take(&s);
}

/* Checks that the archive is refused with that status and that text. */
static inline void refused(int status, const char *words, const char *what)
{
	struct tarball t = {0};
	struct error e = {0};
	_cleanup_free_ char *outside = path_join(root, "evil");
	int r = load(&t, &e);

	ok(r < 0 && e.status == status && e.what && strstr(e.what, tar) &&
			strstr(e.what, words),
		"%s", what);
	if (e.status != status || !e.what || !strstr(e.what, words))
		printf("# %d %d %s\n", r, e.status, e.what ? e.what : "(no error)");
	if (path_exists(outside) || path_exists("/evil"))
		ok(false, "%s: no file outside", what);
	error_done(&e);
	tarball_done(&t);
}

#define REFUSED(status, words, what, ...)                                                \
	do {                                                                             \
		pack((const struct row[]){__VA_ARGS__, {0}});                            \
		refused(status, words, what);                                            \
	} while (0)

/* Makes a temporary directory. Returns false if that is not possible. */
static inline bool make_root(void)
{
	if (!mkdtemp(root)) {
		strcpy(root, "/tmp/dkms-test-XXXXXX");
		if (!mkdtemp(root))
			return false;
	}
	tar = path_join(root, "archive.tar");
	out = path_join(root, "out");
	return true;
}

static inline void remove_root(void)
{
	dir_remove(root, NULL);
	free(tar);
	free(out);
}

#endif
