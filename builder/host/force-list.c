/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which modules does the distribution want installed in any case? */
#include "config.h"

#include "base/file.h"
#include "builder/host/force-list.h"

/* A larger file is not read (bytes). Real ones are much smaller. */
#define LIST_MAX (1024 * 1024)

enum force_level force_list_find(const char *dir, const char *name)
{
	_cleanup_free_ char *override = xasprintf("%s_version-override", name);
	_cleanup_(strv_done) struct strv files = {0}, words = {0};

	dir_list(dir, &files);
	for (size_t i = 0; i < files.n; i++) {
		_cleanup_free_ char *path = path_join(dir, files.items[i]);
		_cleanup_(str_done) struct str text = {0};

		if (*files.items[i] != '.' &&
			file_read(path, LIST_MAX, &text, NULL) == 0 && text.data)
			strv_split(&words, text.data);
	}
	for (size_t i = 0; i < words.n; i++) {
		if (streq(words.items[i], name))
			return FORCE_LEVEL_ALL;
		if (streq(words.items[i], override))
			return FORCE_LEVEL_VERSION;
	}
	return FORCE_LEVEL_NONE;
}
