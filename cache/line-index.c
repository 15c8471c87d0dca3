/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in a text is the line about something? A hash table of the lines' beginnings, linear
 * probing, at most half full. */
#include "config.h"

#include <stdint.h>

#include "cache/line-index.h"

struct line_index {
	const char **lines; /* NULL: free */
	size_t room;	    /* a power of two */
};

/* FNV-1a. */
static uint64_t hash(const char *name, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
	return h;
}

static size_t name_length(const char *line)
{
	return strcspn(line, " \n");
}

/* Where the line of that name is, or would be. */
static const char **place(const struct line_index *i, const char *name, size_t n)
{
	size_t at = hash(name, n) & (i->room - 1);

	while (i->lines[at] && (name_length(i->lines[at]) != n ||
				       memcmp(i->lines[at], name, n) != 0))
		at = (at + 1) & (i->room - 1);
	return &i->lines[at];
}

struct line_index *line_index_new(const char *text)
{
	struct line_index *i = xcalloc(1, sizeof(*i));
	size_t n = 1;

	for (const char *c = text; c && (c = strchr(c, '\n')); c++)
		n++;
	i->room = 16;
	while (i->room < 2 * n)
		i->room *= 2;
	i->lines = xcalloc(i->room, sizeof(*i->lines));
	for (const char *line = text; line && *line;) {
		const char **p = place(i, line, name_length(line));

		if (!*p)
			*p = line;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return i;
}

void line_index_free(struct line_index *i)
{
	if (!i)
		return;
	free(i->lines);
	free(i);
}

const char *line_index_find(const struct line_index *i, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);
	const char *line = *place(i, name, n);

	if (!line || line[n] != ' ')
		return NULL;
	*ret_len = strcspn(line + n + 1, "\n");
	return line + n + 1;
}
