/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "base/error.h"
#include "base/strv.h"
#include "builder/host/settings.h"

struct command_row;
struct slots;

/* The command line, read into this. The words point into argv or are owned by strvs. */
struct arguments {
	const struct command_row *command; /* NULL: none was named */
	struct settings settings;
	struct strv kernels;	 /* releases of -k, in order */
	struct strv archs;	 /* -a and the /ARCH of -k; as many as kernels, one, or none */
	char *name, *version;	 /* -m, -v or NAME/VERSION */
	char *directory;	 /* a path to a source directory or to its dkms.conf */
	char *conf;		 /* -c */
	char *subcommand;	 /* the word behind a command that has some */
	char *archive;		 /* --archive, or a path to a file */
	char *template_kernel;	 /* of match */
	char *events;		 /* --events: a file or "-"; NULL: none */
	char *trace;		 /* --trace */
	struct strv ignored;	 /* options that are accepted and do nothing any more */
	bool all, quiet, debug, json, show_help, show_version;
	bool source_only, binaries_only; /* of mktarball, mkdeb and mkrpm */
	bool ignores_make_slots;		 /* -j: those of a make above us are not used */
	/* Set by main: of a make above us, or NULL; it has some that cannot be reached. */
	struct slots *make_slots;
	bool make_slots_unreachable;
};

/* Defaults, before configuration files and the command line. */
void arguments_init(struct arguments *args);
void arguments_done(struct arguments *args);

/* What can be said against them before anything is done. 0 or a negative errno; err
 * has the exit status. */
int arguments_check(const struct arguments *args, struct error *err);
/* They name no module but an archive to take it from. */
bool arguments_are_archive(const struct arguments *args);

#endif
