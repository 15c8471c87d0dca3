/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSFER_SETUP_H
#define TRANSFER_SETUP_H

#include "base/str.h"
#include "cache/remote/frame.h"

/* What dkms has said at first. */
struct setup {
	int socket; /* to dkms */
	char *urls[FRAME_SERVERS_MAX];
	size_t n_urls;
	struct str secrets[FRAME_SECRETS]; /* data is NULL where there is none */
	unsigned int connect_ms, silence_ms;
};

/* Receives it from the socket, and puts the process under the filter that is a part of
 * it. Returns 0 or a negative errno. */
int setup_receive(int socket, struct setup *ret);

#endif
