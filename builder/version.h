/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_VERSION_H
#define BUILDER_VERSION_H

/* Compares two versions piece by piece: runs of digits as numbers of any length, the
 * rest as text, so that 6.9 < 6.10. Returns <0, 0 or >0. */
int version_compare(const char *a, const char *b);

#endif
