/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the counters has the line "dkms-cache-counters 3", a line "NAME NUMBER" for
 * each counter, and a line "end DIGEST" with the digest of all bytes before it. A file of
 * an earlier version counts as missing; one with any other content is damaged.
 * counters_add() locks PATH.lock, because the file itself is replaced by rename. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/file.h"
#include "base/lock.h"
#include "cache/counters.h"
#include "cache/digest.h"
#include "cache/trust.h"
#include "cache/store.h"

#define FORMAT                                                                           \
	"dkms-cache-counters 3\nhits %" SCNu64 "\nmisses %" SCNu64 "\nstored %" SCNu64   \
	"\nbad %" SCNu64 "\npieces-hits %" SCNu64 "\npieces-misses %" SCNu64             \
	"\nsaved-ms %" SCNu64 "\nsince %" SCNd64 "\n"

static void write_counters(const struct counters *c, struct str *ret)
{
	struct digest digest;
	char hex[DIGEST_HEX];

	str_addf(ret, FORMAT, c->hits, c->misses, c->stored, c->bad, c->pieces_hits,
		c->pieces_misses, c->saved_ms, c->since_s);
	digest_bytes(ret->data, ret->len, &digest);
	digest_hex(&digest, hex);
	str_addf(ret, "end %s\n", hex);
}

static bool is_earlier_version(const char *text)
{
	return has_prefix(text, "dkms-cache-counters 1\n") ||
	       has_prefix(text, "dkms-cache-counters 2\n");
}

bool counters_read(const char *path, struct damage *damage, struct counters *ret)
{
	_cleanup_(str_done) struct str text = {0}, same = {0};
	struct counters c = {0};
	int r = trust_read(path, 0, 4096, damage, &text);

	*ret = c;
	if (r < 0 && r != -EBADMSG && r != -EFBIG)
		return false;
	if (r == 0 &&
		sscanf(text.data, FORMAT, &c.hits, &c.misses, &c.stored, &c.bad,
			&c.pieces_hits, &c.pieces_misses, &c.saved_ms, &c.since_s) == 8) {
		write_counters(&c, &same);
		if (same.len == text.len && memcmp(same.data, text.data, text.len) == 0) {
			*ret = c;
			return true;
		}
	}
	if (r < 0 || !is_earlier_version(text.data))
		damage_add(damage, path);
	return false;
}

int counters_add(const char *path, const struct counters *more)
{
	_cleanup_free_ char *lock_path = xasprintf("%s.lock", path);
	_cleanup_close_ int lock = lock_file_within(lock_path, false, STORE_WAIT_S);
	_cleanup_(str_done) struct str text = {0};
	struct counters c;

	if (lock < 0)
		return lock;
	counters_read(path, NULL, &c);
	c.hits += more->hits;
	c.misses += more->misses;
	c.stored += more->stored;
	c.bad += more->bad;
	c.pieces_hits += more->pieces_hits;
	c.pieces_misses += more->pieces_misses;
	c.saved_ms += more->saved_ms;
	if (!c.since_s)
		c.since_s = time(NULL);
	write_counters(&c, &text);
	return file_write(path, text.data, text.len, 0644, NULL);
}
