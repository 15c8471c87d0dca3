/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdio.h>

#include "base/error.h"
#include "base/strv.h"
#include "builder/host/settings.h"

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
	bool own_slots;		 /* -j: those of a make above us are not used */
	/* Set by main: of a make above us, or NULL; it has some that cannot be reached. */
	struct slots *outer_slots;
	bool outer_slots_lost;
};

/* A command: what it is called, what it runs. */
struct command_row {
	const char *name;
	const char *operands; /* for the help: "[NAME/VERSION]" */
	const char *help;
	int (*run)(struct arguments *args); /* returns the exit status */
	unsigned int flags;
};

enum command_flag {
	COMMAND_WRITES_TREE = 1 << 0,	 /* needs a dkms tree that can be written */
	COMMAND_WRITES_KERNELS = 1 << 1, /* and an install tree */
	COMMAND_ALL_KERNELS = 1 << 2,	 /* takes --all */
	COMMAND_NEEDS_MODULE = 1 << 3,	 /* NAME and VERSION must be given */
	COMMAND_TAKES_ARCHIVE = 1 << 4,	 /* or an archive to load */
	COMMAND_ARCHIVE_ONLY = 1 << 5,	 /* what is no option is one */
	COMMAND_DRY_RUN = 1 << 9,	 /* takes --dry-run */
	COMMAND_EXACT_KERNEL = 1 << 6,	 /* exactly one -k must be */
	COMMAND_HAS_PARTS = 1 << 7,	 /* the next word says which */
	COMMAND_BUILDS = 1 << 8,	 /* may have use for the cache */
};

/* The commands, ended by a row without a name. */
extern const struct command_row commands[];

/* What an option does with its argument. */
enum option_kind {
	OPTION_FLAG,	  /* sets a bool */
	OPTION_TEXT,	  /* replaces a char * */
	OPTION_LIST,	  /* appends to a strv */
	OPTION_SPECIAL,	  /* options.c knows */
	OPTION_IGNORED,	  /* does nothing, and says so */
};

struct option_row {
	char letter;	      /* 0: long form only */
	const char *name;     /* NULL: short form only */
	const char *argument; /* what the help calls it; NULL: takes none */
	enum option_kind kind;
	size_t offset;	      /* in struct arguments */
	const char *help;
};

/* The options, ended by a row with neither letter nor name. */
extern const struct option_row options[];

/* Defaults, before configuration files and the command line. */
void arguments_init(struct arguments *args);
void arguments_done(struct arguments *args);

/* Reads the command line over what args holds. Returns 0 or a negative errno; err has the
 * exit status. */
int arguments_parse(struct arguments *args, int argc, char **argv, struct error *err);

/* check.c: what can be said against them before anything is done. 0 or a negative errno; err
 * has the exit status. */
int arguments_check(const struct arguments *args, struct error *err);
/* They name no module but an archive to take it from. */
bool arguments_are_archive(const struct arguments *args);

void help_print(FILE *out);

#endif
