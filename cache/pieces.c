/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of pieces is a text:
 *
 *   dkms-cache-pieces 2
 *   note TEXT              may be missing
 *   input NAME VALUE       any number of these lines, numbered from 0
 *   common N N-M ...       the numbers of the common inputs, in their order
 *   piece N N-M ...        the numbers of a piece's own inputs
 *   file NAME              any number of these lines, for the piece above */
#include "config.h"

#include <errno.h>

#include "cache/pieces.h"

#define FIRST_LINE "dkms-cache-pieces 2"

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
	free(p->common.inputs);
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
	str_add(ret, "common");
	write_numbers(&p->common, ret);
	str_add(ret, "\n");
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

/* Reads the numbers of the inputs of a piece, of which there are end. */
static bool parse_numbers(struct piece *piece, size_t end, const char *line)
{
	size_t first, last;

	while (*line) {
		if (!parse_range(&line, end, &first, &last))
			return false;
		for (size_t i = first; i <= last; i++)
			piece_add_input(piece, i);
	}
	return true;
}

/* Reads a line. Sets *had_common if it has the common inputs: that line comes before all
 * pieces. */
static bool parse_line(struct pieces *p, const char *line, bool *had_common)
{
	if (has_prefix(line, "note ") && !p->inputs.n && !*had_common) {
		str_replace(&p->note, line + strlen("note "));
		return true;
	}
	if (has_prefix(line, "input ") && !*had_common) {
		strv_push(&p->inputs, line + strlen("input "));
		return strchr(line + strlen("input "), ' ');
	}
	if (has_prefix(line, "common") && !*had_common) {
		*had_common = true;
		return parse_numbers(&p->common, p->inputs.n, line + strlen("common"));
	}
	if (has_prefix(line, "piece") && *had_common)
		return parse_numbers(pieces_add(p), p->inputs.n, line + strlen("piece"));
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
	bool good = line && streq(line, FIRST_LINE), had_common = false;

	while (good && (line = strsep(&rest, "\n")) && rest)
		good = parse_line(&p, line, &had_common);
	if (!good || !had_common || is_empty(text) || !has_suffix(text, "\n")) {
		pieces_done(&p);
		return -EBADMSG;
	}
	*ret = p;
	return 0;
}

/* Returns the first input of a piece that has changed, or PIECE_VALID. */
static size_t find_change(const struct piece *piece, const bool *is_same)
{
	for (size_t i = 0; i < piece->n_inputs; i++)
		if (!is_same[piece->inputs[i]])
			return piece->inputs[i];
	return PIECE_VALID;
}

size_t pieces_check(const struct pieces *p,
	bool (*same)(const void *userdata, const char *name, const char *value),
	const void *userdata, size_t *changed)
{
	_cleanup_free_ bool *is_same = xcalloc(p->inputs.n + 1, sizeof(*is_same));
	size_t n = 0, common;

	for (size_t i = 0; i < p->inputs.n; i++) {
		const char *input = p->inputs.items[i];
		size_t len = strcspn(input, " ");
		_cleanup_free_ char *name = xstrndup(input, len);

		is_same[i] = same(userdata, name, input + len + 1);
	}
	common = find_change(&p->common, is_same);
	for (size_t i = 0; i < p->n; i++) {
		changed[i] = common != PIECE_VALID ? common
						   : find_change(&p->items[i], is_same);
		n += changed[i] == PIECE_VALID;
	}
	return n;
}
