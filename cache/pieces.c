/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of pieces is a text:
 *
 *   dkms-cache-pieces 1
 *   note TEXT              may be missing
 *   input NAME VALUE       any number of these lines, numbered from 0
 *   piece N N-M ...        the numbers of its inputs, in their order
 *   file NAME              any number of these lines, for the piece above */
#include "config.h"

#include <errno.h>

#include "cache/pieces.h"

#define FIRST_LINE "dkms-cache-pieces 1"

struct piece *pieces_add(struct pieces *p)
{
	p->items = xrealloc_array(p->items, p->n + 1, sizeof(*p->items));
	p->items[p->n] = (struct piece){0};
	return &p->items[p->n++];
}

void piece_add_input(struct piece *piece, size_t number)
{
	/* The array is full when it has a power of two of elements, or none. */
	if ((piece->n_inputs & (piece->n_inputs - 1)) == 0)
		piece->inputs = xrealloc_array(piece->inputs, 2 * piece->n_inputs + 1,
			sizeof(*piece->inputs));
	piece->inputs[piece->n_inputs++] = number;
}

void pieces_done(struct pieces *p)
{
	for (size_t i = 0; i < p->n; i++) {
		strv_done(&p->items[i].files);
		free(p->items[i].inputs);
	}
	free(p->items);
	free(p->note);
	strv_done(&p->inputs);
	*p = (struct pieces){0};
}

static void write_numbers(const struct piece *piece, struct str *ret)
{
	for (size_t i = 0; i < piece->n_inputs; i++) {
		size_t first = piece->inputs[i], last = first;

		while (i + 1 < piece->n_inputs && piece->inputs[i + 1] == last + 1) {
			last++;
			i++;
		}
		if (last > first)
			str_addf(ret, " %zu-%zu", first, last);
		else
			str_addf(ret, " %zu", first);
	}
}

void pieces_write(const struct pieces *p, struct str *ret)
{
	str_add(ret, FIRST_LINE "\n");
	if (p->note)
		str_addf(ret, "note %s\n", p->note);
	for (size_t i = 0; i < p->inputs.n; i++)
		str_addf(ret, "input %s\n", p->inputs.items[i]);
	for (size_t i = 0; i < p->n; i++) {
		str_add(ret, "piece");
		write_numbers(&p->items[i], ret);
		str_add(ret, "\n");
		for (size_t j = 0; j < p->items[i].files.n; j++)
			str_addf(ret, "file %s\n", p->items[i].files.items[j]);
	}
}

/* Reads " N" or " N-M" at *at and moves *at behind it. Returns false if the numbers are
 * not below end. */
static bool parse_range(const char **at, size_t end, size_t *ret_first, size_t *ret_last)
{
	size_t first, last;
	char *rest;

	if (**at != ' ' || (*at)[1] < '0' || (*at)[1] > '9')
		return false;
	first = last = strtoul(*at + 1, &rest, 10);
	if (*rest == '-' && rest[1] >= '0' && rest[1] <= '9')
		last = strtoul(rest + 1, &rest, 10);
	*at = rest;
	*ret_first = first;
	*ret_last = last;
	return first <= last && last < end;
}

static bool parse_piece(struct pieces *p, const char *line)
{
	struct piece *piece = pieces_add(p);
	size_t first, last;

	while (*line) {
		if (!parse_range(&line, p->inputs.n, &first, &last))
			return false;
		for (size_t i = first; i <= last; i++)
			piece_add_input(piece, i);
	}
	return true;
}

static bool parse_line(struct pieces *p, const char *line)
{
	if (has_prefix(line, "note ") && !p->inputs.n && !p->n) {
		str_replace(&p->note, line + strlen("note "));
		return true;
	}
	if (has_prefix(line, "input ") && !p->n) {
		strv_push(&p->inputs, line + strlen("input "));
		return strchr(line + strlen("input "), ' ');
	}
	if (has_prefix(line, "piece"))
		return parse_piece(p, line + strlen("piece"));
	if (has_prefix(line, "file ") && p->n) {
		strv_push(&p->items[p->n - 1].files, line + strlen("file "));
		return true;
	}
	return false;
}

int pieces_parse(const char *text, struct pieces *ret)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct pieces p = {0};
	char *rest = copy, *line = strsep(&rest, "\n");
	bool good = line && streq(line, FIRST_LINE);

	while (good && (line = strsep(&rest, "\n")) && rest)
		good = parse_line(&p, line);
	if (!good || is_empty(text) || !has_suffix(text, "\n")) {
		pieces_done(&p);
		return -EBADMSG;
	}
	*ret = p;
	return 0;
}

size_t pieces_check(const struct pieces *p,
	bool (*same)(const void *userdata, const char *name, const char *value),
	const void *userdata, size_t *changed)
{
	_cleanup_free_ bool *is_same = xcalloc(p->inputs.n + 1, sizeof(*is_same));
	size_t n = 0;

	for (size_t i = 0; i < p->inputs.n; i++) {
		const char *input = p->inputs.items[i];
		size_t len = strcspn(input, " ");
		_cleanup_free_ char *name = xstrndup(input, len);

		is_same[i] = same(userdata, name, input + len + 1);
	}
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->items[i];
		size_t j = 0;

		while (j < piece->n_inputs && is_same[piece->inputs[j]])
			j++;
		changed[i] = j < piece->n_inputs ? piece->inputs[j] : PIECE_VALID;
		n += changed[i] == PIECE_VALID;
	}
	return n;
}
