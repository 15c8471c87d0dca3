/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_REMOTE_TRANSPORT_H
#define CACHE_REMOTE_TRANSPORT_H

#include <sys/types.h>

#include "base/error.h"
#include "base/strv.h"
#include "cache/remote/status.h"

/* Gets objects from HTTP servers, and puts them there, as in Bazel's HTTP cache protocol:
 * GET and PUT of URL/ac/DIGEST and URL/cas/DIGEST. A program of its own without
 * privileges, transfer/main.c, talks to the network; nothing that it says is believed but
 * for what its caller verifies. dkms is not linked with libcurl.
 *
 * Nothing here waits, but for remote_transport_wait(). No function calls a callback but
 * remote_transport_dispatch() and remote_transport_wait(). It is all for one thread. */

struct remote_transport;

struct remote_result {
	enum remote_status status;
	/* For REMOTE_FOUND of a GET: the object, a file in memory that nobody can change
	 * any more, so that it may be mapped. The callback takes the descriptor with
	 * take_fd(), or it is closed. -1 otherwise. Where /proc is missing, the program
	 * can move its offset: use pread(2) or mmap(2). */
	int fd;
	uint64_t size;   /* of the object in bytes, at most max_bytes */
	const char *url; /* the server's, owned by the transport; NULL if none answered */
	const char *why; /* for messages, on one line, if it failed; or NULL */
};

/* What result points to ends with the call, except url. */
typedef void remote_callback(void *userdata, struct remote_result *result);

/* What identifies the client to servers, and servers to it. Each is the content of a file
 * that root has read, or NULL; borrowed, and needed only by remote_transport_start(). */
struct remote_credentials {
	const struct str *ca; /* PEM certificates to trust, instead of the system's */
	const struct str *certificate; /* of the client, in PEM */
	const struct str *key;         /* of that certificate, in PEM, not encrypted */
	const struct str *password;    /* "USER:PASSWORD", for HTTP's Basic or sigv4 */
	const char *sigv4; /* "aws:amz:REGION:s3": requests are signed for S3 */
};

struct remote_options {
	/* A GET asks them in this order; a PUT goes to the first one alone. */
	const struct strv *urls;
	struct remote_credentials credentials;
	/* Whom the program runs as if dkms is root: somebody who owns nothing and whom
	 * nobody else is, see builder/run/user.h. */
	uid_t uid;
	/* Of seccomp_open_filter(), borrowed; 0 or less: there is no filter. */
	int filter;
	const char *program;     /* "/usr/lib/dkms/dkms-remote-transfer" */
	unsigned int connect_ms; /* what a server has to accept a connection; 0: 900 */
	unsigned int silence_ms; /* for how long nothing may come; 0: 2000 */
};

/* Starts the program. Returns 0 and *ret, which remote_transport_close() frees; or a
 * negative errno and err: -EINVAL for a URL that is none of http or https, or that has a
 * password in it; -ENOENT if the program is missing. */
int remote_transport_start(const struct remote_options *options,
	struct remote_transport **ret, struct error *err);

/* Asks for the object at path: "ac/" or "cas/" and 64 hexadecimal digits. An object of
 * more than max_bytes is a failure. So is one that is not there after deadline_ms; 0:
 * after ten minutes. remote_transport_dispatch() calls the callback once, however the
 * request ends. Up to 100 requests are made at once; others wait, which counts for their
 * deadline. */
void remote_transport_get(struct remote_transport *t, const char *path,
	uint64_t max_bytes, unsigned int deadline_ms, remote_callback *callback,
	void *userdata);
/* Stores size bytes of the regular file fd, from its beginning, at path. fd is borrowed
 * until this returns, must be open for reading only or sealed against writing, and must
 * not change until the callback is called. */
void remote_transport_put(struct remote_transport *t, const char *path, int fd,
	uint64_t size, unsigned int deadline_ms, remote_callback *callback,
	void *userdata);

/* Returns a descriptor that poll(2) says to be readable when remote_transport_dispatch()
 * has something to do. It belongs to the transport. */
int remote_transport_fd(const struct remote_transport *t);
/* Takes what has come, and calls the callbacks of the requests that have ended. These may
 * make requests, but not close the transport. */
void remote_transport_dispatch(struct remote_transport *t);
/* For callers without an event loop: waits at most timeout_ms, or without end if it is
 * -1, until no request is left, and calls callbacks. Returns whether none is left. */
bool remote_transport_wait(struct remote_transport *t, int timeout_ms);

/* Returns how many requests have not ended, or their callbacks were not called yet. */
size_t remote_transport_pending(const struct remote_transport *t);
/* Returns whether requests in this direction can still succeed. */
bool remote_transport_is_on(
	const struct remote_transport *t, enum remote_direction direction);
/* Returns what went wrong for good, one line for each cause, without "Warning:". The list
 * grows with remote_transport_dispatch(). */
const struct strv *remote_transport_warnings(const struct remote_transport *t);

/* Ends the program, and frees all. Callbacks of requests that have not ended are not
 * called. NULL is permitted. */
void remote_transport_close(struct remote_transport *t);

#endif
