/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a dkms.conf as text, without bash. Most are lists of simple assignments, one on
 * each line. On anything else that may concern modules, names_known becomes false. */
#include "config.h"

#include <ctype.h>

#include "base/file.h"
#include "builder/conf/evaluate.h"
#include "builder/conf/quick-read.h"

#define CONF_BYTES_MAX (1024 * 1024)
/* Installed files are looked for in each; no package has so many. */
#define DESTINATIONS_MAX 256

/* The elements of BUILT_MODULE_NAME and DEST_MODULE_NAME with one index. */
struct module {
	size_t index;
	char *built, *dest;
};

struct scan {
	struct quick_conf *conf;
	struct module *modules;
	size_t n_modules;
};

static struct module *get_module(struct scan *s, size_t index)
{
	for (size_t i = 0; i < s->n_modules; i++)
		if (s->modules[i].index == index)
			return &s->modules[i];
	s->modules = xrealloc_array(s->modules, s->n_modules + 1, sizeof(*s->modules));
	s->modules[s->n_modules] = (struct module){.index = index};
	return &s->modules[s->n_modules++];
}

/* Reads "NAME=" or "NAME[3]=" at *p and moves *p behind it. Returns false if there is
 * something else. ret_name, with room for that many bytes, gets the name in upper
 * case. */
static bool read_name(const char **p, char *ret_name, size_t room, size_t *ret_index)
{
	const char *s = *p;
	size_t n = 0;

	while (isalnum((unsigned char)*s) || *s == '_') {
		if (n + 1 == room)
			return false;
		ret_name[n++] = (char)toupper((unsigned char)*s++);
	}
	ret_name[n] = '\0';
	*ret_index = 0;
	if (n && *s == '[') {
		char *end;

		if (!isdigit((unsigned char)s[1]))
			return false;
		*ret_index = strtoul(s + 1, &end, 10);
		if (*end != ']')
			return false;
		s = end + 1;
	}
	if (n == 0 || *s != '=')
		return false;
	*p = s + 1;
	return true;
}

/* If *p is at "$NAME" or "${NAME}", where NAME is the variable name, appends value to
 * the string to and moves *p behind it. Returns false otherwise, or if value is NULL. */
static bool read_expansion(
	const char **p, const char *name, const char *value, struct str *to)
{
	const char *s = *p + 1;
	bool braces = *s == '{';
	size_t len = strlen(name);

	s += braces;
	if (strncmp(s, name, len) != 0 || !value)
		return false;
	s += len;
	if (braces ? *s != '}' : isalnum((unsigned char)*s) || *s == '_')
		return false;
	str_add(to, value);
	*p = s + braces;
	return true;
}

/* Returns the value that follows a '=' and ends the line, except for a comment; NULL if
 * bash would do more than assign it as it is. The caller frees it. */
static char *read_value(const struct scan *s, const char *p)
{
	struct str value = {0};
	char quote = '\0';

	for (;;) {
		if (*p && *p == quote) {
			quote = '\0';
			p++;
		} else if (!quote && (*p == '"' || *p == '\'')) {
			quote = *p++;
		} else if (!quote && (!*p || *p == ' ' || *p == '\t' || *p == '\r')) {
			break;
		} else if (quote != '\'' && *p == '$') {
			if (!read_expansion(
				    &p, "PACKAGE_NAME", s->conf->package_name, &value) &&
				!read_expansion(&p, "PACKAGE_VERSION", s->conf->package_version,
					&value))
				goto no;
		} else if (!*p || (quote != '\'' && strchr("\\`", *p)) ||
			   (!quote && strchr("();&|<>{}*?[~", *p))) {
			goto no;
		} else {
			str_add_bytes(&value, p++, 1);
		}
	}
	p += strspn(p, " \t\r");
	if (*p && *p != '#')
		goto no;
	return str_take(&value);
no:
	str_done(&value);
	return NULL;
}

/* Reads one assignment. Returns false if the names of the modules are unknown because of
 * it. */
