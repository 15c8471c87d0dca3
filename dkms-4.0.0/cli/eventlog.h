/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_EVENTLOG_H
#define CLI_EVENTLOG_H

#include "cli/events.h"

/* The events as JSON lines: --events FILE|-. dkms(8) has the schema. */

/* Opens the file, which is emptied; "-" is standard output. Returns 0 and a listener, or
 * a negative errno. eventlog_close frees. */
struct eventlog;
int eventlog_open(const char *path, struct eventlog **ret, struct error *err);
struct listener eventlog_listener(struct eventlog *log);
/* NULL is allowed. A negative errno when not all could be written. */
int eventlog_close(struct eventlog *log, struct error *err);

#endif
