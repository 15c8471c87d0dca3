/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of the cache are damaged? */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/file.h"
#include "cache/damage.h"

struct damage {
	pthread_mutex_t lock;
	atomic_bool keeps; /* files are only noted */
	struct strv files; /* the paths */
	struct strv what;  /* for each, what was wrong and was done */
};

struct damage *damage_new(void)
{
	struct damage *d = xcalloc(1, sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	return d;
}

void damage_keep_files(struct damage *d)
{
	atomic_store(&d->keeps, true);
}

void damage_free(struct damage *d)
{
	if (!d)
		return;
	pthread_mutex_destroy(&d->lock);
	strv_done(&d->files);
	strv_done(&d->what);
	free(d);
}

void damage_note(struct damage *d, const char *path, const char *what)
{
	pthread_mutex_lock(&d->lock);
	if (!strv_contains(&d->files, path)) {
		strv_push(&d->files, path);
		strv_push(&d->what, what);
	}
	pthread_mutex_unlock(&d->lock);
}

static void add(struct damage *d, const char *path, const char *what, const char *past)
{
	_cleanup_free_ char *line = NULL;
	int r;

	if (d && atomic_load(&d->keeps)) {
		damage_note(d, path, what);
		return;
	}
	r = dir_remove(path, NULL);
	if (r < 0)
		line = xasprintf("%s and cannot be removed: %s", what, strerror(-r));
	else
		line = xasprintf("%s and has been removed", past);
	if (d)
		damage_note(d, path, line);
}

void damage_add(struct damage *d, const char *path)
{
	add(d, path, "is damaged", "was damaged");
}

void damage_add_other(struct damage *d, const char *path, const char *what)
{
	add(d, path, what, what);
}

void damage_list(struct damage *d, struct strv *ret_files, struct strv *ret_what)
{
	pthread_mutex_lock(&d->lock);
	strv_extend(ret_files, &d->files);
	strv_extend(ret_what, &d->what);
	pthread_mutex_unlock(&d->lock);
}

char *damage_describe(struct damage *d)
{
	_cleanup_free_ char *more = NULL;
	char *line = NULL;
	size_t n;

	pthread_mutex_lock(&d->lock);
	n = d->files.n;
	more = n > 1 ? xasprintf(", and so %s %zu other file%s", n > 2 ? "were" : "was",
			       n - 1, n > 2 ? "s" : "")
		     : xstrdup("");
	if (n)
		line = xasprintf("%s %s%s; what was in %s is made again; to check all "
				 "files: dkms cache verify",
			d->files.items[0], d->what.items[0], more, n > 1 ? "them" : "it");
	pthread_mutex_unlock(&d->lock);
	return line;
}