static bool scan_assignment(struct scan *s, const char *name, size_t index, const char *p)
{
	bool built = streq(name, "BUILT_MODULE_NAME"),
	     dest = streq(name, "DEST_MODULE_NAME");
	bool location = streq(name, "DEST_MODULE_LOCATION");
	_cleanup_free_ char *value = read_value(s, p);
	_cleanup_free_ char *clean = NULL;
	struct module *m;

	if (built || dest || location)
		s->conf->has_modules = true;
	if (((built || dest || location) && index > EVALUATE_INDEX_MAX) ||
		(has_prefix(name, "BUILD_EXCLUSIVE_") && index > 0))
		return false;
	if (!value && streq(name, "PACKAGE_NAME"))
		free(TAKE_PTR(s->conf->package_name));
	else if (!value && streq(name, "PACKAGE_VERSION"))
		free(TAKE_PTR(s->conf->package_version));
	if (!value) /* the values of MAKE and the like do not matter */
		return !built && !dest && !location;
	if (streq(name, "PACKAGE_NAME"))
		str_replace(&s->conf->package_name, value);
	else if (streq(name, "PACKAGE_VERSION"))
		str_replace(&s->conf->package_version, value);
	clean = location ? path_without_dots(value) : NULL;
	if (clean && s->conf->destinations.n < DESTINATIONS_MAX &&
		!strv_contains(&s->conf->destinations, clean))
		strv_push(&s->conf->destinations, clean);
	if (!built && !dest && !location)
		return true;
	m = get_module(s, index);
	if (built)
		str_replace(&m->built, value);
	if (dest)
		str_replace(&m->dest, value);
	return true;
}

/* Returns whether the line ends within a string, continues in the next line, or holds
 * more than one command. Quotes in a comment may make this true by mistake, which does
 * no harm. */
static bool spans_lines_or_commands(const char *line)
{
	char quote = '\0';

	for (; *line; line++) {
		if (*line == quote)
			quote = '\0';
		else if (!quote && (*line == '"' || *line == '\''))
			quote = *line;
		else if (!quote && strchr(";&|", *line))
			return true;
		else if (*line == '\\' && line[1] == '\0')
			return true;
	}
	return quote != '\0';
}

static bool scan_line(struct scan *s, const char *line)
{
	char name[64];
	size_t index;

	line += strspn(line, " \t\r");
	if (!*line || *line == '#')
		return true;
	if (!read_name(&line, name, sizeof(name), &index)) {
		s->conf->has_modules |= strcasestr(line, "MODULE_NAME") != NULL;
		return false;
	}
	return scan_assignment(s, name, index, line) && !spans_lines_or_commands(line);
}

/* Sets the names of the modules, once all lines have been read. */
static void name_modules(struct scan *s)
{
	for (size_t i = 0; i < s->n_modules; i++) {
		struct module *m = &s->modules[i];
		const char *name = m->dest;

		if (is_empty(name))
			name = m->built;
		if (is_empty(name) && s->n_modules == 1)
			name = s->conf->package_name;
		if (is_empty(name))
			s->conf->names_known = false;
		else
			strv_push(&s->conf->module_names, name);
		free(m->built);
		free(m->dest);
	}
	free(s->modules);
	if (!s->conf->names_known)
		strv_done(&s->conf->module_names);
}

void quick_conf_read(const char *path, struct quick_conf *ret)
{
	struct scan s = {.conf = ret};
	struct str text = {0};
	char *rest, *line;

	*ret = (struct quick_conf){0};
	if (file_read(path, CONF_BYTES_MAX, &text, NULL) < 0)
		return;
	ret->names_known = true;
	rest = text.data;
	while ((line = strsep(&rest, "\n")))
		if (!scan_line(&s, line))
			ret->names_known = false;
	name_modules(&s);
	str_done(&text);
}

void quick_conf_done(struct quick_conf *conf)
{
	free(conf->package_name);
	free(conf->package_version);
	strv_done(&conf->module_names);
	strv_done(&conf->destinations);
}
