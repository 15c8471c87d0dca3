/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks through everything below a directory. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/walk.h"

/* A directory that the walk is in. */
struct walk_level {
	struct dirents names;
	size_t next;     /* the index of the name that is reported next */
	size_t path_len; /* of the path relative to the top directory; 0 for that one */
};

/* Makes the directory that fd is open on the deepest one of the walk. Owns fd. */
static int enter(struct walk *w, int fd)
{
	struct walk_level level = {
		.path_len = w->flags & WALK_UNNAMED ? 0 : w->path.len};
	int r = w->flags & WALK_VISIBLE ? dirents_read(fd, &level.names)
					: dirents_read_all(fd, &level.names);

	if (r < 0)
		close(fd);
	else
		r = dir_stack_push(&w->dirs, fd);
	if (r < 0) {
		dirents_done(&level.names);
		return r;
	}
	if (w->flags & WALK_SORTED)
		dirents_sort(&level.names);
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 8;
		w->levels = xrealloc_array(w->levels, w->room, sizeof(*w->levels));
	}
	w->levels[w->n++] = level;
	return 0;
}

/* Closes the deepest directory. Returns a negative errno if the walk cannot go on in the
 * one above it. */
static int leave(struct walk *w)
{
	dirents_done(&w->levels[--w->n].names);
	return dir_stack_pop(&w->dirs);
}

int walk_begin_at(struct walk *w, int fd, enum walk_flags flags)
{
	*w = (struct walk){.flags = flags};
	str_add(&w->path, "");
	return enter(w, fd);
}

int walk_begin(struct walk *w, const char *path, enum walk_flags flags)
{
	int fd = dir_open_at(AT_FDCWD, path);

	*w = (struct walk){0};
	return fd < 0 ? fd : walk_begin_at(w, fd, flags);
}

static void truncate_path(struct walk *w, size_t len)
{
	w->path.len = len;
	w->path.data[len] = '\0';
}

/* Fills in w->entry for the next name of the deepest directory. Returns false if the
 * entry has vanished. */
static bool look_at(struct walk *w, struct walk_level *level)
{
	const struct dir_entry *d = &level->names.items[level->next++];
	struct walk_entry *e = &w->entry;
	struct stat st;

	truncate_path(w, level->path_len);
	if (level->path_len)
		str_add(&w->path, "/");
	str_add(&w->path, d->name);
	*e = (struct walk_entry){.parent = dir_stack_fd(&w->dirs),
		.name = d->name,
		.path = w->path.data,
		.depth = w->n - 1,
		.type = d->type,
		.fd = -1};
	if (e->type == DT_UNKNOWN) {
		if (fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			e->type = IFTODT(st.st_mode);
		else if (errno == ENOENT)
			return false;
		else
			e->error = -errno;
	}
	return true;
}

/* Opens the directory that w->entry is, or sets w->entry.error. */
static void enter_entry(struct walk *w)
{
	struct walk_entry *e = &w->entry;
	int fd;

	if (w->path.len >= PATH_MAX) {
		e->error = -ENAMETOOLONG;
		return;
	}
	fd = openat(e->parent, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	e->error = fd < 0 ? -errno : enter(w, fd);
	if (e->error == 0)
		e->fd = fd;
}

/* Fills in w->entry for a directory whose content has been reported. */
static const struct walk_entry *report_leaving(struct walk *w, size_t path_len)
{
	const struct walk_level *level = &w->levels[w->n - 1];

	truncate_path(w, path_len);
	w->entry = (struct walk_entry){.parent = dir_stack_fd(&w->dirs),
		.name = level->names.items[level->next - 1].name,
		.path = w->path.data,
		.depth = w->n - 1,
		.type = DT_DIR,
		.fd = -1,
		.leaving = true};
	if (w->flags & WALK_UNNAMED)
		w->entry.path = w->entry.name;
	return &w->entry;
}

/* Fills in w->entry and ends the walk, which cannot go on in the directory above the one
 * that it has left. */
static const struct walk_entry *report_lost(struct walk *w, size_t path_len, int error)
{
	truncate_path(w, path_len);
	while (w->n)
		dirents_done(&w->levels[--w->n].names);
	dir_stack_done(&w->dirs);
	w->entry = (struct walk_entry){.parent = -1,
		.name = "..",
		.path = w->path.data,
		.type = DT_UNKNOWN,
		.fd = -1,
		.error = error};
	return &w->entry;
}

const struct walk_entry *walk_next(struct walk *w)
{
	while (w->n) {
		struct walk_level *level = &w->levels[w->n - 1];

		if (level->next == level->names.n) {
			size_t path_len = level->path_len;
			int r = leave(w);

			if (r < 0)
				return report_lost(w, path_len, r);
			if (w->n && w->flags & WALK_LEAVE)
				return report_leaving(w, path_len);
		} else if (look_at(w, level)) {
			if (w->entry.type == DT_DIR)
				enter_entry(w);
			return &w->entry;
		}
	}
	return NULL;
}

void walk_retry(struct walk *w)
{
	if (w->entry.type == DT_DIR && w->entry.error)
		enter_entry(w);
}

void walk_skip(struct walk *w)
{
	/* The directory above is one of the deepest and still open. */
	if (w->entry.fd >= 0)
		(void)leave(w);
	w->entry.fd = -1;
}

void walk_done(struct walk *w)
{
	while (w->n)
		dirents_done(&w->levels[--w->n].names);
	dir_stack_done(&w->dirs);
	free(w->levels);
	str_done(&w->path);
	*w = (struct walk){0};
}
