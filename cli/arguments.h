/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "base/error.h"
#include "base/strv.h"
#include "builder/host/settings.h"

struct command_row;
struct slots;
struct tree_filter;

/* What the command line says. arguments_done() frees the strings and lists. */
struct arguments {
	const struct command_row *command; /* NULL: no command was given */
	struct settings settings;
	struct strv kernels;   /* kernel releases, from -k, in the order given */
	struct strv archs;     /* from -a and RELEASE/ARCH: one per kernel, one, or none */
	char *name, *version;  /* from -m, -v, or the operand NAME/VERSION; or NULL */
	char *line;	       /* the command line, as one text */
	char *directory;       /* the source directory given as operand, or NULL */
	char *conf;	       /* -c: the dkms.conf to use when adding, or NULL */
	char *subcommand;      /* the word after "cache" or "help", or NULL */
	char *unknown;	       /* the first operand, if no command was given; or NULL */
	char *archive;	       /* from --archive, or the operand if it is a file; or NULL */
	char *template_kernel; /* --templatekernel, or NULL */
	char *events;	       /* --events: a file, or "-" for standard output; or NULL */
	char *trace;	       /* --trace: a file, or NULL */
	char *report;	       /* --report: a file, or NULL */
	char *html;	       /* --html: a file, or NULL */
	char *plan, *shard;    /* --plan: a file, --shard: a part of it, or NULL */
	char *junit;	       /* --junit: a file, or NULL */
	struct strv files;     /* the operands of merge */
	struct strv ignored;   /* obsolete options that were given, such as "--no-initrd" */
	bool all, quiet, debug, json, prometheus, fix, github, show_help, show_version;
	bool source_only, binaries_only;
	bool module_option; /* the module was named by -m, as scripts do */
	bool as_hook; /* obeys on_failure, as autoinstall does */
	bool ignores_make_slots; /* -j was given: do not use the job slots of a calling make */
	/* The job slots of the make that called dkms, or NULL. Set by main(), not owned. */
	struct slots *make_slots;
	bool make_slots_unreachable; /* a make called dkms, but did not pass its job slots on */
};

/* Sets the defaults, which configuration files and the command line then override. */
void arguments_init(struct arguments *args);
void arguments_done(struct arguments *args);

/* Checks whether the arguments fit the command and each other, and whether the trees that
 * it changes are writable; changes nothing. Returns 0, or a negative errno with the exit
 * status in err. */
int arguments_check(const struct arguments *args, struct error *err);
/* Returns a chain of filters for the modules and the kernels that the arguments name, one for
 * each kernel, with its own architecture or the one that was given for all. The strings belong
 * to args. The caller frees the first one, which frees all. */
struct tree_filter *arguments_filter(const struct arguments *args);
/* Returns true if the module is given only by an archive that contains it. */
bool arguments_are_archive(const struct arguments *args);
/* Returns true if standard output is for JSON alone: with --json and with --events -. */
bool arguments_need_stdout(const struct arguments *args);

#endif
