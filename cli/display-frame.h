/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DISPLAY_FRAME_H
#define CLI_DISPLAY_FRAME_H

#include "base/str.h"

/* One frame of the live display: what it shows, as data, and how that becomes text. */

/* A running job. */
struct frame_row {
	const char *module, *kernel, *phase; /* borrowed */
	double elapsed_s;
};

struct frame {
	size_t modules, kernels, slots;
	/* The number of jobs, except those that read a dkms.conf or run depmod; 0 while the
	 * dkms.conf files are being read. */
	size_t jobs;
	size_t reading; /* the number of dkms.conf files to read */
	size_t done, excluded, failed; /* jobs that have ended */
	size_t cached; /* of the jobs done, those whose modules came from the cache */
	size_t linked; /* of the jobs done, those linked from objects of another kernel */
	double elapsed_s;
	double left_s; /* below 0: unknown */
	const struct frame_row *rows; /* running jobs, the longest first; borrowed */
	size_t n_rows;
	unsigned int columns, lines; /* the size of the terminal */
	bool utf8, color;
	bool stopping; /* a signal has cancelled the run, and its running jobs end */
};

/* Appends the lines of the frame to ret, without a newline after the last one, and returns
 * their number. No line is wider than the terminal, and at least one line of the terminal is
 * left free. */
size_t frame_text(const struct frame *f, struct str *ret);

#endif
