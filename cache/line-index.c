/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table of the lines of a text by their first words, with linear probing. It is at
 * most half full. */
#include "config.h"

#include <stdint.h>

#include "cache/line-index.h"

struct line_index {
	const char **lines; /* NULL in a free slot */
	size_t room;        /* the number of slots, a power of two */
};

static size_t word_length(const char *line)
{
	return strcspn(line, " \n");
}

/* Returns the slot of the line that begins with the n bytes of name, or the free slot for
 * it. */
static const char **find_slot(const struct line_index *i, const char *name, size_t n)
{
	size_t at = text_hash(name, n) & (i->room - 1);

	while (i->lines[at] &&
		(word_length(i->lines[at]) != n || memcmp(i->lines[at], name, n) != 0))
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
		const char **p = find_slot(i, line, word_length(line));

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
	const char *line = *find_slot(i, name, n);

	if (!line || line[n] != ' ')
		return NULL;
	*ret_len = strcspn(line + n + 1, "\n");
	return line + n + 1;
}
