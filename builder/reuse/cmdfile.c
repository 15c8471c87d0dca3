/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses .cmd files, which kbuild and its program fixdep write (scripts/basic/fixdep.c
 * and scripts/Kbuild.include in the source of Linux):
 *
 *   savedcmd_TARGET := COMMAND        cmd_TARGET before Linux 6.3
 *
 *   source_TARGET := FILE
 *
 *   deps_TARGET := \
 *     FILE \
 *       $(wildcard include/config/OPTION) \
 *
 *   TARGET: $(deps_TARGET)
 *
 *   $(deps_TARGET):
 *
 *   TARGET: $(wildcard FILE)          the program objtool itself
 *   #SYMVER SYMBOL CRC                with MODVERSIONS
 *
 * Before Linux 5.14, include/config/lower/case.h stood for an option. The name of the
 * option cannot be derived from it, so such files are rejected. */
#include "config.h"

#include <errno.h>

#include "builder/reuse/cmdfile.h"

#define CONFIG_PREFIX "$(wildcard include/config/"
#define WILDCARD_PREFIX "$(wildcard "

void cmdfile_done(struct cmdfile *c)
{
	free(c->target);
	free(c->command);
	strv_done(&c->files);
	strv_done(&c->options);
	*c = (struct cmdfile){0};
}

/* Whether n characters of name are the name of an option. */
static bool is_option(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789_",
			    name[i]))
			return false;
	return n > 0;
}

/* Adds the option in "$(wildcard include/config/OPTION)", or the file in "$(wildcard
 * FILE)". Returns false if the line has another form. */
static bool add_wildcard(struct cmdfile *c, const char *text)
{
	bool option = has_prefix(text, CONFIG_PREFIX);
	const char *name = text + strlen(option ? CONFIG_PREFIX : WILDCARD_PREFIX);
	size_t n = strcspn(name, ")");

	if (!streq(name + n, ")") || strcspn(name, "$ ") < n ||
		(option && !is_option(name, n)))
		return false;
	strv_take(option ? &c->options : &c->files, xstrndup(name, n));
	return true;
}

/* Adds a line of the list of dependencies, without the backslash at its end. Returns
 * false if it is not understood. */
static bool add_dependency(struct cmdfile *c, const char *line)
{
	line += strspn(line, " \t");
	if (!*line)
		return true;
	if (has_prefix(line, WILDCARD_PREFIX))
		return add_wildcard(c, line);
	if (strpbrk(line, "$ \t\\"))
		return false;
	strv_push(&c->files, line);
	return true;
}

/* Returns what follows "NAME_TARGET := ", or NULL if the line begins differently. */
static const char *find_value(const struct cmdfile *c, const char *line, const char *name)
{
	_cleanup_free_ char *start = xasprintf("%s_%s := ", name, c->target);

	return has_prefix(line, start) ? line + strlen(start) : NULL;
}

/* Reads target and command. Returns false if the line has another form. */
static bool read_first_line(struct cmdfile *c, const char *line)
{
	const char *target, *value;

	if (has_prefix(line, "savedcmd_"))
		target = line + strlen("savedcmd_");
	else if (has_prefix(line, "cmd_"))
		target = line + strlen("cmd_");
	else
		return false;
	value = strstr(target, " := ");
	if (!value || memchr(target, ' ', (size_t)(value - target)))
		return false;
	c->target = xstrndup(target, (size_t)(value - target));
	c->command = xstrdup(value + strlen(" := "));
	return has_suffix(c->target, ".o");
}

/* Reads a line outside of the list of dependencies. Sets *in_list if the list begins
 * after it. Returns false if the line is not understood. */
static bool read_line(struct cmdfile *c, const char *line, bool *in_list)
{
	_cleanup_free_ char *depends = xasprintf("%s: $(deps_%s)", c->target, c->target);
	_cleanup_free_ char *empty = xasprintf("$(deps_%s):", c->target);
	_cleanup_free_ char *more = xasprintf("%s: " WILDCARD_PREFIX, c->target);
	const char *value;

	if (!*line || *line == '#' || streq(line, depends) || streq(line, empty))
		return true;
	if ((value = find_value(c, line, "source"))) {
		if (c->files.n || strpbrk(value, "$ \t\\"))
			return false;
		strv_push(&c->files, value);
		return true;
	}
	if ((value = find_value(c, line, "deps"))) {
		*in_list = true;
		return streq(value, "\\") && c->files.n == 1;
	}
	return has_prefix(line, more) &&
	       add_wildcard(c, line + strlen(more) - strlen(WILDCARD_PREFIX));
}

int cmdfile_parse(const char *text, struct cmdfile *ret)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct cmdfile c = {0};
	char *rest = copy, *line = strsep(&rest, "\n");
	bool in_list = false, had_list = false, good = line && read_first_line(&c, line);

	while (good && (line = strsep(&rest, "\n"))) {
		size_t n = strlen(line);

		if (!in_list) {
			good = read_line(&c, line, &in_list);
			had_list = had_list || in_list;
			continue;
		}
		in_list = n && line[n - 1] == '\\';
		if (in_list)
			line[n - 1] = '\0';
		for (n = strlen(line); n && line[n - 1] == ' '; n--)
			line[n - 1] = '\0';
		good = add_dependency(&c, line);
	}
	if (!good || !had_list) {
		cmdfile_done(&c);
		return -EINVAL;
	}
	*ret = c;
	return 0;
}
