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

int main(void)
{
	char dir[] = "/tmp/dkms-test-XXXXXX";

	ok(force_list_find("/nonexistent", "one") == FORCE_LEVEL_NONE, "compat 1: no lists");
	if (!mkdtemp(dir))
		return 1;
	write_list(dir, "a", "one two_version-override\n");
	write_list(dir, "b", "\n\tthree\n\nfour-five_version-override");
	write_list(dir, "c", "");
	ok(force_list_find(dir, "one") == FORCE_LEVEL_ALL, "compat 1: NAME forces");
	ok(force_list_find(dir, "two") == FORCE_LEVEL_VERSION,
		"compat 1: NAME_version-override skips the version check");
	ok(force_list_find(dir, "three") == FORCE_LEVEL_ALL, "compat 1: in any file");
	ok(force_list_find(dir, "four-five") == FORCE_LEVEL_VERSION, "compat 1: on any line");
	ok(force_list_find(dir, "four") == FORCE_LEVEL_NONE,
		"compat 1: only complete names match");
	ok(force_list_find(dir, "tw") == FORCE_LEVEL_NONE,
		"compat 1: the beginning of a name does not match");
	dir_remove(dir, NULL);
	return done_testing();
}
