/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_FORMAT_H
#define BUILDER_PACK_FORMAT_H

#include <stdint.h>
#include <sys/types.h>
#include "builder/job/job.h"

/* A package of the distribution in the making: of a version's source, which registers
 * itself when it is installed, or of what is built of it for one kernel. It is assembled
 * in a stage:
 *
 *   root/   the files as they will be installed
 *   ...     what the format's own tool wants to have beside them, and the package
 */
struct package {
	char *dir; /* the stage, TMP/dkms-package-XXXXXX */
	int lock_fd;
	char *root;
	/* In the words of the format; */
	char *name, *version, *arch;
	char *file; /* and what it calls the package: "evdi-dkms_1.12.0_all.deb" */
	char *source; /* "/usr/src/NAME-VERSION"; NULL: what is built */
	time_t time; /* SOURCE_DATE_EPOCH, else of the newest of the files it is made from
		      */
	uint64_t bytes; /* all files together */
};

/* What is different between formats. */
struct package_format {
	const char *subdir; /* of NAME/VERSION in the dkms tree: where packages go */
	const char *tool;
	/* Fills name, version, arch and file. */
	void (*describe)(const struct job *job, struct package *p);
	/* Puts into the stage what the tool wants to have. 0 or a negative errno. */
	int (*write)(const struct job *job, const struct package *p, struct error *err);
	/* Makes the job's command: the tool, which writes DIR/FILE. */
	void (*command)(struct job *job, const struct package *p);
	/* What installs the tool on a distribution; caller frees; NULL: not known. */
	char *(*remedy)(enum distro distro);
};

/* The module's name without a "-dkms" at its end; caller frees. */
char *package_stem(const struct job *job);
/* Whether c is an ASCII letter or digit. */
bool package_is_alnum(char c);
/* text with what is in none of the sets, letters and digits, and keep replaced by other;
 * caller frees. */
char *package_word(const char *text, const char *keep, char other);
/* The directory where kernels have their modules; static. */
const char *package_modules_dir(void);
/* A line that calls depmod(8) for the job's kernel, if that is there; caller frees. */
char *package_depmod(const struct job *job);
/* Writes a file into the stage, or below the root in it. */
int package_put(const struct package *p, const char *path, mode_t mode, const char *text,
	struct error *err);

#endif
