/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

/* Prints the usage, all commands and all options. */
void help_print(FILE *out);

#endif
