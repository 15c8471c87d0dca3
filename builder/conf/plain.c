/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evaluates plain configuration files without bash. Whatever bash might understand in
 * another way makes a text one that is not plain. */
#include "config.h"

#include <ctype.h>
#include <regex.h>

#include "builder/conf/plain.h"

#define PATTERN_MAX 256 /* characters of a regular expression */
#define GROUPS_MAX 16	/* parentheses there */
/* What variables may make of one value (bytes): each line can double what is in another. */
#define EXPANDED_MAX (16 * 1024)

/* The files that are being read, and the variables that they have set so far. */
struct reader {
	const struct plain_request *request;
	struct variable *items;
	size_t n;
};

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Returns the length of the variable name at s; 0 if there is none. */
static size_t name_length(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)*s))
		return 0;
	while (is_name_char(s[n]))
		n++;
	return n;
}

static bool is_same(const char *name, const char *s, size_t len)
{
	return strncmp(name, s, len) == 0 && !name[len];
}

static bool is_directive(const struct reader *r, const char *s, size_t len)
{
	for (const char *const *name = r->request->names; *name; name++)
		if (is_same(*name, s, len))
			return true;
	return false;
}

/* Returns whether a file may set the variable. All names with a meaning for bash are in
 * capitals or begin with '_', but for two. */
static bool may_set(const struct reader *r, const char *s, size_t len)
{
	bool has_small = false;

	if (is_directive(r, s, len) || (len > 8 && has_prefix(s, "PACKAGE_")))
		return true;
	for (size_t i = 0; i < r->request->n_given; i++)
		if (is_same(r->request->given[i].name, s, len))
			return false;
	for (size_t i = 0; i < len; i++)
		has_small = has_small || islower((unsigned char)s[i]);
	return has_small && *s != '_' && !is_same("auto_resume", s, len) &&
	       !is_same("histchars", s, len);
}

static struct variable *find_item(
	const struct reader *r, const char *s, size_t len, unsigned int index)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].index == index && is_same(r->items[i].name, s, len))
			return &r->items[i];
	return NULL;
}

/* Returns what the variable expands to, borrowed; NULL if that is not known here. */
static const char *find_value(const struct reader *r, const char *s, size_t len)
{
	const struct variable *item = find_item(r, s, len, 0);

	if (item)
		return item->value;
	for (size_t i = 0; i < r->request->n_given; i++)
		if (is_same(r->request->given[i].name, s, len))
			return r->request->given[i].value;
	return NULL;
}

/* Expands what is at *at, a '$', and moves *at behind it. The '$' stands for itself before
 * one of the characters in ends. Returns false if bash has to. */
static bool expand(const struct reader *r, const char **at, const char *ends, struct str *to)
{
	const char *s = *at + 1, *value;
	bool braces = *s == '{';
	size_t len = name_length(s + braces);

	if (!len && !braces && strchr(ends, *s)) {
		str_add(to, "$");
		*at = s;
		return true;
	}
	value = len ? find_value(r, s + braces, len) : NULL;
	if (!value || (braces && s[1 + len] != '}'))
		return false;
	str_add(to, value);
	*at = s + len + 2 * braces;
	return to->len <= EXPANDED_MAX;
}

/* Reads the backslash at *at, which is in double quotes. */
static bool read_backslash(const char **at, struct str *to)
{
	char next = (*at)[1];

	if (next == '\\' || next == '`' || !next)
		return false;
	if (next == '$' || next == '"')
		str_add_bytes(to, *at + 1, 1);
	else if (next != '\n')
		str_add_bytes(to, *at, 2);
	*at += 2;
	return true;
}

