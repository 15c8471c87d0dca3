/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_REMOTE_ACTION_RESULT_H
#define CACHE_REMOTE_ACTION_RESULT_H

#include "base/str.h"
#include "cache/digest.h"

/* What an "ac" file of a remote cache has: a message ActionResult of Bazel's remote execution
 * API (build.bazel.remote.execution.v2, remote_execution.proto), in the encoding of protocol
 * buffers. dkms uses of it
 *
 *   output_files  2  each with path 1, digest 2 (hash 1, in hexadecimal, and size_bytes 2) and
 *                    contents 5, which is empty for a blob that is only in "cas"
 *   stdout_raw    5
 *
 * and skips all other fields: servers add execution_metadata, for instance. */

struct output_blob {
	char *path;
	struct digest digest;
	uint64_t size;
	struct str contents; /* no bytes: it is not inlined */
};

#define ACTION_RESULT_FILES 8

struct action_result {
	struct output_blob files[ACTION_RESULT_FILES];
	size_t n_files;
	struct str out; /* stdout_raw */
};

/* No larger message is read, nor are larger stdout_raw and longer paths (bytes). */
#define ACTION_RESULT_MAX (256 * 1024)
#define ACTION_RESULT_OUT_MAX (64 * 1024)
#define ACTION_RESULT_PATH_MAX 256

/* Returns the file with that path, which belongs to the result, or NULL. */
struct output_blob *action_result_file(struct action_result *a, const char *path);
void action_result_done(struct action_result *a);
/* Appends the message. */
void action_result_write(const struct action_result *a, struct str *ret);
/* Reads a message of n bytes; action_result_done() frees. Returns 0, or -EBADMSG if it is
 * malformed, has too much, or a file without a digest. The contents are not verified. */
int action_result_parse(const void *bytes, size_t n, struct action_result *ret);

#endif
