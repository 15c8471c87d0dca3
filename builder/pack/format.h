/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_FORMAT_H
#define BUILDER_PACK_FORMAT_H

#include <stdint.h>
#include <sys/types.h>

#include "builder/job/job.h"

/* A package of the distribution that is being made: either of a version's source, with a
 * script that registers it when the package is installed, or of its modules for one
 * kernel. It is assembled in a temporary directory:
 *
 *   root/   the files as they will be installed
 *   ...     other files that the format's tool needs, and the finished package
 */
struct package {
	char *dir; /* the temporary directory, TMP/dkms-package-XXXXXX; NULL: not made */
	int lock_fd; /* holds the lock on dir; -1: not locked */
	char *root;  /* DIR/root */
	/* In the spelling of the format. */
	char *name, *version, *arch;
	char *file;	/* the name of the package's file, "evdi-dkms_1.12.0_all.deb" */
	char *source;	/* "/usr/src/NAME-VERSION"; NULL for a package of modules */
	time_t time;	/* SOURCE_DATE_EPOCH, else the time of the newest file in root */
	uint64_t bytes; /* the size of all files in root */
};

/* What differs between formats. */
struct package_format {
	const char *subdir; /* the directory for packages, in DKMSTREE/NAME/VERSION */
	const char *tool;   /* the program that makes packages */
	/* Fills name, version, arch and file. */
	void (*fill_names)(const struct job *job, struct package *p);
	/* Writes the other files that the tool needs. Returns 0 or a negative errno. */
	int (*write_files)(
		const struct job *job, const struct package *p, struct error *err);
	/* Makes the job's command a call of the tool that writes DIR/FILE. */
	void (*fill_command)(struct job *job, const struct package *p);
	/* Returns the command that installs the tool on a distribution; NULL if it is not
	 * known. The caller frees. */
	char *(*install_tool_command)(enum distro distro);
};

/* Returns the module's name without a "-dkms" at its end; the caller frees. */
char *package_stem(const struct job *job);
/* Returns whether c is an ASCII letter or digit. */
bool package_is_alnum(char c);
/* Returns text with each character replaced by other that is no ASCII letter or digit and
 * not in keep; the caller frees. */
char *package_sanitize(const char *text, const char *keep, char other);
/* Returns the directory of the kernels' module directories in packages; static. */
const char *package_modules_dir(void);
/* Returns a line of shell that calls depmod(8) for the job's kernel, if that is
 * installed; the caller frees. */
char *package_depmod_line(const struct job *job);
/* Writes text to the file path, relative to the temporary directory, and makes
 * directories for it. Returns 0 or a negative errno. */
int package_write_file(const struct package *p, const char *path, mode_t mode,
	const char *text, struct error *err);

#endif
