/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of modules that a distribution forces into kernels. */
#include "config.h"

#include "base/file.h"
#include "builder/host/force-list.h"
#include "tests/unit/tap.h"

static void write_list(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name);

	file_write(path, text, strlen(text), 0644, NULL);
}

/* Writes a file of that size, which has no blocks on the disk. */
static void write_size(const char *dir, const char *name, off_t size)
{
	_cleanup_free_ char *path = path_join(dir, name);

	write_list(dir, name, "");
	is_int(truncate(path, size), 0, "a large file is made");
}

/* Returns the level, or -1 if a list cannot be read. */
static int find(const char *dir, const char *name)
{
	enum force_level level;

	return force_list_find(dir, name, &level, NULL) < 0 ? -1 : (int)level;
}

int main(void)
{
	_cleanup_free_ char *path = NULL;
	char dir[] = "/tmp/dkms-test-XXXXXX";

	ok(find("/nonexistent", "one") == FORCE_LEVEL_NONE, "compat 1: no lists");
	if (!mkdtemp(dir))
		return 1;
	write_list(dir, "a", "one two_version-override\n");
	write_list(dir, "b", "\n\tthree\n\nfour-five_version-override");
	write_list(dir, "c", "");
	ok(find(dir, "one") == FORCE_LEVEL_ALL, "compat 1: NAME forces");
	ok(find(dir, "two") == FORCE_LEVEL_VERSION,
		"compat 1: NAME_version-override skips the version check");
	ok(find(dir, "three") == FORCE_LEVEL_ALL, "compat 1: in any file");
	ok(find(dir, "four-five") == FORCE_LEVEL_VERSION, "compat 1: on any line");
	ok(find(dir, "four") == FORCE_LEVEL_NONE,
		"compat 1: only complete names match");
	ok(find(dir, "tw") == FORCE_LEVEL_NONE,
		"compat 1: the beginning of a name does not match");
	path = path_join(dir, "directory");
	is_int(dir_make(path, NULL), 0, "a directory is made");
	ok(find(dir, "tw") == FORCE_LEVEL_NONE, "a directory is no list");
	write_size(dir, "large", 2 * 1024 * 1024);
	ok(find(dir, "tw") == -1, "a list that cannot be read is an error");
	dir_remove(dir, NULL);
	return done_testing();
}
