/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSFER_REQUESTS_H
#define TRANSFER_REQUESTS_H

#include <uv.h>

#include "transfer/setup.h"

/* Begins to work on requests, for the rest of the process. setup is borrowed. Returns 0
 * or a negative errno. */
int requests_start(uv_loop_t *loop, const struct setup *setup);
/* Takes a frame of dkms, and fd, if it has one. Its answer is sent later. Returns 0, or
 * -EPROTO if dkms does not say such things. */
int requests_take(const struct frame *frame, int fd);

#endif
