/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <jansson.h>

/* Returns a new JSON string, or null for NULL. JSON must be UTF-8, but file names need
 * not be: if s is not, each byte of it that is not ASCII becomes U+FFFD. */
json_t *json_text(const char *s);

#endif
