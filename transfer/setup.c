/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which servers are there, and with which credentials? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "transfer/privileges.h"
#include "transfer/setup.h"

static int take_secret(struct setup *s, unsigned int kind, int fd)
{
	struct str *secret = &s->secrets[kind];

	if (kind == FRAME_FILTER)
		return privileges_filter(fd);
	if (secret->data)
		return -EPROTO;
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno
					  : file_read_fd(fd, FRAME_SECRET_MAX, secret);
}

/* Returns 1 when that was all. */
static int take(struct setup *s, const struct frame *f, int fd)
{
	switch (f->type) {
	case FRAME_URL:
		if (s->n_urls == FRAME_SERVERS_MAX)
			return -EPROTO;
		s->urls[s->n_urls++] = xstrndup(f->text, f->n_text);
		return 0;
	case FRAME_SECRET:
		return take_secret(s, f->status, fd);
	case FRAME_BEGIN:
		s->connect_ms = f->request;
		s->silence_ms = (unsigned int)f->size;
		return 1;
	default:
		return -EPROTO;
	}
}

int setup_receive(int socket, struct setup *ret)
{
	int r = 0;

	*ret = (struct setup){.socket = socket};
	while (r == 0) {
		char buffer[FRAME_MAX];
		struct frame f;
		_cleanup_close_ int fd = -1;

		r = frame_receive(socket, false, 0, buffer, &f, &fd);
		if (r == 0)
			return -EPIPE;
		if (r == 1)
			r = take(ret, &f, fd);
	}
	return r < 0 ? r : 0;
}
