/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdio.h>

#include "cli/arguments.h"

/* What may stand for the last of these words of a command line (n > 0), which is what has
 * been typed of it, perhaps nothing. Prints for the scripts in packaging/completion a line
 * "WORD<tab>DESCRIPTION" for each that fits, and ":files" or ":directories" when a path
 * may stand there as well. args holds the defaults, and afterwards what the words say.
 * Silent about what is wrong with the words. */
void complete_print(struct arguments *args, char **words, int n, FILE *out);

#endif