/* Reads the value at *at and moves *at behind it. */
static bool read_value(const struct reader *r, const char **at, struct str *to)
{
	char quote = '\0';

	for (;;) {
		char c = **at;

		if (!quote && (!c || c == ' ' || c == '\t' || c == '\n'))
			return true;
		if (!c)
			return false;
		if (c == quote || (!quote && (c == '"' || c == '\''))) {
			quote = quote ? '\0' : c;
			(*at)++;
		} else if (c == '$' && quote != '\'') {
			if (!expand(r, at, quote ? "\" |)/" : "", to))
				return false;
		} else if (c == '\\' && quote == '"') {
			if (!read_backslash(at, to))
				return false;
		} else if ((c == '`' && quote != '\'') ||
			   (!quote && !isalnum((unsigned char)c) &&
				   !strchr("_./:,+%@^=-", c))) {
			return false;
		} else {
			str_add_bytes(to, (*at)++, 1);
		}
	}
}

/* Reads an index in brackets, if there is one. Returns false if it is not a plain number. */
static bool read_index(const char **at, unsigned int *ret)
{
	size_t digits;

	*ret = 0;
	if (**at != '[')
		return true;
	digits = strspn(*at + 1, "0123456789");
	if (!digits || digits > 4 || (*at)[1 + digits] != ']' ||
		(digits > 1 && (*at)[1] == '0'))
		return false;
	*ret = (unsigned int)strtoul(*at + 1, NULL, 10);
	*at += digits + 2;
	return *ret <= EVALUATE_INDEX_MAX;
}

static bool set_variable(
	struct reader *r, const char *name, size_t len, unsigned int index, char *value)
{
	struct variable *item = find_item(r, name, len, index);

	if (item) {
		free(item->value);
		item->value = value;
		return true;
	}
	if (r->n == PLAIN_ASSIGNMENTS_MAX) {
		free(value);
		return false;
	}
	if ((r->n & (r->n - 1)) == 0)
		r->items =
			xrealloc_array(r->items, r->n ? 2 * r->n : 1, sizeof(*r->items));
	r->items[r->n++] = (struct variable){xstrndup(name, len), index, value};
	return true;
}

/* Reads the assignment at *at and the blanks behind it. */
static bool read_assignment(struct reader *r, const char **at)
{
	const char *name = *at;
	size_t len = name_length(name);
	struct str value = {0};
	unsigned int index;

	*at += len;
	if (!len || !may_set(r, name, len) || !read_index(at, &index) || *(*at)++ != '=')
		return false;
	if (!read_value(r, at, &value)) {
		str_done(&value);
		return false;
	}
	if (!set_variable(r, name, len, index, str_take(&value)))
		return false;
	/* read_value() ends at a blank or at the end of the line. */
	*at += strspn(*at, " \t");
	return !**at || **at == '\n' || **at == '#';
}

static bool read_text(struct reader *r, const char *text)
{
	size_t assignments = 0;

	for (const char *at = text; *(at += strspn(at, " \t\n"));) {
		if (*at == '#')
			at += strcspn(at, "\n");
		else if (++assignments > PLAIN_ASSIGNMENTS_MAX || !read_assignment(r, &at))
			return false;
	}
	return true;
}

/* Returns the value as evaluate.bash expands it a second time; NULL if bash has to. The
 * caller frees it. */
static char *expand_again(const struct reader *r, const char *value)
{
	struct str s = {0};
	const char *at = value;
	bool plain = true;

	if (strchr(value, '`') || strstr(value, "\\\"") || strstr(value, "\\\\"))
		return NULL;
	if (!strchr(value, '$'))
		return xstrdup(value);
	plain = !strstr(value, "_dkms_end");
	while (*at && plain) {
		if (*at == '$')
			plain = expand(r, &at, " |)/\n", &s);
		else if (*at == '\\' && (at[1] == '$' || at[1] == '\n'))
			plain = false;
		else
			str_add_bytes(&s, at++, 1);
	}
	if (plain)
		return str_take(&s);
	str_done(&s);
	return NULL;
}

/* Returns whether regcomp(3) and regexec(3) can neither run for ever nor use up memory with
 * the pattern. The C library makes "xx*" of "x+", so that "a++++" has 16 of them, and it copies
 * what is repeated and has '^' or '$' in it. */
