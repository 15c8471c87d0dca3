/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes make.log, the log of a build, and finds the cause of a failure in it. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "base/file.h"
#include "builder/conf/conf.h"
#include "builder/build/buildlog.h"

/* Only the last part of a longer log is searched (bytes). */
#define LOG_SEARCH_MAX (16 * 1024 * 1024)

/* How lines begin that are not the output of commands. */
#define COMMAND "# command: "
#define ENVIRONMENT "# environment: "
#define EXIT_CODE "# exit code: "
#define ELAPSED "# elapsed time: "
#define FAILED_IN "# failed in "
#define SEEN_AT "# seen at "
#define LOCAL "# not done for a build from the cache:"

/* Writes and frees the text. Returns 0, or a negative errno. Most callers ignore it: a
 * build does not stop only because its log cannot be written. */
static int write_text(int fd, struct str *s)
{
	ssize_t n = write(fd, s->data, s->len);
	int r = n == (ssize_t)s->len ? 0 : n < 0 ? -errno : -ENOSPC;

	str_done(s);
	return r;
}

static void add_date(struct str *s, const struct tm *tm)
{
	char date[64];

	strftime(date, sizeof(date), "%a %b %e %T %Z %Y", tm);
	str_addf(s, "%s\n", date);
}

void buildlog_begin(int fd, const char *module, const char *version, const char *release,
	const char *arch)
{
	struct str s = {0};
	time_t now = time(NULL);
	struct tm tm;

	str_addf(&s, "DKMS (%s %s) make.log for %s/%s, kernel %s (%s)\n", PACKAGE,
		PACKAGE_VERSION, module, version, release, arch);
	add_date(&s, localtime_r(&now, &tm));
	write_text(fd, &s);
}

void buildlog_add_command(int fd, const char *line)
{
	struct str s = {0};

	str_addf(&s, "\n" COMMAND "%s\n", line);
	write_text(fd, &s);
}

void buildlog_add_note(int fd, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if (s.len && s.data[s.len - 1] != '\n')
		str_add(&s, "\n");
	write_text(fd, &s);
}

int buildlog_add_result(int fd, const struct outcome *outcome, const struct command *cmd)
{
	struct str s = {0};

	if (outcome->error || outcome->signal || outcome->timed_out ||
		outcome->cancelled) {
		_cleanup_free_ char *how = outcome_describe(outcome, cmd);

		str_addf(&s, "\n# %s\n", how);
	} else {
		str_addf(&s, "\n" EXIT_CODE "%d\n", outcome->exit_status);
	}
	str_addf(&s, ELAPSED "%.1f s\n", outcome->elapsed_s);
	return write_text(fd, &s);
}

void buildlog_add_environment(int fd, const char *variables)
{
	buildlog_add_note(fd, ENVIRONMENT "%s", variables);
}

void buildlog_add_place(int fd, const char *seen, const char *path)
{
	buildlog_add_note(fd, SEEN_AT "%s: %s", seen, path);
}

void buildlog_add_failure(int fd, const char *phase, const char *what)
{
	buildlog_add_note(fd, FAILED_IN "%s: %.*s", phase, (int)strcspn(what, "\n"), what);
}

void buildlog_add_local(int fd)
{
	buildlog_add_note(fd, "\n" LOCAL);
}

int buildlog_write_reproducible(const char *from, const char *to,
	const struct source_date *date, struct error *err)
{
	_cleanup_(str_done) struct str log = {0}, s = {0};
	time_t seconds = (time_t)date->seconds;
	struct tm tm;
	char *line, *rest;
	int r = file_read(from, SIZE_MAX, &log, err);

	if (r < 0)
		return r;
	rest = log.data;
	line = strsep(&rest, "\n");
	str_addf(&s, "%s\n", line);
	gmtime_r(&seconds, &tm);
	tm.tm_zone = "UTC"; /* the C library says GMT */
	add_date(&s, &tm);
	while ((line = strsep(&rest, "\n"))) {
		if (has_prefix(line, COMMAND)) {
			str_add(&s, "\n#");
			conf_add_command(&s, line + 1);
			str_add(&s, "\n");
		} else if (streq(line, LOCAL)) {
			break;
		} else if (has_prefix(line, ENVIRONMENT) || has_prefix(line, EXIT_CODE)) {
			str_addf(&s, "%s\n", line);
		}
	}
	return file_write(to, s.data, s.len, 0644, err);
}

