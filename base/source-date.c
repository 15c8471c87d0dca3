/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which times may the results of a run have? */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/source-date.h"
#include "base/walk.h"

/* 9999-12-31 23:59:59 UTC */
#define LATEST INT64_C(253402300799)

bool source_date_parse(const char *text, struct source_date *ret)
{
	size_t len = text ? strlen(text) : 0;
	int64_t seconds;

	*ret = (struct source_date){0};
	if (len == 0)
		return true;
	if (len != strspn(text, "0123456789") || len > 18)
		return false;
	seconds = strtoll(text, NULL, 10);
	if (seconds > LATEST)
		return false;
	*ret = (struct source_date){true, seconds};
	return true;
}

int64_t source_date_limit(const struct source_date *date, int64_t seconds)
{
	return date->given && seconds > date->seconds ? date->seconds : seconds;
}

/* Clamps the time of a name in the directory dir. */
static void clamp_at(const struct source_date *date, int dir, const char *name)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = date->seconds}};
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (st.st_mtim.tv_sec > date->seconds ||
		(st.st_mtim.tv_sec == date->seconds && st.st_mtim.tv_nsec))
		utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

void source_date_clamp(const struct source_date *date, const char *path)
{
	if (date->given)
		clamp_at(date, AT_FDCWD, path);
}

void source_date_clamp_all(const struct source_date *date, const char *path)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;

	if (!date->given)
		return;
	if (walk_begin(&w, path, 0) == 0)
		while ((e = walk_next(&w)))
			clamp_at(date, e->parent, e->name);
	clamp_at(date, AT_FDCWD, path);
}
