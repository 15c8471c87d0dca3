/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the counters has the line "dkms-cache-counters 2" and a line "NAME NUMBER"
 * for each counter. A file with any other content counts as missing. counters_add() locks
 * PATH.lock, because the file itself is replaced by rename. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <time.h>

#include "base/file.h"
#include "cache/counters.h"

#define FORMAT                                                                           \
	"dkms-cache-counters 2\nhits %" SCNu64 "\nmisses %" SCNu64 "\nstored %" SCNu64   \
	"\nbad %" SCNu64 "\npieces-hits %" SCNu64 "\npieces-misses %" SCNu64             \
	"\nsaved-ms %" SCNu64 "\nsince %" SCNd64 "\n"

void counters_read(const char *path, struct counters *ret)
{
	_cleanup_(str_done) struct str text = {0};
	struct counters c = {0};

	*ret = c;
	if (file_read(path, 4096, &text, NULL) == 0 &&
		sscanf(text.data, FORMAT, &c.hits, &c.misses, &c.stored, &c.bad,
			&c.pieces_hits, &c.pieces_misses, &c.saved_ms, &c.since_s) == 8)
		*ret = c;
}

int counters_add(const char *path, const struct counters *more)
{
	_cleanup_free_ char *lock_path = xasprintf("%s.lock", path);
	_cleanup_close_ int lock = open(lock_path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
	_cleanup_(str_done) struct str text = {0};
	struct counters c;
	int r;

	if (lock < 0)
		return -errno;
	r = file_lock(lock, LOCK_EX);
	if (r < 0)
		return r;
	counters_read(path, &c);
	c.hits += more->hits;
	c.misses += more->misses;
	c.stored += more->stored;
	c.bad += more->bad;
	c.pieces_hits += more->pieces_hits;
	c.pieces_misses += more->pieces_misses;
	c.saved_ms += more->saved_ms;
	if (!c.since_s)
		c.since_s = time(NULL);
	str_addf(&text, FORMAT, c.hits, c.misses, c.stored, c.bad, c.pieces_hits,
		c.pieces_misses, c.saved_ms, c.since_s);
	return file_write(path, text.data, text.len, 0644, NULL);
}
