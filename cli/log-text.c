/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a person read of a log? Its lines, with the paths of files outside of the sandbox. */
#include "config.h"

#include "base/file.h"
#include "builder/build/buildlog.h"
#include "builder/tree/tree.h"
#include "cli/log-text.h"

/* So much is shown of a longer line (bytes). */
#define LINE_MAX_BYTES 4000

void log_text_find_places(struct log_text *t, const char *dkms_tree, const char *name,
	const char *version)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	_cleanup_free_ char *link = path_join(dir, "source");
	char *source = NULL;

	/* The build directory is gone, and was a copy of the source. */
	if (link_read(link, &source) == 0) {
		strv_take(&t->places,
			buildlog_build_dir(t->log.data, dkms_tree, name, version));
		strv_take(&t->places, source);
	}
	buildlog_read_places(t->log.data, &t->places);
}

/* Returns the place that the path at the beginning of text is in, if the file exists there: an
 * index in t->places, or t->places.n. */
static size_t find_place(const struct log_text *t, const char *text)
{
	size_t length = strcspn(text, ":;, \t'\"()");
	size_t i;

	for (i = 0; i < t->places.n; i += 2) {
		size_t n = strlen(t->places.items[i]);
		_cleanup_free_ char *path = NULL;

		if (n >= length || !has_prefix(text, t->places.items[i]) || text[n] != '/')
			continue;
		path = xasprintf("%s%.*s", t->places.items[i + 1], (int)(length - n), text + n);
		if (path_exists(path))
			break;
	}
	return i;
}

/* Appends a line with the paths that its files have outside of the sandbox. */
static void add_mapped(struct str *s, const struct log_text *t, const char *line)
{
	for (const char *slash; (slash = strchr(line, '/'));) {
		size_t place = find_place(t, slash);

		str_add_bytes(s, line, (size_t)(slash - line));
		line = slash;
		if (place < t->places.n) {
			str_add(s, t->places.items[place + 1]);
			line += strlen(t->places.items[place]);
		}
		/* The rest of this path is no other path. */
		slash = line + 1 + strcspn(line + 1, ":;, \t'\"()=");
		str_add_bytes(s, line, (size_t)(slash - line));
		line = slash;
	}
	str_add(s, line);
}

static void print_line(const struct log_text *t, char *line, FILE *out)
{
	static const char red[] = "\033[1;31m", magenta[] = "\033[35m", cyan[] = "\033[36m";
	_cleanup_(str_done) struct str text = {0};
	const char *color = NULL;

	text_shorten(line, LINE_MAX_BYTES);
	add_mapped(&text, t, line);
	text_mask_controls(text.data);
	if (t->color && *line != '#')
		color = buildlog_is_error(text.data)	     ? red
			: strstr(text.data, "warning: ") ? magenta
			: strstr(text.data, "note: ")    ? cyan
							 : NULL;
	fprintf(out, "%s%s%s\n", color ? color : "", text.data, color ? "\033[m" : "");
}

void log_text_print(struct log_text *t, FILE *out)
{
	char *rest = t->log.data, *line;

	while ((line = strsep(&rest, "\n")))
		if (rest || *line) /* nothing follows the end of the last line */
			print_line(t, line, out);
	str_done(&t->log);
}

void log_text_done(struct log_text *t)
{
	str_done(&t->log);
	strv_done(&t->places);
	*t = (struct log_text){0};
}
