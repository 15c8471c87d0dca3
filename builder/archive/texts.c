/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do texts get into an archive? */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "builder/archive/libarchive.h"
#include "builder/archive/texts.h"

static la_ssize_t add_bytes(struct archive *a, void *userdata, const void *bytes, size_t n)
{
	(void)a;
	str_add_bytes(userdata, bytes, n);
	return (la_ssize_t)n;
}

static bool put_text(struct archive *a, const char *name, const char *text)
{
	struct archive_entry *e = sym_archive_entry_new();
	size_t n = strlen(text);
	bool ok;

	sym_archive_entry_set_pathname(e, name);
	sym_archive_entry_set_size(e, (la_int64_t)n);
	sym_archive_entry_set_mode(e, S_IFREG | 0644);
	sym_archive_entry_set_mtime(e, time(NULL), 0);
	ok = sym_archive_write_header(a, e) >= ARCHIVE_WARN &&
	     sym_archive_write_data(a, text, n) == (la_ssize_t)n;
	sym_archive_entry_free(e);
	return ok;
}

int texts_write(const char *path, const struct strv *names, const struct strv *texts,
	struct error *err)
{
	_cleanup_(str_done) struct str bytes = {0};
	struct archive *a;
	bool ok;
	int r = libarchive_load(err);

	if (r < 0)
		return r;
	a = sym_archive_write_new();
	ok = sym_archive_write_add_filter(a, ARCHIVE_FILTER_GZIP) >= ARCHIVE_WARN &&
	     sym_archive_write_set_format_gnutar(a) == ARCHIVE_OK &&
	     sym_archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
	     sym_archive_write_open(a, &bytes, NULL, add_bytes, NULL) == ARCHIVE_OK;
	for (size_t i = 0; i < names->n && ok; i++)
		ok = put_text(a, names->items[i], texts->items[i]);
	ok = ok && sym_archive_write_close(a) == ARCHIVE_OK;
	if (!ok)
		r = error_set(err, -EIO, 9, "cannot write %s: %s", path,
			sym_archive_error_string(a));
	sym_archive_write_free(a);
	if (r == 0)
		r = file_write(path, bytes.data, bytes.len, 0600, err);
	return r;
}
