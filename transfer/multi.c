/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl on libuv's loop. */
#include "config.h"

#include <errno.h>

#include "base/util.h"
#include "transfer/multi.h"

#define CONNECTIONS_MAX 16 /* to a server that does not multiplex them */

struct watch {
	uv_poll_t poll;
	struct multi *multi;
	curl_socket_t socket;
};

static void report_ended(struct multi *m)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(m->curl, &left))) {
		CURL *easy = message->easy_handle;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(m->curl, easy);
		m->ended(easy, code);
	}
}

static void act(struct multi *m, curl_socket_t socket, int events)
{
	int running;

	curl_multi_socket_action(m->curl, socket, events, &running);
	report_ended(m);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	int what = status < 0 ? CURL_CSELECT_ERR : 0;

	if (events & UV_READABLE)
		what |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		what |= CURL_CSELECT_OUT;
	act(w->multi, w->socket, what);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void free_watch(uv_handle_t *poll)
{
	free(poll->data);
}

static struct watch *add_watch(struct multi *m, curl_socket_t socket)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->multi = m;
	w->socket = socket;
	if (uv_poll_init_socket(m->loop, &w->poll, socket) < 0) {
		free(w);
		return NULL;
	}
	w->poll.data = w;
	curl_multi_assign(m->curl, socket, w);
	return w;
}

static int socket_changed(CURL *easy _unused_, curl_socket_t socket, int what,
	void *userdata, void *assigned)
{
	struct multi *m = userdata;
	struct watch *w = assigned;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (w) {
			uv_poll_stop(&w->poll);
			uv_close((uv_handle_t *)&w->poll, free_watch);
			curl_multi_assign(m->curl, socket, NULL);
		}
		return 0;
	}
	if (!w)
		w = add_watch(m, socket);
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return w && uv_poll_start(&w->poll, events, on_socket) == 0 ? 0 : -1;
}

static int timer_changed(CURLM *curl _unused_, long ms, void *userdata)
{
	struct multi *m = userdata;

	if (ms < 0)
		return uv_timer_stop(&m->timer);
	return uv_timer_start(&m->timer, on_timer, (uint64_t)ms, 0);
}

int multi_start(
	struct multi *m, uv_loop_t *loop, void (*ended)(CURL *easy, CURLcode code))
{
	m->loop = loop;
	m->ended = ended;
	m->curl = curl_multi_init();
	if (!m->curl)
		return -ENOMEM;
	uv_timer_init(loop, &m->timer);
	m->timer.data = m;
	curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, socket_changed);
	curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, timer_changed);
	curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
	curl_multi_setopt(m->curl, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(m->curl, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_MAX);
	return 0;
}
