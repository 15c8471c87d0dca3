/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is mounted where? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/run/mounts.h"

/* Replaces \ooo by its character in a field of mountinfo, in place. */
static void decode_field(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 +
				       from[3] - '0');
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

/* Parses "ID PARENT DEVICE ROOT PLACE OPTIONS [TAG...] - TYPE ...". */
static int add_line(struct mounts *m, char *line)
{
	char *fields[6], *type;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = strsep(&line, " ");
	type = line ? strstr(line, "- ") : NULL;
	if (!type)
		return -EBADMSG;
	type += strlen("- ");
	type[strcspn(type, " ")] = '\0';
	decode_field(fields[3]);
	decode_field(fields[4]);
	if ((m->n & (m->n - 1)) == 0)
		m->items = xrealloc_array(m->items, 2 * m->n + 1, sizeof(*m->items));
	m->items[m->n++] = (struct mount){
		.id = strtol(fields[0], NULL, 10),
		.parent = strtol(fields[1], NULL, 10),
		.device = xstrdup(fields[2]),
		.root = xstrdup(fields[3]),
		.place = xstrdup(fields[4]),
		.type = xstrdup(type),
		.writable = !has_prefix(fields[5], "ro"),
	};
	return 0;
}

int mounts_parse(char *text, struct mounts *ret)
{
	char *line, *rest = text;
	int r = 0;

	*ret = (struct mounts){0};
	while (r == 0 && (line = strsep(&rest, "\n")) && *line)
		r = add_line(ret, line);
	if (r < 0)
		mounts_done(ret);
	return r;
}

void mounts_done(struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->items[i].device);
		free(m->items[i].root);
		free(m->items[i].place);
		free(m->items[i].type);
	}
	free(m->items);
	*m = (struct mounts){0};
}

const struct mount *mounts_find(const struct mounts *m, long id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].id == id)
			return &m->items[i];
	return NULL;
}

static bool is_in(const char *path, const char *dir)
{
	return streq(dir, "/") || path_is_in(path, dir);
}

/* Returns the next mount on the way along path: of those on this one, the first that path
 * leads across. NULL if there is none. */
static const struct mount *next_mount(
	const struct mounts *m, const struct mount *mount, const char *path)
{
	const struct mount *next = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct mount *at = &m->items[i];

		if (at->parent != mount->id || at == mount ||
			!is_in(path, at->place))
			continue;
		if (!next || strlen(at->place) < strlen(next->place))
			next = at;
	}
	return next;
}

const struct mount *mounts_at(const struct mounts *m, const char *path)
{
	const struct mount *at = NULL, *next = NULL;

	for (size_t i = 0; i < m->n && !next; i++)
		if (streq(m->items[i].place, "/") &&
			!mounts_find(m, m->items[i].parent))
			next = &m->items[i];
	for (size_t steps = 0; next && steps <= m->n; steps++) {
		at = next;
		next = next_mount(m, at, path);
	}
	return at;
}

bool mounts_is_visible(const struct mounts *m, const struct mount *mount)
{
	return mounts_at(m, mount->place) == mount;
}

/* Whether the root of b can also be reached on a, at another path. */
static bool reaches(const struct mounts *m, const struct mount *a, const struct mount *b)
{
	_cleanup_free_ char *path = NULL;
	const char *below = b->root + (streq(a->root, "/") ? 0 : strlen(a->root));

	if (a == b || !streq(a->device, b->device) || !is_in(b->root, a->root))
		return false;
	path = xasprintf("%s%s", streq(a->place, "/") ? "" : a->place,
		streq(below, "/") ? "" : below);
	return !streq(*path ? path : "/", b->place) &&
	       mounts_at(m, *path ? path : "/") == a && mounts_is_visible(m, b);
}

bool mounts_have_second_names(const struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (streq(m->items[i].type, "devtmpfs"))
			continue;
		for (size_t j = 0; j < m->n; j++)
			if (reaches(m, &m->items[i], &m->items[j]))
				return true;
	}
	return false;
}
