/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/arguments.h"

/* Prints the usage, all commands and all options. */
void help_print(FILE *out);
/* Prints what a command does, its usage, the options that it uses, and examples. */
void help_print_command(const struct command_row *command, FILE *out);
/* Prints that word is no command and, if there is one that looks like it, which was meant. */
void help_print_unknown(const char *word, FILE *errors);

/* Runs dkms help. Returns the exit status: 2 if it is asked for a command that does not exist. */
int command_help(struct arguments *args);

#endif
