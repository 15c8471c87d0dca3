/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries of a directory, read by getdents64(2). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dirents.h"

static void add(struct dirents *d, const char *name, unsigned char type)
{
	if (d->n == d->room) {
		d->room = 2 * d->room + 16;
		d->items = xrealloc_array(d->items, d->room, sizeof(*d->items));
	}
	d->items[d->n++] = (struct dir_entry){name, type};
}

static bool is_itself_or_parent(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int read_names(int fd, bool with_hidden, struct dirents *ret)
{
	_Alignas(struct dirent64) char buffer[32768];

	for (;;) {
		ssize_t n = getdents64(fd, buffer, sizeof(buffer));
		char *block;

		if (n <= 0)
			return n < 0 ? -errno : 0;
		block = memcpy(xcalloc((size_t)n, 1), buffer, (size_t)n);
		strv_take(&ret->blocks, block);
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d = (const void *)(buffer + at);
			size_t name = (size_t)at + offsetof(struct dirent64, d_name);

			if (block[name] != '.' ||
				(with_hidden && !is_itself_or_parent(block + name)))
				add(ret, block + name, d->d_type);
			at += d->d_reclen;
		}
	}
}

int dirents_read(int fd, struct dirents *ret)
{
	return read_names(fd, false, ret);
}

int dirents_read_all(int fd, struct dirents *ret)
{
	return read_names(fd, true, ret);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(
		((const struct dir_entry *)a)->name, ((const struct dir_entry *)b)->name);
}

void dirents_sort(struct dirents *d)
{
	if (d->n > 1)
		qsort(d->items, d->n, sizeof(*d->items), compare_names);
}

void dirents_done(struct dirents *d)
{
	free(d->items);
	strv_done(&d->blocks);
	*d = (struct dirents){0};
}

bool dir_entry_may_be_dir(const struct dir_entry *d)
{
	return d->type == DT_DIR || d->type == DT_LNK || d->type == DT_UNKNOWN;
}

int dir_open_at(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool is_dir_at(int fd, const char *path)
{
	struct stat st;

	return fstatat(fd, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

bool is_link_at(int fd, const char *path)
{
	struct stat st;

	return fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

bool dir_entry_is_dir(int fd, const struct dir_entry *d)
{
	return d->type == DT_DIR || (dir_entry_may_be_dir(d) && is_dir_at(fd, d->name));
}

bool dir_entry_is_link(int fd, const struct dir_entry *d)
{
	return d->type == DT_LNK || (d->type == DT_UNKNOWN && is_link_at(fd, d->name));
}
