/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdio.h>

#include "cli/arguments.h"

/* Prints the completions of a command line for the scripts in packaging/completion.
 *
 * words are the words of the line without "dkms"; n > 0. The last word is the one to
 * complete, as far as it has been typed, perhaps "". For each completion prints a line
 * "WORD<tab>DESCRIPTION", and a line ":files" or ":directories" if a path may stand there too.
 *
 * args holds the defaults, and receives what the words before the last one say. Errors in
 * the words are ignored. */
void complete_print(struct arguments *args, char **words, int n, FILE *out);

#endif
