/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of directories, a constant number for any depth. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir-stack.h"

/* Closes a directory that is not among the deepest ones. */
static int put_aside(struct stacked_dir *d)
{
	struct stat st;

	if (d->fd < 0)
		return 0;
	if (fstat(d->fd, &st) < 0)
		return -errno;
	d->dev = st.st_dev;
	d->ino = st.st_ino;
	close(take_fd(&d->fd));
	return 0;
}

int dir_stack_push(struct dir_stack *s, int fd)
{
	int r = s->n < DIR_STACK_OPEN ? 0 : put_aside(&s->items[s->n - DIR_STACK_OPEN]);

	if (r < 0) {
		close(fd);
		return r;
	}
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 8;
		s->items = xrealloc_array(s->items, s->room, sizeof(*s->items));
	}
	s->items[s->n++] = (struct stacked_dir){.fd = fd};
	return 0;
}

/* Opens d again. below is open on the directory that was read in it. */
static int reopen(struct stacked_dir *d, int below)
{
	_cleanup_close_ int fd = openat(below, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != d->dev || st.st_ino != d->ino)
		return -ESTALE;
	d->fd = take_fd(&fd);
	return 0;
}

int dir_stack_pop(struct dir_stack *s)
{
	int fd = s->items[--s->n].fd;
	int r = 0;

	if (s->n && s->items[s->n - 1].fd < 0)
		r = reopen(&s->items[s->n - 1], fd);
	close(fd);
	return r;
}

int dir_stack_fd(const struct dir_stack *s)
{
	return s->items[s->n - 1].fd;
}

void dir_stack_done(struct dir_stack *s)
{
	for (size_t i = 0; i < s->n; i++)
		close_ptr(&s->items[i].fd);
	free(s->items);
	*s = (struct dir_stack){0};
}
