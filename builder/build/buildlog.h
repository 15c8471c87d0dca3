/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_BUILDLOG_H
#define BUILDER_BUILD_BUILDLOG_H

#include "base/error.h"
#include "base/source-date.h"
#include "base/str.h"
#include "base/strv.h"
#include "builder/run/command.h"

/* These functions append to an open make.log. Its header names the module version and the
 * kernel. Then each command follows: its command line, its output, its exit status and
 * the time that it took. */

/* Writes the header. */
void buildlog_begin(int fd, const char *module, const char *version, const char *release,
	const char *arch);
/* Writes the line that precedes a command's output. */
void buildlog_add_command(int fd, const char *line);
/* Writes the variables "NAME=VALUE" that a person needs to repeat the commands. */
void buildlog_add_environment(int fd, const char *variables);
/* Writes that the following commands are left out for a build from the cache. */
void buildlog_add_local(int fd);
/* Writes one or more lines between two commands; adds a line end if there is none. */
void buildlog_add_note(int fd, const char *fmt, ...) _printf_(2, 3);
/* Writes where the commands see a directory that is at path. */
void buildlog_add_place(int fd, const char *seen, const char *path);
/* Writes how a command ended. Returns 0, or a negative errno if the log cannot be
 * written, for example because the disk is full. */
int buildlog_add_result(int fd, const struct outcome *outcome, const struct command *cmd);

/* Writes in which phase the build has failed ("make", "PRE_BUILD"), and the first line of what
 * the error says. */
void buildlog_add_failure(int fd, const char *phase, const char *what);

/* Returns how many warnings of compilers are in the log at path, or in the last 16 MiB of a
 * longer one. */
size_t buildlog_count_warnings(const char *path);

/* What a log says about a build. */
struct buildlog_summary {
	char *phase, *what; /* from buildlog_add_failure(), or NULL */
	char *error; /* from buildlog_explain_failure(), or NULL */
	int exit_status; /* of the last command, or -1 if the log has none */
	double elapsed_s; /* of all commands together */
	size_t error_line; /* the number of the line that explains the failure best, from 1; or 0 */
	size_t lines;
};

/* Appends pairs of strings: where the commands saw a directory, and where it is. Looks only at
 * what precedes the first command. */
void buildlog_read_places(const char *text, struct strv *ret);
/* Returns where the commands saw the build directory of a version in dkms_tree. The caller
 * frees. */
char *buildlog_build_dir(const char *text, const char *dkms_tree, const char *name,
	const char *version);
/* Returns whether a line explains by itself why a build failed. */
bool buildlog_is_error(const char *line);
/* Summarizes the text of a log. dir is the build directory; paths below it become relative in
 * ret->error. buildlog_summary_done() frees. */
void buildlog_summarize(const char *text, const char *dir, struct buildlog_summary *ret);
void buildlog_summary_done(struct buildlog_summary *s);

/* Writes to the file to what is the same in the log at from whenever and wherever the
 * build runs: the header with the given date, the first line of each command without -jN,
 * the variables of the environment, and exit codes, up to buildlog_add_local(). The
 * output of commands is left out, because compilers that run at the same time write their
 * lines in any order. Returns 0, or a negative errno and err. */
int buildlog_write_reproducible(const char *from, const char *to,
	const struct source_date *date, struct error *err);

/* Returns why the build failed, according to the log at path: the first error message of
 * the compiler, of modpost or of the linker. If there is none: the first one of the shell
 * or of make, and the last lines of the log. dir is the build directory; paths below it
 * become relative. The caller frees. Returns NULL if the log cannot be read, or has no
 * lines after its header. */
char *buildlog_explain_failure(const char *path, const char *dir);

#endif