static bool is_harmless_pattern(const char *s)
{
	size_t groups = 0, n = strlen(s);
	char before = '(';

	if (n > PATTERN_MAX || *s == ' ' || (n && s[n - 1] == ' ') || strstr(s, "  "))
		return false;
	for (; *s; before = *s++) {
		if (strchr("*+?", *s) && strchr("*+?)", before))
			return false;
		if (*s == '\\') {
			if (!*++s || !strchr(".+-?*$^()|", *s))
				return false;
		} else if (*s == '(') {
			if (++groups > GROUPS_MAX)
				return false;
		} else if (!isalnum((unsigned char)*s) && !strchr("_./:,+-^$|)[]?* ", *s)) {
			return false;
		}
	}
	return true;
}

/* Returns what [[ subject =~ pattern ]] returns in bash: 0 or 1; -1 if bash has to. */
static int match(const char *subject, const char *pattern)
{
	regex_t regex;
	int status;

	if (!is_harmless_pattern(pattern) ||
		regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return -1;
	status = regexec(&regex, subject, 0, NULL, 0);
	regfree(&regex);
	return status == 0 ? 0 : status == REG_NOMATCH ? 1 : -1;
}

static void add_result(
	struct evaluation *e, const char *name, unsigned int index, char *value)
{
	e->items[e->n++] = (struct variable){xstrdup(name), index, value};
}

/* Adds the status of a regular expression to what is reported. */
static bool add_status(const struct reader *r, const struct variable *v, struct evaluation *e)
{
	static const char *const for_release[] = {
		"MAKE_MATCH", "PATCH_MATCH", "BUILD_EXCLUSIVE_KERNEL"};
	const char *subject =
		streq(v->name, "BUILD_EXCLUSIVE_ARCH") ? r->request->arch : NULL;
	_cleanup_free_ char *name = NULL;
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(for_release); i++)
		if (streq(v->name, for_release[i]))
			subject = r->request->release;
	if (!subject)
		return true;
	status = match(subject, v->value);
	if (status < 0)
		return false;
	name = xasprintf("%s_STATUS", v->name);
	add_result(e, name, v->index, xstrdup(status ? "1" : "0"));
	return true;
}

/* Fills e with the directives. */
static bool report(const struct reader *r, struct evaluation *e)
{
	e->items = xcalloc(2 * r->n + 1, sizeof(*e->items));
	for (size_t i = 0; i < r->n; i++) {
		const struct variable *v = &r->items[i];
		char *value;

		if (!is_directive(r, v->name, strlen(v->name)))
			continue;
		value = expand_again(r, v->value);
		if (!value)
			return false;
		add_result(e, v->name, v->index, value);
		if (!add_status(r, &e->items[e->n - 1], e))
			return false;
	}
	evaluation_sort(e);
	return true;
}

/* Returns whether bash reads all bytes of the text as they are. It uses some control
 * characters for itself, and dkms.conf files with carriage returns are rare. */
static bool has_no_control(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t' && *text != '\n') ||
			*text == 0x7f)
			return false;
	return true;
}

bool plain_evaluate(const struct plain_request *request, const struct strv *texts,
	struct evaluation *ret)
{
	struct reader r = {.request = request};
	struct evaluation e = {0};
	bool plain = true;

	for (size_t i = 0; i < request->n_given && plain; i++)
		plain = !request->given[i].value || has_no_control(request->given[i].value);
	for (size_t i = 0; i < texts->n && plain; i++)
		plain = has_no_control(texts->items[i]) && read_text(&r, texts->items[i]);
	plain = plain && report(&r, &e);
	for (size_t i = 0; i < r.n; i++) {
		free(r.items[i].name);
		free(r.items[i].value);
	}
	free(r.items);
	if (plain)
		*ret = e;
	else
		evaluation_done(&e);
	return plain;
}
