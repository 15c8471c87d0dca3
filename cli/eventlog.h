/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_EVENTLOG_H
#define CLI_EVENTLOG_H

#include "cli/events.h"

/* --events: writes the events of a run as lines of JSON. dkms(8) describes the schema. */
struct eventlog;

/* Creates or empties the file; "-" is standard output. Returns 0 and a log, which the caller
 * closes with eventlog_close(), or a negative errno. */
int eventlog_open(const char *path, struct eventlog **ret, struct error *err);
/* The listener that writes events to the log. */
struct listener eventlog_listener(struct eventlog *log);
/* Closes the file and frees log, which may be NULL. Returns a negative errno if any event
 * could not be written, 0 otherwise. */
int eventlog_close(struct eventlog *log, struct error *err);

#endif
