/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/arguments.h"
#include "cli/command-row.h"

/* What an option does. */
enum option_kind {
	OPTION_FLAG,	  /* sets a bool in struct arguments */
	OPTION_TEXT,	  /* replaces a char * there */
	OPTION_LIST,	  /* appends to a strv there */
	OPTION_SPECIAL,	  /* parsed by a function of options.c */
	OPTION_IGNORED,	  /* obsolete: does nothing, and a warning says so */
};

struct option_row {
	char letter;	      /* 0: there is only the long form */
	const char *name;     /* NULL: there is only the short form */
	const char *argument; /* its name in the help; NULL: takes no argument */
	enum option_kind kind;
	size_t offset;	      /* of the field in struct arguments */
	const char *help;     /* NULL: not in the help */
	unsigned int commands; /* flags, of which a command that uses it has one; 0: all use it */
};

/* All options. The last row has neither letter nor name. */
extern const struct option_row options[];

/* Returns whether an option has an effect on a command. Others are accepted and ignored, as
 * they always were. */
bool option_applies(const struct option_row *row, const struct command_row *command);

/* Parses the command line into args, over the defaults that it holds. Returns 0, or a
 * negative errno with the exit status in err, which may be NULL. */
int options_parse(struct arguments *args, int argc, char **argv, struct error *err);

/* Whether the operand of this part of dkms remote is a module, and neither a file nor a key. */
bool remote_names_module(const char *part);

#endif
