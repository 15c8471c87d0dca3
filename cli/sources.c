/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which modules are in the source tree? */
#include "config.h"

#include "base/file.h"
#include "cli/sources.h"

/* Bytes; a larger dkms.conf is not read. */
#define CONF_MAX (1024 * 1024)

/* Returns the length of NAME in dir, a source directory's name NAME-VERSION. Takes NAME from
 * the text of its dkms.conf if that assigns a literal to PACKAGE_NAME; bash is not run. Otherwise
 * NAME ends at the first "-" that a digit follows. Returns 0 if there is no such "-". */
static size_t name_length(const char *dir, const char *conf)
{
	const char *line = strstr(conf, "PACKAGE_NAME=");

	if (line) {
		const char *name = line + strlen("PACKAGE_NAME=");
		size_t n;

		name += strspn(name, "\"'");
		n = strcspn(name, "\"'\n\r #");
		if (n && strncmp(dir, name, n) == 0 && dir[n] == '-')
			return n;
	}
	for (const char *at = strchr(dir, '-'); at; at = strchr(at + 1, '-'))
		if (at > dir && at[1] >= '0' && at[1] <= '9')
			return (size_t)(at - dir);
	return 0;
}

void sources_list(const char *tree, struct strv *ret)
{
	_cleanup_(strv_done) struct strv dirs = {0};

	if (dir_list(tree, &dirs) < 0)
		return;
	for (size_t i = 0; i < dirs.n; i++) {
		const char *dir = dirs.items[i];
		_cleanup_free_ char *path = xasprintf("%s/%s/dkms.conf", tree, dir);
		_cleanup_(str_done) struct str conf = {0};
		size_t n;

		if (file_read(path, CONF_MAX, &conf, NULL) < 0)
			continue;
		n = name_length(dir, conf.data);
		if (n)
			strv_pushf(ret, "%.*s/%s", (int)n, dir, dir + n + 1);
	}
}
