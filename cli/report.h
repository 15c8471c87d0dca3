/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/display.h"
#include "cli/events.h"

/* What a run says while it goes on and at its end. Results go to standard output, what
 * went wrong and warnings to standard error. */
struct report {
	bool quiet, verbose;
	struct display *display; /* makes room before something is printed; may be NULL */
	bool debug; /* each step and its command, to standard error */
	struct strv told;   /* what concerns several jobs and has been said */
	bool dry_run;	    /* jobs end with what they would do */
	bool explain;	    /* why each job does what it does */
	bool details;	    /* there is more to tell of a failure, at the end */
	uint64_t started_ns;
};

void report_init(struct report *r, bool quiet, bool verbose);
void report_done(struct report *r);

/* Prints a line when a job ends. */
struct listener report_listener(struct report *r);

/* After runs with several jobs: a matrix of modules × kernels if there are several
 * kernels, and a line of sums. */
void report_summary(const struct report *r, const struct plan *p);

/* After the summary: what the line of a failure has left out. */
void report_failures(const struct report *r, const struct plan *p);

#endif
