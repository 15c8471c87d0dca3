/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FLEET_PUSH_H
#define BUILDER_REUSE_FLEET_PUSH_H

#include "cache/cache.h"
#include "builder/reuse/fleet-state.h"

/* Writing results to a remote cache. Each is signed and written to the first slot of the
 * signer that is free or has the same manifest: the packs first, then what names them, and then of
 * what its key was made (fleet-key.h). */

struct fleet_pusher;

/* Begins to push what the local cache has as e, whose primary key and the names of whose parts
 * are given; these are copied. Packs are made now, and requests are made on the transport, which
 * must have been started; the caller then calls remote_transport_wait(). Returns NULL if there is
 * nothing to push: e has no manifest, or an object of it is gone. fleet_pusher_free() frees,
 * after the transport was closed or nothing is pending. */
struct fleet_pusher *fleet_push(struct fleet *fleet, struct cache *cache,
	const struct entry *e, const struct digest *primary, const struct strv *parts);
/* Returns whether everything is in the remote cache. Sets *ret_bytes to what was sent. */
bool fleet_pusher_is_done(const struct fleet_pusher *p, uint64_t *ret_bytes);
void fleet_pusher_free(struct fleet_pusher *p);

#endif
