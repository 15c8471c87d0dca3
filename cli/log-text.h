/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_LOG_TEXT_H
#define CLI_LOG_TEXT_H

#include <stdio.h>

#include "base/str.h"
#include "base/strv.h"

/* The text of a build's log, as a person reads it: with the paths that the files have outside
 * of the sandbox, without control characters, and with colors. */
struct log_text {
	struct str log;	  /* the caller reads it from the file */
	struct strv places; /* pairs: where the sandbox showed a directory, and where it is */
	bool color;
};

/* Finds the places in the log of a version in a dkms tree. */
void log_text_find_places(struct log_text *t, const char *dkms_tree, const char *name,
	const char *version);
/* Prints all lines of the log, and empties it. */
void log_text_print(struct log_text *t, FILE *out);
void log_text_done(struct log_text *t);

#endif
