/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/events.h"

struct display;

/* What dkms prints during a run and at its end. Results go to standard output, failures and
 * warnings to standard error. */
struct report {
	bool quiet;		 /* print only failures and warnings */
	struct display *display; /* erased before anything is printed; NULL: there is none */
	bool debug;		 /* print each step and its command to standard error */
	struct strv printed;	 /* messages printed so far that must not be repeated */
	bool dry_run;		 /* print what each job would do */
	bool explain;		 /* print the reason for what each job does */
	size_t n_warned;	 /* so many of the plan's warnings are printed */
	bool has_more;		 /* a failure was cut to one line; see report_failures() */
	uint64_t started_ns;	 /* uv_hrtime() at the start of the run */
};

void report_init(struct report *r, bool quiet);
void report_done(struct report *r);

/* The listener that prints a line when a job ends. */
struct listener report_listener(struct report *r);

/* Prints the warnings of the plan that have not been printed. The first event of a run does so as
 * well: that there is no sandbox is worth knowing before a build. */
void report_plan_warnings(struct report *r, const struct plan *p);

/* Prints the summary of a run with several jobs: a table of modules and kernels if there are
 * several kernels, and a line with the totals. Prints nothing after a single job. */
void report_summary(const struct report *r, const struct plan *p);

/* Prints a line about what a remote cache had, if there is one. */
void report_remote(const struct report *r, const struct plan *p);

/* Prints the failures in full that were cut to one line during the run. To be called after
 * report_summary(). */
void report_failures(const struct report *r, const struct plan *p);

#endif
