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

/* Whether a job is one of a module on a kernel, which the summary counts, and the word
 * that tells there how it went. */
bool report_counts(const struct job *job);
const char *report_word(const struct job *job);

/* Prints text with every line after the first indented. */
void print_lines(FILE *out, const char *text);
/* "dkms: what", the following lines indented, and the remedy. */
void print_error(const struct error *err);
void print_warning(const char *fmt, ...) _printf_(1, 2);

/* "0.3 s", "7.4 s", "1 min 52 s", "2 h 14 min"; caller frees. */
char *format_seconds(double seconds);
/* "640 B", "1.1 GiB"; caller frees. */
char *format_bytes(uint64_t bytes);

#endif
