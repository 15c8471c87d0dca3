/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_FRAMEWORK_H
#define BUILDER_CONF_FRAMEWORK_H

#include "builder/run/command.h"
#include "builder/host/settings.h"

/* framework.conf and framework.conf.d/ *.conf in config_dir of the settings: what holds
 * for all modules on this machine. These files are bash too, and are evaluated as a
 * dkms.conf is. */

/* Fills cmd with a bash that evaluates the files: the main file first, then the others
 * by name. Returns 1; or 0, leaving cmd as it is, if the files are missing or hold only
 * comments and blank lines, so that no bash need be started.
 *
 * release is the value of $kernelver in the files. NULL leaves $kernelver in their
 * values, to be replaced by settings_expand_kernelver(); a file that tests it in a
 * condition must be evaluated for each kernel. */
int framework_fill_command(
	const struct settings *s, const char *release, struct command *cmd);

/* Sets the fields of s from the report of that bash; fields that the files do not set
 * are kept. A flag is on if it is set to any text but the empty one, even to "no" or
 * "0"; dkms has always read flags this way. Returns 0, or -EINVAL with exit status 8 and
 * an error that names the file; then s is unchanged. */
int framework_parse(const struct command *cmd, const struct outcome *outcome,
	struct settings *s, struct error *err);

/* Appends a line to ret for each line of the files that sets what counts only in the file of a package,
 * and is ignored here: "FILE:LINE: sandbox_write ..., set it in ...". */
void framework_list_misplaced(const struct settings *s, struct strv *ret);

/* One key of the files. */
struct framework_key {
	const char *name;
	enum framework_type {
		FRAMEWORK_STRING, /* char *; an empty value gives NULL */
		FRAMEWORK_PATH,   /* char *; an empty value keeps the default */
		FRAMEWORK_PATHS,  /* char *, absolute paths between blanks, or NULL */
		FRAMEWORK_FLAG,   /* bool */
		FRAMEWORK_NUMBER, /* unsigned int */
		FRAMEWORK_SIZE,   /* uint64_t, bytes */
		FRAMEWORK_SANDBOX, /* enum sandbox_mode */
		FRAMEWORK_ON_FAILURE, /* enum on_failure */
		FRAMEWORK_DEBUG_INFO, /* enum debug_info */
		FRAMEWORK_NOT, /* bool: "no" gives true, "yes" false */
	} type;
	size_t offset; /* of the field in struct settings */
};

/* All keys. The last entry has no name. */
extern const struct framework_key framework_keys[];

#endif
