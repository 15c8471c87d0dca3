/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/arguments.h"

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

/* Reads the command line over what args holds. Returns 0 or a negative errno; err has the
 * exit status. */
int options_parse(struct arguments *args, int argc, char **argv, struct error *err);

#endif
