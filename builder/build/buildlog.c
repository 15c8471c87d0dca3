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
	str_addf(&s, "# elapsed time: %.1f s\n", outcome->elapsed_s);
	return write_text(fd, &s);
}

void buildlog_add_environment(int fd, const char *variables)
{
	buildlog_add_note(fd, ENVIRONMENT "%s", variables);
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
/* What an error shows of a longer line (bytes). */
#define LINE_MAX_BYTES 1000

/* What is known of the lines of a log. A hostile build may write millions of them, so that
 * they are not copied. The lines point into the text of the log. */
struct found_lines {
	size_t n;
	size_t error;	  /* index of the line that explains the failure best */
	size_t mark;	  /* index of its mark; ARRAY_SIZE(marks): there is no such line */
	char *error_line; /* or NULL */
	char *last[LAST_LINES]; /* line i is last[i % LAST_LINES] */
};

/* Notes a line, if it is one that the log of a build may be explained with: not an empty
 * one, nor one that dkms wrote ("# ..."), nor one of make about entering and leaving
 * directories. */
static void note_line(struct found_lines *found, char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#' || strstr(line, "ing directory '"))
		return;
	for (size_t m = 0; m < found->mark; m++) {
		if (strstr(line, marks[m])) {
			found->error = found->n;
			found->error_line = line;
			found->mark = m;
		}
	}
	found->last[found->n++ % LAST_LINES] = line;
}

/* Notes all lines of the log, and ends each with a NUL. */
static void find_lines(char *text, struct found_lines *ret)
{
	char *line;

	*ret = (struct found_lines){.mark = ARRAY_SIZE(marks)};
	while ((line = strsep(&text, "\n")))
		note_line(ret, line);
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

char *buildlog_explain_failure(const char *path, const char *dir)
{
	_cleanup_(str_done) struct str log = {0};
	struct found_lines lines;
	struct str text = {0};
	size_t tail;

	if (file_read_tail(path, LOG_SEARCH_MAX, &log, NULL) < 0)
		return NULL;
	find_lines(log.data, &lines);
	if (lines.n < 3) /* the header has two lines */
		return NULL;
	if (lines.mark < CLEAR_MARKS) {
		add_line(&text, lines.error_line, dir);
		return str_take(&text);
	}
	tail = lines.n - LAST_LINES < 2 ? 2 : lines.n - LAST_LINES;
	if (lines.error < tail) {
		add_line(&text, lines.error_line, dir);
		str_add(&text, lines.error + 1 < tail ? "\n...\n" : "\n");
	}
	for (size_t i = tail; i < lines.n; i++) {
		add_line(&text, lines.last[i % LAST_LINES], dir);
		str_add(&text, i + 1 < lines.n ? "\n" : "");
	}
	return str_take(&text);
}
