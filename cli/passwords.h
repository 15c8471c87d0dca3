/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_PASSWORDS_H
#define CLI_PASSWORDS_H

#include "base/str.h"

/* Appends a line with "..." for what is between "://" and "@" of an address: the name of a user, and
 * a password perhaps. */
void passwords_leave_out(struct str *s, const char *line);

#endif
