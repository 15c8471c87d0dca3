/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of the cache are damaged? */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#include "base/file.h"
#include "cache/damage.h"

struct damage {
	pthread_mutex_t lock;
	struct strv files; /* the paths */
	struct strv lines; /* what was done with each */
};

struct damage *damage_new(void)
{
	struct damage *d = xcalloc(1, sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	return d;
}

void damage_free(struct damage *d)
{
	if (!d)
		return;
	pthread_mutex_destroy(&d->lock);
	strv_done(&d->files);
	strv_done(&d->lines);
	free(d);
}

void damage_add(struct damage *d, const char *path)
{
	int r = dir_remove(path, NULL);

	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	if (!strv_contains(&d->files, path)) {
		strv_push(&d->files, path);
		if (r < 0)
			strv_pushf(&d->lines, "%s is damaged and cannot be removed: %s",
				path, strerror(-r));
		else
			strv_pushf(
				&d->lines, "%s was damaged and has been removed", path);
	}
	pthread_mutex_unlock(&d->lock);
}

void damage_list(struct damage *d, struct strv *ret)
{
	pthread_mutex_lock(&d->lock);
	strv_extend(ret, &d->lines);
	pthread_mutex_unlock(&d->lock);
}

char *damage_describe(struct damage *d)
{
	char *line = NULL;
	size_t n;

	pthread_mutex_lock(&d->lock);
	n = d->lines.n;
	if (n == 1)
		line = xasprintf("%s; what was in it is made again", d->lines.items[0]);
	else if (n > 1)
		line = xasprintf("%s, and so %s %zu other%s; what was in them is made "
				 "again; dkms cache verify checks all files",
			d->lines.items[0], n > 2 ? "were" : "was", n - 1,
			n > 2 ? "s" : "");
	pthread_mutex_unlock(&d->lock);
	return line;
}
