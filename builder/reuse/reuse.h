/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_REUSE_H
#define BUILDER_REUSE_REUSE_H

#include "cache/entry.h"
#include "cache/key.h"

/* What a build takes from the cache, and gives to it. reuse_new() in cached.h makes one.
 */
struct reuse {
	struct key key;	     /* of the whole build; no parts: it is not cached */
	struct error no_key; /* why the key could not be made; no error of the build */
	struct entry entry;  /* the entry to publish with the build; no files: none */
	struct objects *objects; /* objects.c's; NULL: no objects are looked for */
	bool from_scratch;	 /* make gets no objects from the cache */
};

#endif
