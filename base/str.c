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

/* Returns the number of bytes of the character at s in UTF-8, which is at least 1, or 0 if it
 * is none: a byte of another encoding, or a character that is longer than it has to be. */
static size_t utf8_length(const unsigned char *s)
{
	size_t n = *s < 0x80			 ? 1
		   : *s >= 0xc2 && *s < 0xe0 ? 2
		   : *s >= 0xe0 && *s < 0xf0 ? 3
		   : *s >= 0xf0 && *s < 0xf5 ? 4
					     : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xf0 && s[1] < 0x90))
		return 0;
	return n;
}

/* Whether a character is not seen itself, but changes the order or the look of others: the ones
 * of category Cf in UnicodeData.txt that are in use, and the separators of lines (U+2028). */
static bool is_format(unsigned int c)
{
	static const unsigned int ranges[][2] = {{0xad, 0xad}, {0x61c, 0x61c}, {0x180e, 0x180e},
		{0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
		{0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* Returns the number of bytes of the character at s. *ret_control says whether a terminal may
 * take it for a control character: U+0080 to U+009F and bytes that are no UTF-8 are such, too. */
static size_t read_char(const char *s, bool *ret_control)
{
	const unsigned char *c = (const unsigned char *)s;
	size_t n = utf8_length(c);
	unsigned int value = n > 1 ? *c & (0x7fu >> n) : *c;

	for (size_t i = 1; i < n; i++)
		value = value << 6 | (c[i] & 0x3f);
	*ret_control = !n || value < ' ' || (value >= 0x7f && value < 0xa0) || is_format(value);
	return n ? n : 1;
}

bool text_has_control(const char *text)
{
	bool control = false;

	while (*text && !control)
		text += read_char(text, &control);
	return control;
}

void text_mask_controls(char *text)
{
	while (*text) {
		bool control;
		size_t n = read_char(text, &control);

		if (control && *text != '\n' && *text != '\t')
			memset(text, '?', n);
		text += n;
	}
}

char *text_escape_controls(const char *text)
{
	struct str s = {0};

	str_add(&s, "");
	while (*text) {
		bool control;
		size_t n = read_char(text, &control);

		if (!control)
			str_add_bytes(&s, text, n);
		for (size_t i = 0; i < n && control; i++)
			str_addf(&s, "\\x%02x", (unsigned char)text[i]);
		text += n;
	}
	return str_take(&s);
}

bool text_is_plain(const char *text)
{
	return !strpbrk(text, " $`\"'\\;&|<>(){}[]*?!#") && !text_has_control(text);
}

bool text_is_name(const char *text)
{
	return *text && !strchr(".~", *text) && !strchr(text, '/') && text_is_plain(text);
}

bool text_has_any(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

bool text_has_suffix_of(const char *text, const char *const *suffixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has_suffix(text, suffixes[i]))
			return true;
	return false;
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

bool text_take_number(const char **at, uint64_t *ret)
{
	size_t n = strspn(*at, "0123456789");

	if (n == 0 || n > 18)
		return false;
	*ret = strtoull(*at, NULL, 10);
	*at += n;
	return true;
}
