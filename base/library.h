/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <pthread.h>

#include "base/error.h"

/* Libraries that are loaded when they are first needed. A library that the program is
 * linked with is loaded and relocated each time the program starts, but most runs of dkms
 * do not build, sign or unpack anything.
 *
 * Each such library has a header of ours, which lists the functions in use and declares a
 * pointer for each: sym_archive_read_new for archive_read_new. The pointers may be used
 * after library_load() has succeeded. */
struct library {
	const char *soname;
	const char *purpose; /* for messages: "reading kernel modules" */
	const char *package; /* for messages: the name under which it can be installed */
	const struct library_symbol {
		const char *name;
		void **pointer;
	} * symbols; /* ends with an element whose name is NULL */
	pthread_mutex_t lock;
	bool loaded;
};

/* Declare a pointer, define it, and make an element of symbols. They are the arguments of
 * the list macro that the header of a library defines. */
#define LIBRARY_DECLARE(function) extern __typeof__(&function) sym_##function;
#define LIBRARY_DEFINE(function) __typeof__(&function) sym_##function;
#define LIBRARY_SYMBOL(function) {#function, (void **)&sym_##function},

#define LIBRARY(soname_, purpose_, package_, symbols_)                                   \
	{                                                                                \
		.soname = (soname_), .purpose = (purpose_), .package = (package_),       \
		.symbols = (symbols_), .lock = PTHREAD_MUTEX_INITIALIZER,                \
	}

/* Loads the library and finds its functions, if that has not been done. Any thread may
 * call it. Returns 0, or -ENOENT with status 1 if the library is missing or lacks one of
 * the functions. */
int library_load(struct library *library, struct error *err);

#endif
