/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_KEY_TEXTS_H
#define BUILDER_REUSE_KEY_TEXTS_H

#include <pthread.h>

#include "base/error.h"
#include "cache/key.h"
#include "cache/line-index.h"
#include "cache/listing-cache.h"
#include "cache/statcache.h"
#include "builder/host/kernel.h"
#include "builder/host/settings.h"
#include "builder/reuse/key-stamp.h"

/* Texts that many keys of a run have in common: they are made once, or again when a file
 * that they were made from has changed, and kept until the run ends. Most are parts of
 * keys; others only help to make such a part. */

struct key_text {
	const char *name;            /* of the part; static */
	const struct kernel *kernel; /* NULL: the text is the same for all kernels */
	char *variant;               /* what else the text depends on; NULL: nothing */
	struct str text;             /* data is never NULL */
	struct digest digest;     /* of the text; all zero if it is not a part of keys */
	struct line_index *index; /* of the text's lines; NULL until key_text_index() */
	struct key_stamp stamp;   /* of the files that the text was made from */
	int failure;              /* 0, or a negative errno: the text cannot be made */
	struct error error;       /* why, if it cannot */
	struct key_text *next;
};

struct key_texts {
	struct statcache *stats;
	struct listing_cache *listings;
	const struct settings *settings;
	/* Protects what follows. It is held while a text is made, so that other threads
	 * wait for the text instead of making it too. */
	pthread_mutex_t lock;
	struct key_text *texts;
	struct cached_listing **headers; /* of the kernels' header directories */
	size_t n_headers;
};

/* Which text is needed, and how it is made. */
struct key_text_source {
	const char *name; /* as in struct key_text */
	const struct kernel *kernel;
	const char *variant;
	/* Appends the text. Returns 0, or a negative errno and err. Called under the
	 * lock, unless the text is made afresh and names no files. */
	int (*make)(struct key_texts *texts, const struct key_text_source *source,
		struct str *ret, struct error *err);
	/* Each file and directory that the text is made from is the first word of a line
	 * of the text, or one of files, which is NULL-terminated. Before the text is used
	 * again, all of them are checked. Otherwise it is used for the whole run. */
	bool names_files;
	const char *const *files; /* NULL: none */
};

/* All arguments must live longer than the result. key_texts_free() frees. */
struct key_texts *key_texts_new(struct statcache *stats, struct listing_cache *listings,
	const struct settings *settings);
/* NULL is allowed. */
void key_texts_free(struct key_texts *texts);

/* Adds a part to the key: the text that was made earlier in this run, or a new one. A
 * text that names its files is as it would be if it were made now. Any other text is made
 * now only with afresh, and is not kept then. A failure is remembered, not retried, except
 * for -EAGAIN. The key borrows a kept text. From any thread. Returns 0, or a negative
 * errno and err. */
int key_texts_add_part(struct key_texts *texts, struct key *key,
	const struct key_text_source *source, bool afresh, struct error *err);

/* Does the same for the listing of a directory of kernel headers, as the part of that
 * name. Returns 0 or a negative errno. */
int key_texts_add_headers(struct key_texts *texts, struct key *key, const char *name,
	const char *path, bool afresh);

/* The following functions must be called under the lock. What they return belongs to
 * texts. */

/* Returns the text of that name without a variant, or NULL if it was not made yet. */
struct key_text *key_texts_find(
	struct key_texts *texts, const char *name, const struct kernel *kernel);
/* Keeps a new text, which it takes from the caller. */
struct key_text *key_texts_keep(struct key_texts *texts, const char *name,
	const struct kernel *kernel, struct str *text);
/* The same, and computes its digest, so that it can become a part of keys. */
struct key_text *key_texts_keep_part(struct key_texts *texts, const char *name,
	const struct kernel *kernel, struct str *text);
/* Returns the index of the text's lines; makes it if necessary. */
const struct line_index *key_text_index(struct key_text *t);
/* Sets *ret to the listing of a directory of kernel headers, which is read or verified
 * once for the run. Returns 0 or a negative errno. */
int key_texts_get_headers(
	struct key_texts *texts, const char *path, struct cached_listing **ret);

#endif
