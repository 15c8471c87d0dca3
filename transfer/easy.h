/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSFER_EASY_H
#define TRANSFER_EASY_H

#include <curl/curl.h>

#include "transfer/setup.h"

/* Returns a handle of libcurl with all that is the same for each request: time limits,
 * credentials, protocols. curl_easy_cleanup() frees it. setup is borrowed. NULL if there
 * is no memory or the credentials make no sense. */
CURL *easy_new(const struct setup *setup);

#endif
