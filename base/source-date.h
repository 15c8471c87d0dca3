/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_SOURCE_DATE_H
#define BASE_SOURCE_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* The environment variable SOURCE_DATE_EPOCH asks for results that are the same whenever
 * they are made. It is specified at
 * https://reproducible-builds.org/specs/source-date-epoch/: nothing may have a time that
 * is later, and the current time is replaced by it. */

#define SOURCE_DATE_VARIABLE "SOURCE_DATE_EPOCH"

struct source_date {
	bool given;
	int64_t seconds; /* since 1970 */
};

/* Reads a value of the variable; NULL and "" give a date that is not given. Returns false
 * and such a date if it is no decimal number, or later than the year 9999, which is what
 * compilers accept. */
bool source_date_parse(const char *text, struct source_date *ret);
/* Returns a time in seconds since 1970, or the date if the time is later. */
int64_t source_date_limit(const struct source_date *date, int64_t seconds);

/* Change the modification time to the date if it is later: of the file, link or directory
 * at path, and of everything in the directory at path, too. They do nothing if the date
 * is not given or there is no such path, and ignore failures. */
void source_date_clamp(const struct source_date *date, const char *path);
void source_date_clamp_all(const struct source_date *date, const char *path);

#endif
