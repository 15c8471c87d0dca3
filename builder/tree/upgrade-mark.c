/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does this removal belong to an RPM upgrade that keeps the module's version? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "builder/tree/upgrade-mark.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Numbers of fields of /proc/PID/stat, counted from 1 as in proc(5). The second field is
 * in parentheses and may itself contain blanks and parentheses. */
#define FIELD_PARENT 4
#define FIELD_START 22

/* Reads the fields of /proc/PID/stat; the element i is field i + 1. */
static int read_stat(long pid, struct strv *ret)
{
	_cleanup_free_ char *path = xasprintf("/proc/%ld/stat", pid);
	_cleanup_(str_done) struct str text = {0};
	const char *rest;
	int r = file_read(path, 4096, &text, NULL);

	if (r < 0)
		return r;
	rest = text.data ? strrchr(text.data, ')') : NULL;
	if (!rest)
		return -EINVAL;
	strv_push(ret, "pid");
	strv_push(ret, "name");
	strv_split(ret, rest + 1);
	return ret->n >= FIELD_START ? 0 : -EINVAL;
}

/* Returns the line of a mark by the parent of this process's parent; the caller frees. */
static int make_line(char **ret)
{
	_cleanup_(strv_done) struct strv parent = {0}, grandparent = {0};
	_cleanup_(str_done) struct str boot = {0};
	const char *pid;
	int r = read_stat((long)getppid(), &parent);

	if (r < 0)
		return r;
	pid = parent.items[FIELD_PARENT - 1];
	r = read_stat(strtol(pid, NULL, 10), &grandparent);
	if (r < 0)
		return r;
	r = file_read(BOOT_ID, 256, &boot, NULL);
	if (r < 0)
		return r;
	*ret = xasprintf("%s %s %s", pid, grandparent.items[FIELD_START - 1],
		boot.data ? boot.data : "\n");
	return 0;
}

static char *mark_path(const char *dkms_tree, const char *name, const char *version)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);

	return path_join(dir, ".upgrade");
}

int upgrade_mark_set(const char *dkms_tree, const char *name, const char *version,
	struct error *err)
{
	_cleanup_free_ char *path = mark_path(dkms_tree, name, version);
	_cleanup_free_ char *line = NULL;
	int r = make_line(&line);

	if (r < 0)
		return error_errno(
			err, r, 1, "cannot tell which process runs this script");
	return file_write(path, line, strlen(line), 0644, err);
}

bool upgrade_mark_take(const char *dkms_tree, const char *name, const char *version)
{
	_cleanup_free_ char *path = mark_path(dkms_tree, name, version);
	_cleanup_(str_done) struct str text = {0};
	_cleanup_free_ char *line = NULL;

	if (file_read(path, 4096, &text, NULL) < 0 || !text.data ||
		make_line(&line) < 0 || !streq(text.data, line))
		return false;
	unlink(path);
	return true;
}
