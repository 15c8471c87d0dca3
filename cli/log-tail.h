/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_LOG_TAIL_H
#define CLI_LOG_TAIL_H

#include <jansson.h>

/* The ends of all logs in one document have no more bytes than this together. */
#define LOG_TAILS_MAX (1024 * 1024)

/* Returns the end of a log, at most 8 KiB from the beginning of a line, as a new JSON string; null if path
 * is NULL, or the log is empty, cannot be read, or root may not read it for the user who has put it
 * there. The path must be one that this dkms has found itself: what a document of another machine
 * names may be any file of this one. */
json_t *log_tail_read(const char *path);

#endif
