/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dkms-remote-transfer UID: the program that talks to servers for dkms, over the network.
 * Only dkms starts it, with a socket as its standard output; cache/remote/frame.h says
 * what is said there. It becomes the user UID, reads the servers and the credentials from
 * the socket, goes under a filter of system calls, and only then has anything to do with
 * the network. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <curl/curl.h>
#include <sys/socket.h>

#include "transfer/privileges.h"
#include "transfer/requests.h"

static void on_frame(uv_poll_t *poll, int status, int events _unused_)
{
	const struct setup *setup = poll->data;
	int r = status;

	while (r >= 0) {
		char buffer[FRAME_MAX];
		struct frame f;
		int fd = -1;

		r = frame_receive(setup->socket, false, MSG_DONTWAIT, buffer, &f, &fd);
		if (r == -EAGAIN)
			return;
		if (r == 0)
			_exit(0); /* dkms does not need anything any more */
		if (r == 1)
			r = requests_take(&f, fd);
	}
	_exit(1);
}

static int run(const struct setup *setup)
{
	uv_loop_t *loop = uv_default_loop();
	uv_poll_t poll;
	int r = 0;

	if (!loop || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	r = requests_start(loop, setup);
	if (r == 0)
		r = uv_poll_init(loop, &poll, setup->socket);
	poll.data = (void *)setup;
	if (r == 0)
		r = uv_poll_start(&poll, UV_READABLE, on_frame);
	return r < 0 ? r : uv_run(loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
	static struct setup setup;
	unsigned long uid;
	char *end;
	int socket = -1, type = 0, r;
	socklen_t size = sizeof(type);

	if (getsockopt(STDOUT_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
		type != SOCK_SEQPACKET || argc != 2) {
		fprintf(stderr, "Only dkms starts this program.\n");
		return 2;
	}
	errno = 0;
	uid = strtoul(argv[1], &end, 10);
	if (errno || *end || end == argv[1] || uid >= (uid_t)-1 ||
		(geteuid() == 0 && !uid))
		return 2;
	r = privileges_drop((uid_t)uid);
	/* What is printed by mistake must not be a frame. */
	if (r == 0)
		socket = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (socket < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return 1;
	r = setup_receive(socket, &setup);
	if (r == 0)
		r = run(&setup);
	_exit(r < 0);
}
