/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DISPLAY_FRAME_H
#define CLI_DISPLAY_FRAME_H

#include "base/str.h"

/* One picture of a run for a terminal: what is shown as data, and its text. */

struct frame_row {
	const char *module, *kernel, *phase; /* borrowed */
	double elapsed_s;
};

struct frame {
	size_t modules, kernels, slots;
	size_t jobs;	/* those a person counts; 0: none yet, confs are being read */
	size_t reading; /* how many confs */
	size_t done, excluded, failed; /* of the jobs */
	size_t cached, linked; /* of those done: from the cache; from objects of another kernel */
	double elapsed_s;
	double left_s; /* below 0: not known */
	const struct frame_row *rows; /* what runs, the longest first */
	size_t n_rows;
	unsigned int columns, lines; /* of the terminal */
	bool utf8, color;
};

/* Appends the lines to ret, without an end of line after the last one, and returns how
 * many they are. None is wider than the terminal, and together they leave one line of it
 * free. */
size_t frame_text(const struct frame *f, struct str *ret);

#endif
