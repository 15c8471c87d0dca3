/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSFER_MULTI_H
#define TRANSFER_MULTI_H

#include <curl/curl.h>
#include <uv.h>

/* Runs the transfers of libcurl on a loop of libuv: libcurl says which sockets and which
 * time it waits for (CURLMOPT_SOCKETFUNCTION, CURLMOPT_TIMERFUNCTION). */
struct multi {
	CURLM *curl;
	uv_loop_t *loop;
	uv_timer_t timer;
	/* Is called when a transfer has ended, which has been taken out of curl by then.
	 */
	void (*ended)(CURL *easy, CURLcode code);
};

/* Returns 0 or a negative errno. */
int multi_start(
	struct multi *m, uv_loop_t *loop, void (*ended)(CURL *easy, CURLcode code));

#endif
