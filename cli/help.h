/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

void help_print(FILE *out);

#endif
