/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_REMOTE_FRAME_H
#define CACHE_REMOTE_FRAME_H

#include "base/util.h"

/* What dkms and its program transfer/ say to each other, over a socket that keeps the
 *limits of messages (SOCK_SEQPACKET). A message is one frame:
 *
 *	byte 0      the type
 *	byte 1      the status, the kind or the directions: see enum frame_type
 *	byte 2      the number of a server, in the order of the URLs
 *	byte 3      0
 *	bytes 4-7   the number of the request
 *	bytes 8-15  a size in bytes
 *	from 16 on  a text of printable ASCII, without a NUL at its end
 *
 * in the machine's own order of bytes. Objects and credentials are not in the frames:
 *they are files in memory, whose descriptors come with them (SCM_RIGHTS). */

#define FRAME_HEADER 16
#define FRAME_TEXT_MAX 2048
#define FRAME_MAX (FRAME_HEADER + FRAME_TEXT_MAX)
#define FRAME_SERVERS_MAX 16 /* URLs */
#define FRAME_WINDOW 100     /* requests that the program has at a time */

enum frame_type {
	/* From dkms, at first: */
	FRAME_URL = 1, /* text: a URL */
	FRAME_SECRET,  /* status: enum frame_secret; descriptor: the bytes */
	FRAME_BEGIN,   /* request: connect_ms; size: silence_ms */
	/* From dkms, later: */
	FRAME_GET,    /* size: the most that may come; text: the path */
	FRAME_PUT,    /* size: of the object; text: the path; descriptor: the object */
	FRAME_CANCEL, /* request */
	/* From the program: */
	FRAME_DONE,  /* status: enum remote_status; server: that answered, or 255;
		      * size; text: why it failed; descriptor: what a GET has found */
	FRAME_OFF,   /* status: enum remote_direction, or both; server; text: why */
	FRAME_ALIVE, /* it still works on requests */
};

#define FRAME_NO_SERVER 255

enum frame_secret {
	FRAME_CA,
	FRAME_CERTIFICATE,
	FRAME_KEY,
	FRAME_PASSWORD,
	FRAME_SIGV4,
	FRAME_FILTER,  /* of system calls */
	FRAME_SECRETS, /* their number */
};
/* A secret has at most so many bytes. */
#define FRAME_SECRET_MAX (1024 * 1024)

struct frame {
	enum frame_type type;
	unsigned int status, server;
	uint32_t request;
	uint64_t size;
	const char *text; /* for frame_read(): n_text bytes within the message, no NUL */
	size_t n_text;
};

/* Writes the frame to buffer, of FRAME_MAX bytes. Bytes of text that are not printable
 * become
 * '?', and what is too long is cut. Returns the number of bytes. */
size_t frame_write(const struct frame *frame, char *buffer);
/* Reads a frame that came from dkms, or from the program. Returns 0, or -EPROTO if it is
 * not exactly what such a frame can be; n_fds is the number of descriptors that came with
 * it. */
int frame_read(
	const char *bytes, size_t n, bool from_program, size_t n_fds, struct frame *ret);
/* Returns whether text is the path of an object: "ac/" or "cas/" and 64 hexadecimal
 * digits. */
bool frame_is_path(const char *text, size_t n);

/* Sends a frame, with a descriptor unless fd is -1. Returns 0 or a negative errno;
 * -EAGAIN if flags have MSG_DONTWAIT and there is no room. */
int frame_send(int socket, const struct frame *frame, int fd, int flags);
/* Receives a frame into buffer, of FRAME_MAX bytes, where ret->text points to then, and
 * its descriptor, or -1, which the caller closes. Returns 1, 0 if the other side is gone,
 * -EAGAIN if flags have MSG_DONTWAIT and there is none, -EPROTO, or another negative
 * errno. */
int frame_receive(int socket, bool from_program, int flags, char *buffer,
	struct frame *ret, int *ret_fd);

#endif
