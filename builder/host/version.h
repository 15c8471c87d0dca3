/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_VERSION_H
#define BUILDER_HOST_VERSION_H

/* Compares two versions of modules or kernels. Runs of digits compare as numbers of any
 * length and all other bytes as text, so 6.9 < 6.10. If one version continues where the
 * other ends, it is the newer one: 3.5 < 3.5-rc2 < 3.5.1. The exception is a tilde, which
 * sorts before everything else and before the end, as in versions of packages:
 * 1.0~rc1 < 1.0. Returns a negative number, 0 or a positive number. Versions that differ
 * only in leading zeros are equal. */
int version_compare(const char *a, const char *b);

#endif
