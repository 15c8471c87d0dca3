/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_REMOTE_STATUS_H
#define CACHE_REMOTE_STATUS_H

/* How did a request to the servers end? */
enum remote_status {
	REMOTE_FOUND,   /* the object came, or a server has stored it */
	REMOTE_MISSING, /* the servers in use have said that they have no such object */
	REMOTE_FAILED,  /* this request failed, for the reason that the result tells */
	REMOTE_OFF,     /* no server is in use any more, or none for this direction */
};

/* A server that fails for a reason that other requests would meet as well is left alone
 * in that direction for the rest of the run. */
enum remote_direction { REMOTE_GET = 1, REMOTE_PUT = 2 };

#endif
