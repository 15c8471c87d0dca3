/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_VERSION_H
#define BUILDER_HOST_VERSION_H

/* Compares two versions piece by piece: runs of digits as numbers of any length, the
 * rest as text, so that 6.9 < 6.10. What goes on is newer than what has ended (3.5 <
 * 3.5-rc2 < 3.5.1), except for a tilde, which sorts before everything and before the
 * end, as packages use it (1.0~rc1 < 1.0). Returns <0, 0 or >0; 0 also for versions that
 * differ in leading zeros only. */
int version_compare(const char *a, const char *b);

#endif
