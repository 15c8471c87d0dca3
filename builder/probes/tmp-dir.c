/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and removes the directories of kbuild's questions. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "builder/probes/options.h"
#include "builder/probes/sys.h"
#include "builder/probes/tmp-dir.h"

/* What getdents64(2) fills in: see there. */
struct entry {
	uint64_t inode;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

/* Whether the last part of the path is .tmp_ and a number. */
static bool is_tmp_dir(const char *path)
{
	const char *name = path, *digits;

	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	digits = text_after(name, ".tmp_");
	if (!digits || !*digits)
		return false;
	while (*digits >= '0' && *digits <= '9')
		digits++;
	return !*digits;
}

/* Removes what is in the directory. Returns false if that does not work. */
static bool clear(long fd)
{
	_Alignas(struct entry) char buffer[4096];
	long n;

	while ((n = sys(SYS_getdents64, fd, (long)buffer, sizeof(buffer), 0, 0, 0)) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(buffer + at);

			at += e->size;
			if (text_is(e->name, ".") || text_is(e->name, ".."))
				continue;
			if (sys(SYS_unlinkat, fd, (long)e->name, 0, 0, 0, 0) < 0)
				return false;
		}
	}
	return n == 0;
}

static bool remove_dir(const char *path)
{
	long fd = sys(SYS_openat, AT_FDCWD, (long)path,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, 0, 0);
	bool cleared;

	if (fd < 0)
		return fd == -ENOENT;
	cleared = clear(fd);
	sys(SYS_close, fd, 0, 0, 0, 0, 0);
	return cleared &&
	       sys(SYS_unlinkat, AT_FDCWD, (long)path, AT_REMOVEDIR, 0, 0, 0) == 0;
}

bool tmp_dir_serve(const char *name, char **argv)
{
	bool makes = text_is(name, "mkdir"), removes = text_is(name, "rm");

	if ((!makes && !removes) || !argv[0] || !argv[1] || !argv[2] || argv[3] ||
		!is_tmp_dir(argv[2]))
		return false;
	if (makes)
		return text_is(argv[1], "-p") &&
		       sys(SYS_mkdirat, AT_FDCWD, (long)argv[2], 0777, 0, 0, 0) == 0;
	return text_is(argv[1], "-rf") && remove_dir(argv[2]);
}
