/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_PAGER_H
#define CLI_PAGER_H

#include <stdio.h>

/* Starts the pager that the user has chosen by DKMS_PAGER or PAGER, or else less(1) at the given
 * line. Returns the stream that it reads, which the caller closes with pclose(3); NULL if there
 * is none. */
FILE *pager_start(size_t line);

#endif
