/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_REUSE_H
#define BUILDER_REUSE_REUSE_H

#include "cache/entry.h"
#include "cache/key.h"
#include "cache/manifest.h"

/* What a build takes from the cache and puts into it. Made by reuse_new() in cached.h. */
struct reuse {
	struct key key; /* of the whole build; no parts: the build is not cached */
	/* What the build has looked at, or the one whose result is used. Known when the
	 * build is published; empty if it was not traced. */
	struct manifest manifest;
	struct str predicate; /* of the provenance, as JSON; empty: not yet known */
	struct error
		key_error;  /* why the key could not be made; the build itself goes on */
	struct entry entry; /* to be published with the build; no files: none */
	struct objects *objects; /* see objects.h; NULL: objects are not reused */
	struct probe_memo *probes; /* see probe-memo.h; NULL: there is none */
	char *signers; /* who signed the result that is used; NULL: it was built here */
	bool found; /* the local cache has the result: known when there is a remote one */
	bool other_source; /* the copy that is built may differ from what the key says */
	bool without_objects;    /* make must not be given objects from the cache */
};

#endif
