/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSFER_JUDGE_H
#define TRANSFER_JUDGE_H

#include <curl/curl.h>
#include <stdbool.h>

enum verdict {
	VERDICT_FOUND,   /* or stored */
	VERDICT_MISSING, /* the server does not have it */
	VERDICT_FAILED,  /* others may succeed */
	VERDICT_REFUSED, /* others in this direction would meet the same */
	VERDICT_DEAD,    /* all others would */
};

/* Judges how a GET or PUT has ended: by the result of libcurl, and the status of HTTP,
 * which is 0 if none has come. */
enum verdict judge(bool put, CURLcode code, long status);

#endif
