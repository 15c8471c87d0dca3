/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does dkms talk HTTP? */
#include "config.h"

#include "transfer/easy.h"

#define BUFFER_BYTES (128 * 1024)

/* Redirects are not followed: a server could make every machine of a fleet send requests to services
 * that only that machine reaches. */
static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(
		easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static CURLcode set_blob(CURL *easy, CURLoption option, const struct str *secret)
{
	struct curl_blob blob = {secret->data, secret->len, CURL_BLOB_NOCOPY};

	return secret->data ? curl_easy_setopt(easy, option, &blob) : CURLE_OK;
}

static CURLcode set_credentials(CURL *easy, const struct setup *s)
{
	CURLcode r = CURLE_OK;

#if LIBCURL_VERSION_NUM >= 0x074d00
	r = set_blob(easy, CURLOPT_CAINFO_BLOB, &s->secrets[FRAME_CA]);
#else
	if (s->secrets[FRAME_CA].data)
		r = CURLE_UNKNOWN_OPTION;
#endif
	if (r == CURLE_OK)
		r = set_blob(easy, CURLOPT_SSLCERT_BLOB, &s->secrets[FRAME_CERTIFICATE]);
	if (r == CURLE_OK)
		r = set_blob(easy, CURLOPT_SSLKEY_BLOB, &s->secrets[FRAME_KEY]);
	/* Nobody is asked for the password of a key. */
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
	if (r == CURLE_OK && s->secrets[FRAME_PASSWORD].data) {
		r = curl_easy_setopt(
			easy, CURLOPT_USERPWD, s->secrets[FRAME_PASSWORD].data);
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	}
	if (r == CURLE_OK && s->secrets[FRAME_SIGV4].data)
		r = curl_easy_setopt(
			easy, CURLOPT_AWS_SIGV4, s->secrets[FRAME_SIGV4].data);
	return r;
}

CURL *easy_new(const struct setup *s)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return NULL;
	set_protocols(easy);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_ms);
	curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "dkms/" PACKAGE_VERSION);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A thread that looks up a name is not waited for. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	if (set_credentials(easy, s) != CURLE_OK) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	return easy;
}
