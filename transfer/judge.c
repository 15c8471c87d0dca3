/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does an answer say of the requests that are still to come? */
#include "config.h"

#include "transfer/judge.h"

static enum verdict judge_get(long status)
{
	switch (status) {
	case 200:
		return VERDICT_FOUND;
	case 404:
	case 410:
		return VERDICT_MISSING;
	case 408: /* it took too long */
		return VERDICT_FAILED;
	default:
		/* 401, 403, 429 and so on. One such as 500 may come from one object. */
		return status >= 400 && status < 500 ? VERDICT_REFUSED : VERDICT_FAILED;
	}
}

static enum verdict judge_put(long status)
{
	switch (status) {
	case 200:
	case 201:
	case 202:
	case 204:
		return VERDICT_FOUND;
	case 400: /* some servers look at what they get */
	case 408:
	case 412:
	case 413: /* too large */
	case 422:
		return VERDICT_FAILED;
	default:
		/* Also 404, 405 and 409, of a server that is not set up for uploads. */
		return status >= 400 ? VERDICT_REFUSED : VERDICT_FAILED;
	}
}

enum verdict judge(bool put, CURLcode code, long status)
{
	/* A server may refuse an upload, and not listen to the rest of it. */
	if (status >= 400)
		code = CURLE_OK;
	switch (code) {
	case CURLE_OK:
		return put ? judge_put(status) : judge_get(status);
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT: /* of connecting */
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return VERDICT_DEAD;
	default:
		return VERDICT_FAILED;
	}
}
