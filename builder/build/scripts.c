/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of a package say what its build does? */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/build/scripts.h"

/* A larger file is no makefile (bytes). */
#define SCRIPT_MAX (1024 * 1024)

/* Whether the file is likely to have commands. */
static bool has_commands(const struct walk_entry *e)
{
	static const char *const names[] = {
		"akefile", "Kbuild", "CMakeLists", "configure", "dkms.conf"};
	static const char *const suffixes[] = {".ac", ".am", ".bash", ".cmake", ".diff", ".in",
		".mak", ".make", ".mk", ".patch", ".pl", ".py", ".sh"};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strstr(e->name, names[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (has_suffix(e->name, suffixes[i]))
			return true;
	return fstatat(e->parent, e->name, &st, 0) == 0 && st.st_mode & 0111;
}

bool scripts_read(
	const struct read_guard *guard, const struct walk_entry *e, struct str *ret)
{
	struct stat dir, st;
	mode_t mode;
	_cleanup_close_ int fd = file_open_at(e->parent, e->name, &mode);

	if (fd < 0 || (guard && (fstat(fd, &st) < 0 || fstat(e->parent, &dir) < 0 ||
					!guard_allows(guard, &dir, &st))))
		return false;
	return file_read_fd(fd, SCRIPT_MAX, ret) == 0;
}

void scripts_each(const char *dir, void (*f)(const char *text, void *userdata), void *userdata)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	struct read_guard guard;
	int fd = guard_open(dir, O_RDONLY | O_DIRECTORY, &guard);
	int r = fd < 0 ? fd : walk_begin_at(&w, fd, 0);

	while (r == 0 && (e = walk_next(&w))) {
		_cleanup_(str_done) struct str text = {0};

		if (e->type == DT_REG && has_commands(e) && scripts_read(&guard, e, &text) &&
			text.data)
			f(text.data, userdata);
	}
}
