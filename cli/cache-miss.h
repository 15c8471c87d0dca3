/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_MISS_H
#define CLI_CACHE_MISS_H

#include "cache/manifest.h"
#include "builder/reuse/predict.h"

struct cache;

/* Why is a build not in the cache? These compare the key of a job, which must be known,
 * with the nearest entry: the one for a module of the same name that shares most parts of
 * the key. If it shares all of them, they compare what the build of the entry has looked
 * at, its manifest, with what is there now. */

/* Something that is not as it was for the nearest entry: a line of the detail of a part
 * of the key, or an item of the manifest. */
struct file_change {
	char *part;              /* of the key; or manifest_kind_name() */
	enum manifest_kind kind; /* MANIFEST_KINDS: it is a part of the key */
	char *name; /* a path, option or variable; NULL: it is unknown what differs */
	char *was,
		*now;  /* a digest if there is one, else any text; NULL: there was none */
	char *package; /* what package_owners() says of the path; or NULL */
	size_t more;   /* of the last change in a part: how many more there are */
};

/* cache_miss_done() frees. */
struct cache_miss {
	char *nearest; /* title of the nearest entry; NULL: there is no entry of the
			  module */
	struct file_change *changes; /* in which it differs */
	size_t n_changes;
	bool caches_objects;       /* objects are cached for such a build */
	const char *obstacle;      /* why not, if they are not; NULL: unknown */
	struct prediction objects; /* if they are */
};

/* Finds the files, options and tools that differ from those of the nearest entry, at most
 * max for each part of the key, and which objects can be taken from the cache. */
void cache_miss_find(
	struct cache *cache, const struct job *job, size_t max, struct cache_miss *ret);
void cache_miss_done(struct cache_miss *miss);
/* Appends a line about the change: "PART: NAME differs (DIGEST -> DIGEST, of PACKAGE)",
 * with the first 12 digits of the digests, or "program: gcc was /usr/bin/gcc, is
 * /usr/local/bin/gcc"; and one for what is more. */
void file_change_add_lines(const struct file_change *c, struct strv *ret);
/* Returns whether a part of the key differs for any other kernel: its headers, its
 * configuration and its files. They are not worth printing once the kernel itself is
 * printed as different. */
bool cache_miss_is_due_to_kernel(const char *part);
/* Returns the same in a few words: "not in the cache: source, conf of TITLE differ", or
 * "not in the cache: since TITLE was built: /usr/bin/make differs". The caller frees. */
char *cache_miss_describe(struct cache *cache, const struct job *job);
/* Calls predict_objects() with all entries of the cache. Returns what that returns. */
bool cache_miss_predict(
	struct cache *cache, const struct job *job, struct prediction *ret);

#endif