/* Texts that the tools of a build have in their error messages: gcc and clang, modpost,
 * linkers, bash, configure scripts, make. Messages with the first ones explain a failure
 * best. */
static const char *const marks[] = {"error: ", "ERROR: ", "undefined reference",
	"Error: ", "command not found", "not found", "No such file or directory",
	"Read-only file system", "Operation not permitted", "Permission denied", "*** "};

/* A message with one of the first CLEAR_MARKS explains the failure by itself. */
#define CLEAR_MARKS 4
/* How many of the last lines of the log are shown otherwise. */
#define LAST_LINES 3
/* No command takes so long (s). */
#define ELAPSED_MAX 1e7
/* What an error shows of a longer line (bytes). */
#define LINE_MAX_BYTES 1000

/* What is known of the lines of a log. A hostile build may write millions of them, so that
 * they are not copied. The lines point into the text of the log. */
struct found_lines {
	size_t n;
	size_t number;	  /* of the line in the file, from 1 */
	size_t error;	  /* index of the line that explains the failure best */
	size_t error_number; /* its number in the file */
	size_t mark;	  /* index of its mark; ARRAY_SIZE(marks): there is no such line */
	char *error_line; /* or NULL */
	char *last[LAST_LINES]; /* line i is last[i % LAST_LINES] */
};

/* Notes a line, if it is one that the log of a build may be explained with: not an empty
 * one, nor one that dkms wrote ("# ..."), nor one of make about entering and leaving
 * directories. */
static void note_line(struct found_lines *found, char *line)
{
	found->number++;
	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#' || strstr(line, "ing directory '"))
		return;
	for (size_t m = 0; m < found->mark; m++) {
		if (strstr(line, marks[m])) {
			found->error = found->n;
			found->error_number = found->number;
			found->error_line = line;
			found->mark = m;
		}
	}
	found->last[found->n++ % LAST_LINES] = line;
}

/* Returns the seconds that a line gives; 0 if a build has written a number that is no time. */
static double read_elapsed(const char *text)
{
	double seconds = strtod(text, NULL);

	return seconds > 0 && seconds < ELAPSED_MAX ? seconds : 0;
}

/* Takes what a line says that dkms wrote. A build may write such lines, too. */
static void read_note(struct buildlog_summary *s, const char *line)
{
	const char *colon;
	long status;

	if (has_prefix(line, EXIT_CODE)) {
		status = strtol(line + strlen(EXIT_CODE), NULL, 10);
		s->exit_status = status < 0 || status > 255 ? -1 : (int)status;
	}
	if (has_prefix(line, ELAPSED))
		s->elapsed_s += read_elapsed(line + strlen(ELAPSED));
	colon = has_prefix(line, FAILED_IN) ? strstr(line, ": ") : NULL;
	if (!colon)
		return;
	line += strlen(FAILED_IN);
	free(s->phase);
	s->phase = xstrndup(line, (size_t)(colon - line));
	str_replace(&s->what, colon + 2);
}

/* Notes all lines of the log, and ends each with a NUL. Takes what dkms wrote there into notes,
 * unless that is NULL. */
static void find_lines(char *text, struct found_lines *ret, struct buildlog_summary *notes)
{
	char *line;

	*ret = (struct found_lines){.mark = ARRAY_SIZE(marks)};
	while ((line = strsep(&text, "\n"))) {
		if (*line == '#' && notes)
			read_note(notes, line);
		note_line(ret, line);
	}
	if (!ret->error_line)
		ret->error = ret->n;
}

/* Appends the line with paths below dir made relative to it. A path that is dir itself
 * stays, also with a slash at its end. */
