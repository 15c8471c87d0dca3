/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <pthread.h>

#include "base/error.h"

/* Libraries that are loaded when they are first needed. What the program is linked with
 * is loaded and relocated each time it starts; and most runs have nothing to build, to
 * sign or to unpack.
 *
 * A library has a header of ours, which lists the functions in use and declares a pointer
 * to each: sym_archive_read_new for archive_read_new. They may be called after the
 * library has been loaded. */
struct library {
	const char *soname;
	const char *purpose; /* "reading kernel modules" */
	const char *package; /* what it is called where it can be installed */
	const struct library_symbol {
		const char *name;
		void **pointer;
	} *symbols; /* the last has no name */
	pthread_mutex_t lock;
	bool loaded;
};

/* The pointers for a list of functions: a macro that takes a macro. */
#define LIBRARY_DECLARE(function) extern __typeof__(&function) sym_##function;
#define LIBRARY_DEFINE(function) __typeof__(&function) sym_##function;
#define LIBRARY_SYMBOL(function) {#function, (void **)&sym_##function},

#define LIBRARY(soname_, purpose_, package_, symbols_)                                   \
	{                                                                                \
		.soname = (soname_), .purpose = (purpose_), .package = (package_),       \
		.symbols = (symbols_), .lock = PTHREAD_MUTEX_INITIALIZER,                \
	}

/* Loads it and finds its functions, once. Returns 0; -ENOENT with status 1 when it is not
 * there or lacks one of them. Any thread. */
int library_load(struct library *library, struct error *err);

#endif
