/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes and reads the answer of the process that looks at module files. */
#include "config.h"

#include <errno.h>

#include "builder/module/examine-answer.h"

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static void add_text(struct str *s, const char *text)
{
	size_t i;

	for (i = 0; text[i] && i < ANSWER_TEXT_MAX; i++)
		str_add_bytes(s, is_control(text[i]) ? "?" : text + i, 1);
	if (i == 0)
		str_add(s, "?");
	str_add_bytes(s, "", 1);
}

void answer_write(
	const struct strv *warnings, int r, const struct error *err, struct str *ret)
{
	for (size_t i = 0; i < warnings->n && i < ANSWER_WARNINGS_MAX; i++) {
		str_add(ret, "w");
		add_text(ret, warnings->items[i]);
	}
	if (r >= 0) {
		str_addf(ret, "r%d", r > 0);
		str_add_bytes(ret, "", 1);
	} else {
		str_addf(ret, "e%d ", -r);
		add_text(ret, err->what ? err->what : strerror(-r));
	}
	if (r < 0 && err->remedy) {
		str_add(ret, "h");
		add_text(ret, err->remedy);
	}
	str_add(ret, ".");
	str_add_bytes(ret, "", 1);
}

/* The bytes that have not been read. */
struct reader {
	const char *at, *end;
};

/* Returns the next record of this kind, without the letter, or NULL. */
static const char *take(struct reader *r, char kind)
{
	const char *record = r->at;
	const char *nul;

	if (record == r->end || *record != kind)
		return NULL;
	nul = memchr(record, '\0', (size_t)(r->end - record));
	if (!nul)
		return NULL;
	r->at = nul + 1;
	return record + 1;
}

static bool is_text(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > ANSWER_TEXT_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_control(text[i]))
			return false;
	return true;
}

/* Reads "N TEXT". Returns the negative errno, or 0 if it is not one. */
static int parse_error(const char *record, const char **ret_text)
{
	size_t n = strspn(record, "0123456789");

	if (n == 0 || n > 4 || record[n] != ' ' || !is_text(record + n + 1))
		return 0;
	*ret_text = record + n + 1;
	return -(int)strtol(record, NULL, 10);
}

/* Reads the warnings and the rest of the answer. Returns as answer_parse() does. */
static int parse(struct reader *r, struct strv *warnings, struct error *err)
{
	const char *record, *text = NULL, *remedy = NULL;
	int code = 0;

	while ((record = take(r, 'w'))) {
		if (!is_text(record) || warnings->n == ANSWER_WARNINGS_MAX)
			return -EPROTO;
		strv_push(warnings, record);
	}
	record = take(r, 'r');
	if (record) {
		if (!streq(record, "0") && !streq(record, "1"))
			return -EPROTO;
		code = *record == '1';
	} else {
		record = take(r, 'e');
		code = record ? parse_error(record, &text) : 0;
		if (code == 0 || code == -EPROTO)
			return -EPROTO;
		remedy = take(r, 'h');
		if (remedy && !is_text(remedy))
			return -EPROTO;
	}
	record = take(r, '.');
	if (!record || *record || r->at != r->end)
		return -EPROTO;
	if (code < 0)
		error_set(err, code, 1, "%s", text);
	if (remedy)
		error_remedy(err, "%s", remedy);
	return code;
}

int answer_parse(
	const char *bytes, size_t n, struct strv *ret_warnings, struct error *err)
{
	_cleanup_(strv_done) struct strv warnings = {0};
	struct reader r = {bytes, bytes + n};
	int code = parse(&r, &warnings, err);

	if (code >= 0)
		strv_extend(ret_warnings, &warnings);
	return code;
}
