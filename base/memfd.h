/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_MEMFD_H
#define BASE_MEMFD_H

#include <stdbool.h>
#include <stddef.h>

/* Files in memory that nobody can change any more, so that a process may hand one to another that
 * does not trust it (memfd_create(2), file seals in fcntl(2)). */

/* Makes such a file of n bytes, with its offset at their end. Returns its descriptor, which the
 * caller closes, or a negative errno. name is for /proc only. */
int memfd_make(const char *name, const void *bytes, size_t n);
/* Makes a file of memfd_create(2) with MFD_ALLOW_SEALING such a file. Returns 0 or a negative
 * errno. */
int memfd_seal(int fd);
/* Whether fd is such a file. */
bool memfd_is_sealed(int fd);

#endif
