/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads libraries by dlopen(3) and never unloads them. */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/library.h"

static bool find_symbols(const struct library *library, void *handle)
{
	for (const struct library_symbol *s = library->symbols; s->name; s++) {
		*s->pointer = dlsym(handle, s->name);
		if (!*s->pointer)
			return false;
	}
	return true;
}

int library_load(struct library *library, struct error *err)
{
	const char *why;
	void *handle;
	int r = 0;

	pthread_mutex_lock(&library->lock);
	if (!library->loaded) {
		errno = 0;
		handle = dlopen(library->soname, RTLD_NOW | RTLD_LOCAL);
		/* dlopen(3) says only in words why it failed, but leaves errno as it is
		 * after open(2) or mmap(2). */
		if (!handle && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
			r = -errno;
		library->loaded = handle && find_symbols(library, handle);
		if (!library->loaded) {
			why = dlerror();
			r = error_set(err, r < 0 ? r : -ENOENT, 1,
				"%s needs the library %s: %s", library->purpose,
				library->soname, why ? why : "unknown");
			if (r == -ENOENT)
				error_remedy(err, "install %s", library->package);
		}
	}
	pthread_mutex_unlock(&library->lock);
	return r;
}
