/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "cli/events.h"

/* --trace: writes which job and phase ran when, in the Trace Event format, which Perfetto and
 * chrome://tracing show as a chart. Jobs that run at the same time are in different rows. */
struct trace;

/* Creates or empties the file. Returns 0 and a trace, which the caller closes with
 * trace_close(), or a negative errno. */
int trace_open(const char *path, struct trace **ret, struct error *err);
/* The listener that writes to the trace. */
struct listener trace_listener(struct trace *trace);
/* Finishes the file and frees trace, which may be NULL. Returns a negative errno if not all
 * of it could be written, 0 otherwise. */
int trace_close(struct trace *trace, struct error *err);

#endif
