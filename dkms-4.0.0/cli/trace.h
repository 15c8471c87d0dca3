/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "cli/events.h"

/* What ran when, for a person to look at: --trace FILE in the Trace Event format, which
 * Perfetto and chrome://tracing open. A row for each job that runs beside others. */

struct trace;
/* Opens the file, which is emptied. 0 or a negative errno. trace_close frees. */
int trace_open(const char *path, struct trace **ret, struct error *err);
struct listener trace_listener(struct trace *trace);
/* NULL is allowed. A negative errno when not all could be written. */
int trace_close(struct trace *trace, struct error *err);

#endif
