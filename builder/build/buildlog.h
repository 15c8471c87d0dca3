/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_BUILDLOG_H
#define BUILDER_BUILD_BUILDLOG_H

#include "base/str.h"
#include "builder/run/command.h"

/* Appends to an open make.log. The log begins with what is built for what, followed by
 * each command's line, its output, its exit code and the time it took. */
void buildlog_begin(int fd, const char *module, const char *version, const char *release,
	const char *arch);
void buildlog_command(int fd, const char *line);
/* A line, or several, between commands. */
void buildlog_note(int fd, const char *fmt, ...) _printf_(2, 3);
/* A negative errno when it could not be written, as on a full disk. */
int buildlog_result(int fd, const struct outcome *outcome, const struct command *cmd);

/* What a log says went wrong: the first error of a compiler, or of modpost or the linker.
 * Where there is none, the first one of the shell or of make, and the last lines. Files in
 * dir, where it was built, are called by their names there. The caller frees; NULL when
 * the log cannot be read or says nothing. */
char *buildlog_explain(const char *path, const char *dir);

#endif
