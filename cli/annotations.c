/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do CI systems read of a run? */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/annotations.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Appends a text to XML, without the characters that XML does not permit. */
static void add_xml(struct str *s, const char *text)
{
	static const char special[] = "<>&\"'";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (strchr(special, c))
			str_addf(s, "&#%d;", c);
		else if (c >= ' ' || c == '\n' || c == '\t')
			str_add_bytes(s, text, 1);
		else
			str_add(s, "?");
	}
}

static void add_attribute(struct str *s, const char *name, const char *value)
{
	str_addf(s, " %s=\"", name);
	add_xml(s, value);
	str_add(s, "\"");
}

static void add_case(struct str *s, const json_t *job)
{
	const char *result = text_of(job, "result");
	_cleanup_free_ char *title = xasprintf("%s/%s", text_of(job, "module"), text_of(job, "version"));
	_cleanup_free_ char *time =
		xasprintf("%.3f", json_number_value(json_object_get(job, "wall_s")));
	bool failed = streq(result, "failed") || streq(result, "blocked") || streq(result, "stopped");

	str_add(s, "<testcase");
	add_attribute(s, "classname", title);
	add_attribute(s, "name", text_of(job, "kernel"));
	add_attribute(s, "time", time);
	str_add(s, ">");
	if (failed) {
		str_add(s, "<failure");
		add_attribute(s, "message", *text_of(job, "error") ? text_of(job, "error") : result);
		str_add(s, ">");
		add_xml(s, text_of(job, "log"));
		str_add(s, "</failure>");
	} else if (streq(result, "excluded")) {
		str_add(s, "<skipped");
		add_attribute(s, "message", text_of(job, "error"));
		str_add(s, "/>");
	}
	str_add(s, "</testcase>\n");
}

int annotations_write_junit(const char *path, const json_t *document, struct error *err)
{
	_cleanup_(str_done) struct str s = {0};
	const json_t *job;
	size_t i;

	str_add(&s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites><testsuite");
	add_attribute(&s, "name", "dkms");
	str_add(&s, ">\n");
	json_array_foreach(json_object_get(document, "jobs"), i, job)
		add_case(&s, job);
	str_add(&s, "</testsuite></testsuites>\n");
	return file_write(path, s.data, s.len, 0644, err);
}

/* Appends a text as GitHub's runner decodes it. A property has two more special characters. */
static void add_github(struct str *s, const char *text, bool property)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == '%' || (property && (c == ':' || c == ',')))
			str_addf(s, "%%%02X", c);
		else
			str_add_bytes(s, text, 1);
	}
}

/* Finds "FILE:LINE:" in an error of a compiler. Returns false if there is none. */
static bool find_place(const char *error, char **ret_file, unsigned long *ret_line)
{
	for (const char *colon = strchr(error, ':'); colon; colon = strchr(colon + 1, ':')) {
		const char *start = colon;
		size_t digits = strspn(colon + 1, "0123456789");

		if (!digits || colon[1 + digits] != ':')
			continue;
		while (start > error && !isspace((unsigned char)start[-1]))
			start--;
		if (start == colon)
			return false;
		*ret_file = xstrndup(start, (size_t)(colon - start));
		*ret_line = strtoul(colon + 1, NULL, 10);
		return true;
	}
	return false;
}

void annotations_print_github(const json_t *document, FILE *out)
{
	const json_t *job;
	size_t i;

	json_array_foreach(json_object_get(document, "jobs"), i, job) {
		_cleanup_(str_done) struct str s = {0};
		_cleanup_free_ char *file = NULL;
		_cleanup_free_ char *title = xasprintf("%s/%s for %s", text_of(job, "module"),
			text_of(job, "version"), text_of(job, "kernel"));
		unsigned long line;

		if (!streq(text_of(job, "result"), "failed"))
			continue;
		str_add(&s, "::error title=");
		add_github(&s, title, true);
		if (find_place(text_of(job, "error"), &file, &line)) {
			str_add(&s, ",file=");
			add_github(&s, file, true);
			str_addf(&s, ",line=%lu", line);
		}
		str_add(&s, "::");
		add_github(&s, text_of(job, "error"), false);
		fprintf(out, "%s\n", s.data);
	}
}
