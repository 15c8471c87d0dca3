/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may dkms and its program for transfers say to each other? */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

#include "cache/remote/frame.h"
#include "cache/remote/status.h"

#define HEX_DIGITS 64
#define FDS_MAX 4 /* more are not received; one is right */

/* Which fields a frame has besides its type. */
enum { STATUS = 1, SERVER = 2, REQUEST = 4, SIZE = 8, TEXT = 16, PATH = 32, FD = 64 };

static const struct {
	bool from_program;
	unsigned int status_max;
	unsigned int has; /* other fields are 0 */
} forms[] = {
	[FRAME_URL] = {false, 0, TEXT},
	[FRAME_SECRET] = {false, FRAME_SECRETS - 1, STATUS | FD},
	[FRAME_BEGIN] = {false, 0, REQUEST | SIZE},
	[FRAME_GET] = {false, 0, REQUEST | SIZE | PATH},
	[FRAME_PUT] = {false, 0, REQUEST | SIZE | PATH | FD},
	[FRAME_CANCEL] = {false, 0, REQUEST},
	[FRAME_DONE] = {true, REMOTE_OFF, STATUS | SERVER | REQUEST | SIZE | TEXT},
	[FRAME_OFF] = {true, REMOTE_GET | REMOTE_PUT, STATUS | SERVER | TEXT},
	[FRAME_ALIVE] = {true, 0, 0},
};

bool frame_is_path(const char *text, size_t n)
{
	size_t skip = n == HEX_DIGITS + 3 && memcmp(text, "ac/", 3) == 0    ? 3
		      : n == HEX_DIGITS + 4 && memcmp(text, "cas/", 4) == 0 ? 4
									    : 0;

	for (size_t i = skip; i < n && skip; i++)
		if (!((text[i] >= '0' && text[i] <= '9') ||
			    (text[i] >= 'a' && text[i] <= 'f')))
			return false;
	return skip > 0;
}

size_t frame_write(const struct frame *f, char *buffer)
{
	size_t n = f->n_text < FRAME_TEXT_MAX ? f->n_text : FRAME_TEXT_MAX;

	memset(buffer, 0, FRAME_HEADER);
	buffer[0] = (char)f->type;
	buffer[1] = (char)f->status;
	buffer[2] = (char)f->server;
	memcpy(buffer + 4, &f->request, 4);
	memcpy(buffer + 8, &f->size, 8);
	for (size_t i = 0; i < n; i++)
		buffer[FRAME_HEADER + i] =
			f->text[i] >= ' ' && f->text[i] < 0x7f ? f->text[i] : '?';
	return FRAME_HEADER + n;
}

/* Whether text is there only if it may, and is printable. */
static bool is_text_right(const struct frame *f, unsigned int has)
{
	if (has & PATH)
		return frame_is_path(f->text, f->n_text);
	for (size_t i = 0; i < f->n_text; i++)
		if (f->text[i] < ' ' || f->text[i] >= 0x7f)
			return false;
	return has & TEXT || f->n_text == 0;
}

/* Whether a descriptor is there exactly if it must. */
static bool is_fd_right(const struct frame *f, unsigned int has, size_t n_fds)
{
	/* An answer to a PUT has none, so dkms looks at that when it knows the request.
	 */
	if (f->type == FRAME_DONE && f->status == REMOTE_FOUND)
		return n_fds <= 1;
	return n_fds == (has & FD ? 1 : 0);
}

int frame_read(
	const char *bytes, size_t n, bool from_program, size_t n_fds, struct frame *ret)
{
	struct frame f = {0};
	unsigned int type, has;

	if (n < FRAME_HEADER || n > FRAME_MAX || bytes[3])
		return -EPROTO;
	type = (unsigned char)bytes[0];
	if (type < FRAME_URL || type > FRAME_ALIVE ||
		forms[type].from_program != from_program)
		return -EPROTO;
	f.type = (enum frame_type)type;
	f.status = (unsigned char)bytes[1];
	f.server = (unsigned char)bytes[2];
	memcpy(&f.request, bytes + 4, 4);
	memcpy(&f.size, bytes + 8, 8);
	f.text = bytes + FRAME_HEADER;
	f.n_text = n - FRAME_HEADER;
	has = forms[type].has;
	if (f.status > forms[type].status_max || (f.server && !(has & SERVER)) ||
		(f.request != 0) != ((has & REQUEST) != 0) || (f.size && !(has & SIZE)) ||
		!is_text_right(&f, has) || !is_fd_right(&f, has, n_fds))
		return -EPROTO;
	if (f.type == FRAME_OFF && !f.status)
		return -EPROTO;
	*ret = f;
	return 0;
}

int frame_send(int socket, const struct frame *frame, int fd, int flags)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char buffer[FRAME_MAX];
	struct iovec part = {buffer, frame_write(frame, buffer)};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	do
		n = sendmsg(socket, &m, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Appends the descriptors of a message to fds, which has room for all that can come. */
static size_t take_fds(struct msghdr *m, int *fds)
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < here && n < FDS_MAX; i++)
			memcpy(&fds[n++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
	return n;
}

int frame_receive(int socket, bool from_program, int flags, char *buffer,
	struct frame *ret, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = {buffer, FRAME_MAX};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.bytes)};
	int fds[FDS_MAX], r = -EPROTO;
	size_t n_fds;
	ssize_t n;

	do
		n = recvmsg(socket, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	n_fds = take_fds(&m, fds);
	if (n == 0 && !n_fds)
		return 0;
	if (!(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		r = frame_read(buffer, (size_t)n, from_program, n_fds, ret);
	if (r == 0) {
		*ret_fd = n_fds ? fds[0] : -1;
		return 1;
	}
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	return r;
}
