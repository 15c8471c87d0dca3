/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which modules does the distribution want installed in any case? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/force-list.h"

/* A larger file is not read (bytes). Real ones are much smaller. */
#define LIST_MAX (1024 * 1024)

/* Appends the words of a file. Only regular files are lists. */
static int add_words(const char *path, struct strv *words, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	int r;

	if (!path_is_file(path))
		return 0;
	r = file_read_optional(path, LIST_MAX, &text, err);
	if (text.data)
		strv_split(words, text.data);
	return r;
}

int force_list_find(
	const char *dir, const char *name, enum force_level *ret, struct error *err)
{
	_cleanup_free_ char *override = xasprintf("%s_version-override", name);
	_cleanup_(strv_done) struct strv files = {0}, words = {0};
	int r = dir_list(dir, &files);

	*ret = FORCE_LEVEL_NONE;
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return error_errno(err, r, 1, "cannot read %s", dir);
	for (size_t i = 0; i < files.n; i++) {
		_cleanup_free_ char *path = path_join(dir, files.items[i]);

		if (*files.items[i] == '.')
			continue;
		r = add_words(path, &words, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < words.n && *ret == FORCE_LEVEL_NONE; i++) {
		if (streq(words.items[i], name))
			*ret = FORCE_LEVEL_ALL;
		else if (streq(words.items[i], override))
			*ret = FORCE_LEVEL_VERSION;
	}
	return 0;
}
