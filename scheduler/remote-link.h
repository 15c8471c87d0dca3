/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_REMOTE_LINK_H
#define SCHEDULER_REMOTE_LINK_H

#include "builder/host/settings.h"
#include "builder/run/user.h"
#include "cache/remote/transport.h"

/* The program that talks to servers for dkms: with the credentials of framework.conf, as
 * a user of its own, and under the filter of system calls that builds have.
 * Zero-initialised is none. */
struct remote_link {
	struct remote_transport *transport;
	struct user user;
};

/* Starts it, for the servers at urls. program is its path; NULL: it is beside dkms, or
 * where it is installed. Returns 0, or a negative errno and err. */
int remote_link_open(const struct settings *s, const struct strv *urls,
	const char *program, struct remote_link *ret, struct error *err);
/* Whether the files that framework.conf names for it can be read. Returns 0, or a negative errno
 * and err. */
int remote_link_check(const struct settings *s, struct error *err);
/* Ends it, and all processes of its user. */
void remote_link_close(struct remote_link *l);

#endif
