/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing string. */
#include "config.h"

#include "base/str.h"

static void reserve(struct str *s, size_t more)
{
	size_t want = s->len + more + 1;

	if (want <= s->room)
		return;
	if (want < 2 * s->room)
		want = 2 * s->room;
	if (want < 64)
		want = 64;
	s->data = xrealloc_array(s->data, want, 1);
	s->room = want;
}

void str_add_bytes(struct str *s, const void *bytes, size_t n)
{
	reserve(s, n);
	if (n)
		memcpy(s->data + s->len, bytes, n);
	s->len += n;
	s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_bytes(s, text, strlen(text));
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	char *text = NULL;
	int n = vasprintf(&text, fmt, ap);

	if (n < 0)
		abort();
	str_add_bytes(s, text, (size_t)n);
	free(text);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void str_add_quoted(struct str *s, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-";

	if (*text && strspn(text, plain) == strlen(text)) {
		str_add(s, text);
		return;
	}
	str_add(s, "'");
	for (; *text; text++) {
		if (*text == '\'')
			str_add(s, "'\\''");
		else
			str_add_bytes(s, text, 1);
	}
	str_add(s, "'");
}

char *str_take(struct str *s)
{
	char *data = s->data ? s->data : xstrdup("");

	*s = (struct str){0};
	return data;
}

void str_done(struct str *s)
{
	free(s->data);
	*s = (struct str){0};
}

void text_mask_controls(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		/* In UTF-8, U+0080 to U+009F are control characters, too. */
		if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = '?';
		else if ((*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f)
			*c = '?';
	}
}

void text_shorten(char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	if (n <= max || max < strlen("..."))
		return;
	n = max - strlen("...");
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	memcpy(text + n, "...", sizeof("..."));
}

uint64_t text_hash(const char *text, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return h;
}