static void add_line(struct str *s, char *line, const char *dir)
{
	const char *rest = line;
	size_t n = strlen(dir);

	text_shorten(line, LINE_MAX_BYTES);
	for (const char *found; n && (found = strstr(rest, dir)); rest = found + n) {
		bool inside = found[n] == '/' && found[n + 1] &&
			!isspace((unsigned char)found[n + 1]);

		str_add_bytes(s, rest, (size_t)(found - rest) + (inside ? 0 : n));
		found += inside;
	}
	str_add(s, rest);
}

/* Returns the text for buildlog_explain_failure(); the caller frees. */
static char *explain(struct found_lines *lines, const char *dir)
{
	struct str text = {0};
	size_t tail;

	if (lines->n < 3) /* the header has two lines */
		return NULL;
	if (lines->mark < CLEAR_MARKS) {
		add_line(&text, lines->error_line, dir);
		return str_take(&text);
	}
	tail = lines->n - LAST_LINES < 2 ? 2 : lines->n - LAST_LINES;
	if (lines->error < tail) {
		add_line(&text, lines->error_line, dir);
		str_add(&text, lines->error + 1 < tail ? "\n...\n" : "\n");
	}
	for (size_t i = tail; i < lines->n; i++) {
		add_line(&text, lines->last[i % LAST_LINES], dir);
		str_add(&text, i + 1 < lines->n ? "\n" : "");
	}
	return str_take(&text);
}

char *buildlog_explain_failure(const char *path, const char *dir)
{
	_cleanup_(str_done) struct str log = {0};
	struct found_lines lines;

	if (file_read_tail(path, LOG_SEARCH_MAX, &log, NULL) < 0)
		return NULL;
	find_lines(log.data, &lines, NULL);
	return explain(&lines, dir);
}

void buildlog_read_places(const char *text, struct strv *ret)
{
	const char *end = strstr(text, "\n" COMMAND);

	while ((text = strstr(text, "\n" SEEN_AT)) && end && text < end) {
		const char *seen = text + 1 + strlen(SEEN_AT);
		const char *colon = strstr(seen, ": ");
		size_t n = strcspn(seen, "\n");

		text = seen + n;
		if (!colon || colon > text)
			continue;
		strv_take(ret, xstrndup(seen, (size_t)(colon - seen)));
		strv_take(ret, xstrndup(colon + 2, (size_t)(text - colon - 2)));
	}
}

char *buildlog_build_dir(const char *text, const char *dkms_tree, const char *name,
	const char *version)
{
	_cleanup_(strv_done) struct strv places = {0};
	const char *seen = dkms_tree;

	buildlog_read_places(text, &places);
	for (size_t i = 0; i + 1 < places.n; i += 2)
		if (streq(places.items[i + 1], dkms_tree))
			seen = places.items[i];
	return xasprintf("%s/%s/%s/build", seen, name, version);
}

bool buildlog_is_error(const char *line)
{
	return text_has_any(line, marks, CLEAR_MARKS);
}

void buildlog_summarize(const char *text, const char *dir, struct buildlog_summary *ret)
{
	_cleanup_free_ char *copy = xstrdup(text);
	size_t n = strlen(text);
	struct found_lines lines;

	*ret = (struct buildlog_summary){.exit_status = -1};
	find_lines(copy, &lines, ret);
	/* Nothing follows the end of the last line. */
	ret->lines = lines.number - (!n || text[n - 1] == '\n');
	ret->error_line = lines.error_line ? lines.error_number : 0;
	ret->error = explain(&lines, dir);
}

void buildlog_summary_done(struct buildlog_summary *s)
{
	free(s->phase);
	free(s->what);
	free(s->error);
	*s = (struct buildlog_summary){0};
}

/* Whether a line is a warning: "FILE:LINE: warning: TEXT", or with a column. */
static bool is_warning(const char *line)
{
	const char *at = strstr(line, ": warning: ");

	return at && at > line && isdigit((unsigned char)at[-1]) && *line != '#';
}

size_t buildlog_count_warnings(const char *path)
{
	_cleanup_(str_done) struct str text = {0};
	char *rest, *line;
	size_t n = 0;

	if (file_read_tail(path, LOG_SEARCH_MAX, &text, NULL) < 0)
		return 0;
	rest = text.data;
	while (rest && (line = strsep(&rest, "\n")))
		n += is_warning(line);
	return n;
}
