/* SPDX-License-Identifier: GPL-2.0-or-later */
/* make.log: how a build went, for people and for the error message. */
#include "config.h"

#include <ctype.h>
#include <time.h>

#include "base/file.h"
#include "builder/buildlog.h"

/* Of a longer log only the first part is searched (bytes). */
#define LOG_SEARCH_MAX (16 * 1024 * 1024)

/* A log that cannot be written is no reason to stop a build. */
static void put(int fd, struct str *s)
{
	ssize_t n = s->data ? write(fd, s->data, s->len) : 0;

	(void)n;
	str_done(s);
}

void buildlog_begin(int fd, const char *module, const char *version, const char *release,
	const char *arch)
{
	struct str s = {0};
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	strftime(date, sizeof(date), "%a %b %e %T %Z %Y", localtime_r(&now, &tm));
	str_addf(&s, "DKMS (%s %s) make.log for %s/%s, kernel %s (%s)\n%s\n", PACKAGE,
		PACKAGE_VERSION, module, version, release, arch, date);
	put(fd, &s);
}

void buildlog_command(int fd, const char *line)
{
	struct str s = {0};

	str_addf(&s, "\n# command: %s\n", line);
	put(fd, &s);
}

void buildlog_result(int fd, const struct outcome *outcome, const struct command *cmd)
{
	struct str s = {0};

	if (outcome->error || outcome->signal || outcome->timed_out || outcome->cancelled) {
		_cleanup_free_ char *how = outcome_describe(outcome, cmd);

		str_addf(&s, "\n# %s\n", how);
	} else {
		str_addf(&s, "\n# exit code: %d\n", outcome->exit_status);
	}
	str_addf(&s, "# elapsed time: %.1f s\n", outcome->elapsed_s);
	put(fd, &s);
}

/* What the tools of a build write in front of, or into, an error: gcc and clang, modpost,
 * the linkers, bash, configure scripts, make. The lower index tells more. */
static const char *const marks[] = {"error: ", "ERROR: ", "undefined reference", "Error: ",
	"command not found", "not found", "No such file or directory", "*** "};

char *buildlog_find_error(const char *path)
{
	_cleanup_(str_done) struct str log = {0};
	const char *best = NULL, *last = NULL;
	size_t best_mark = ARRAY_SIZE(marks), best_len = 0, last_len = 0;

	if (file_read(path, LOG_SEARCH_MAX, &log, NULL) < 0)
		return NULL;
	for (char *line = log.data; line && *line;) {
		size_t len = strcspn(line, "\n");
		char *next = line[len] ? line + len + 1 : NULL;

		line[len] = '\0';
		if (*line && *line != '#') {
			last = line;
			last_len = len;
			for (size_t i = 0; i < best_mark; i++) {
				if (strstr(line, marks[i])) {
					best = line;
					best_len = len;
					best_mark = i;
				}
			}
		}
		line = next;
	}
	if (!best) {
		best = last;
		best_len = last_len;
	}
	while (best && isspace((unsigned char)*best)) {
		best++;
		best_len--;
	}
	return best ? xstrndup(best, best_len) : NULL;
}
