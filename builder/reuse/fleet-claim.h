/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FLEET_CLAIM_H
#define BUILDER_REUSE_FLEET_CLAIM_H

#include "builder/reuse/fleet-state.h"

/* Looks at the answers that came, and sets what is to be asked next: any claim is in a state that
 * asks then. Otherwise ask->hit says whether the result is in the local cache now. From any
 * thread. */
void claims_judge(struct fleet_ask *ask);
/* Whether the claim waits for something that was not requested. */
static inline bool claim_wants(const struct claim *c)
{
	return c->state == CLAIM_ASK || c->state == CLAIM_RECORD || c->state == CLAIM_PACK;
}
/* Returns the path of what the claim asks for, "ac/DIGEST" or "cas/DIGEST", and how large it may be
 * (bytes). The caller frees it. */
char *claim_path(const struct claim *c, const struct digest *key, uint64_t *ret_max);
/* Reads an ActionResult of n bytes: verifies that it is signed by the signer, and that it is
 * about the key and the slot. Returns NULL and *ret, which signed_text_done() frees, with the
 * inlined bytes of both packs; or why it is not believed; static. */
const char *claim_read(const struct public_key *signer, const struct digest *key,
	unsigned int slot, const void *bytes, size_t n, struct signed_text *ret,
	struct str *ret_record, struct str *ret_pack);
void claim_done(struct claim *c);

/* The names of the texts that travel with a result, apart from the record. They end with NULL. */
extern const char *const fleet_texts[];
#define FLEET_RECORD "manifest"

#endif
