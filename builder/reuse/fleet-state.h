/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FLEET_STATE_H
#define BUILDER_REUSE_FLEET_STATE_H

#include "cache/remote/action-result.h"
#include "cache/remote/signed-text.h"
#include "cache/remote/transport.h"
#include "builder/job/job.h"

/* What other machines have built. A job whose result the local cache does not have asks a
 * remote cache for it. For each signer whose public key is in remote_keys it asks for the
 * result with the primary key of its build (fingerprint.h), at an address that is made of the
 * key and the signer. The answer is believed if it is signed by that signer, and repeats the
 * key. It is used if what its manifest lists is the same here (observed.h): otherwise the
 * next slot of the signer is asked for, as the results with one key are in several slots.
 * Such a result is put into the local cache, as if it had been built here, and JOB_RESTORING
 * takes it from there and checks it as any other.
 *
 * A remote cache is never needed: whatever fails is a miss, and the module is built. */

/* The name of the text of an entry of the local cache that says who has signed it, as in
 * builder/tree/signers.h. What was built here has none. */
#define FLEET_SIGNERS "signers"

/* What the jobs of a run share. The scheduler owns it, and fills it in before the run. The
 * thread of the event loop uses it, and the threads of jobs read the keys. */
struct fleet {
	const struct settings *settings;
	struct remote_transport *transport; /* NULL: not started, or it cannot be */
	struct public_key *keys;	    /* whom to believe, n_keys of them */
	size_t n_keys;
	struct secret_key *sign; /* with which results are signed; NULL: none is written */
	/* Starts the transport if that has not been tried. */
	void (*start)(struct fleet *fleet);
	/* Lets a job continue that waits in JOB_ASKING. */
	void (*wake)(struct fleet *fleet, const struct job *job);
	void *userdata;
};

/* What a signer says about the job's build. */
struct claim {
	const struct public_key *signer; /* borrowed from the fleet */
	enum claim_state {
		CLAIM_ASK,	 /* ask for the signed text in the slot */
		CLAIM_RECORD,	 /* get the record, which is not in the answer */
		CLAIM_FITS,	 /* its manifest is as things are here */
		CLAIM_PACK,	 /* get the pack */
		CLAIM_NONE,	 /* it has nothing more to say */
	} state;
	unsigned int slot;
	struct signed_text text;   /* in CLAIM_RECORD, CLAIM_FITS and CLAIM_PACK */
	struct str record, pack;   /* the compressed bytes; empty: not here yet */
	struct request *request; /* that has no answer yet, or NULL; fleet.c's */
	/* The answer to the last request. */
	bool asked;
	enum remote_status status;
	struct str bytes;
	char *address; /* for messages: where the answer came from */
};

/* What a job has asked, and what came of it. */
struct fleet_ask {
	struct job *job;
	struct claim *claims; /* one for each public key */
	size_t n_claims, n_pending;
	bool sent; /* requests were made that were not looked at */
	uint64_t began_ns, ended_ns; /* CLOCK_MONOTONIC */
	uint64_t asked_ns; /* when the first slot was asked for; 0: not yet */
	uint64_t retry_ns; /* when to ask again: remote_wait; 0: now */
	uint64_t bytes;	   /* that came */
	bool hit, failed;  /* failed: a server was not to be reached */
	struct strv bad;   /* "ADDRESS: why", for each answer that was not believed */
	struct entry built; /* what this job has built, to be pushed; no files: nothing */
	struct digest primary; /* the key of that */
	struct strv primary_parts; /* the names of the key's parts, which built.parts has */
};

#endif
