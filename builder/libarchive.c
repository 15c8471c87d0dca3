/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads libarchive by dlopen(3) and finds its functions. */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#define LIBARCHIVE_OWN_NAMES
#include "builder/libarchive.h"

/* The name of its ABI, which has been the same since libarchive 3.0. */
#define LIBRARY "libarchive.so.13"

struct libarchive libarchive;

static bool loaded;

static void load(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return;
	loaded = true;
#define X(function)                                                                      \
	*(void **)&libarchive.function##_ = dlsym(library, #function);                   \
	loaded = loaded && libarchive.function##_;
	LIBARCHIVE_FUNCTIONS(X)
#undef X
}

int libarchive_load(struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	if (!loaded) {
		error_set(err, -ENOENT, 1, "archives need the library " LIBRARY);
		error_remedy(err, "install libarchive");
		return -ENOENT;
	}
	return 0;
}
