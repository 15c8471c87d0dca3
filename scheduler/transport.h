/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_TRANSPORT_H
#define SCHEDULER_TRANSPORT_H

#include "builder/host/settings.h"
#include "builder/run/user.h"
#include "cache/remote/transport.h"

/* Starts the program that talks to the servers of a remote cache (cache/remote/transport.h), as a
 * user who owns nothing if dkms is root. urls are separated by blanks. Takes *user unless that has
 * been done; user_give() gives it back after remote_transport_close(). Returns 0, or a negative
 * errno and err. */
int transport_start(const struct settings *s, const char *urls, struct user *user,
	struct remote_transport **ret, struct error *err);

#endif
