/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_FRAMEWORK_H
#define BUILDER_CONF_FRAMEWORK_H

#include "builder/run/command.h"
#include "builder/host/settings.h"

/* framework.conf and framework.conf.d/ *.conf in the settings' config_dir: what holds for
 * all modules on this machine. Also bash, so it is evaluated as a dkms.conf is. */

/* Fills cmd with a bash that evaluates the files, in order: the main file, then the
 * others by name. Returns 1, or 0 when there is nothing in them but comments and blank
 * lines (or no file): no bash is worth starting then, and cmd stays as it is.
 *
 * release is what $kernelver stands for. NULL leaves it in the values as it is, for
 * settings_expand_kernelver(); a file that asks for the kernel in an if needs an
 * evaluation for each. */
int framework_fill_command(const struct settings *s, const char *release, struct command *cmd);

/* Puts what that bash printed into s; what the files do not set stays. Flags are on when
 * set to anything but the empty string, "no" and "0" included: it has always been so.
 * Errors: -EINVAL and status 8, naming the file; s is untouched then. */
int framework_parse(const struct command *cmd, const struct outcome *outcome,
	struct settings *s, struct error *err);

/* One key of the files. */
struct framework_key {
	const char *name;
	enum framework_type {
		FRAMEWORK_STRING, /* char *, NULL when empty */
		FRAMEWORK_PATH,   /* char *, an empty value leaves the default */
		FRAMEWORK_PATHS,  /* char *, absolute paths with blanks between; or NULL */
		FRAMEWORK_FLAG,   /* bool */
		FRAMEWORK_NUMBER, /* unsigned int */
		FRAMEWORK_SIZE,   /* uint64_t: bytes */
		FRAMEWORK_SANDBOX, /* enum sandbox_mode */
	} type;
	size_t offset; /* of the field in struct settings */
};

/* All keys, ended by one without a name. */
extern const struct framework_key framework_keys[];

#endif
