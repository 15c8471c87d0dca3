/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PROBES_OPTIONS_H
#define BUILDER_PROBES_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* What a call of a compiler asks. */
struct probe {
	bool reads_stdin;   /* its input is standard input, else /dev/null or none */
	const char *output; /* the operand of -o, or NULL */
	size_t output_arg;  /* the index of that operand in argv */
};

/* Whether the answer to a call depends on nothing but its words, on standard input and on the
 * compiler: it says what its version is, or it compiles standard input or /dev/null, and no
 * option names another file or is unknown here. Fills *ret. */
bool options_understand(char **argv, struct probe *ret);
/* Whether standard input can be compiled without looking at other files, or at the clock. */
bool options_are_closed(const char *text, size_t n);

/* Whether the call compiles or assembles a part of a kernel module, and all options for debug
 * information stand together: then they are those of kbuild. Where others stand before or
 * after them, the module has options of its own, which count. */
bool options_are_kbuilds_debug_info(char **argv);

bool text_is(const char *a, const char *b);
/* Returns what follows start in text, or NULL if text begins with something else. */
const char *text_after(const char *text, const char *start);

#endif
