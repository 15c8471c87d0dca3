/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What did jobs take in earlier runs? The file has the line "dkms-history 1" and then,
 * for each record, a line:
 *
 *	TITLE RELEASE CPU-MS MAX-RSS-BYTES WHEN
 *
 * They are sorted by title and release. WHEN is in seconds since 1970. A file with
 * another first line is treated as missing, and a line that cannot be parsed is
 * skipped. Records older than a year are dropped. The file is replaced by rename(2).
 * If two processes do so at the same moment, the records of one are lost, which is
 * harmless. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/file.h"
#include "cache/trust.h"
#include "scheduler/history.h"

#define HEAD "dkms-history 1\n"
#define MAX_BYTES (16 * 1024 * 1024)
#define MAX_AGE_S ((int64_t)365 * 24 * 3600)

struct record {
	char *title, *release;
	struct cost cost;
	int64_t when_s; /* since 1970 */
	bool noted;     /* recorded by this process, not read from the file */
};

struct history {
	char *path;             /* NULL: there is no file */
	struct record *records; /* sorted by title and release */
	size_t n;
	bool changed; /* there are records to save */
};

/* Compares a title and a release with those of a record, as strcmp(3) does. */
static int compare(const char *title, const char *release, const struct record *r)
{
	int order = strcmp(title, r->title);

	return order ? order : strcmp(release, r->release);
}

/* Returns the index of the first record that does not come before the title and the
 * release. */
static size_t find_place(const struct history *h, const char *title, const char *release)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(title, release, &h->records[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Adds a record, or replaces the one of the same title and release. What this process has
 * recorded is not replaced by what is in the file. */
static void put_record(struct history *h, const char *title, const char *release,
	const struct cost *cost, int64_t when_s, bool noted)
{
	size_t at = find_place(h, title, release);
	struct record *r;

	if (at == h->n || compare(title, release, &h->records[at]) != 0) {
		if ((h->n & (h->n + 1)) == 0)
			h->records = xrealloc_array(
				h->records, 2 * (h->n + 1), sizeof(*h->records));
		memmove(&h->records[at + 1], &h->records[at],
			(h->n - at) * sizeof(*h->records));
		h->n++;
		h->records[at] = (struct record){
			.title = xstrdup(title), .release = xstrdup(release)};
	} else if (h->records[at].noted && !noted) {
		return;
	}
	r = &h->records[at];
	r->cost = *cost;
	r->when_s = when_s;
	r->noted = noted;
}

/* A line of the file; the strings point into it. */
struct line {
	const char *title, *release;
	struct cost cost;
	int64_t when_s;
};

/* Splits a line. Returns false if it has another format. */
static bool parse_line(char *line, struct line *ret)
{
	int end = 0;

	ret->title = strsep(&line, " ");
	ret->release = strsep(&line, " ");
	return line &&
	       sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNd64 "%n", &ret->cost.cpu_ms,
		       &ret->cost.max_rss_bytes, &ret->when_s, &end) == 3 &&
	       !line[end] && ret->cost.cpu_ms <= INT32_MAX;
}

/* Reads the file, and adds its records except those that this process has recorded
 * itself. */
static void load(struct history *h)
{
	_cleanup_(str_done) struct str text = {0};
	int64_t now = time(NULL);
	char *line, *rest;
	struct line l;

	if (!h->path || trust_read(h->path, 1, MAX_BYTES, NULL, &text) < 0 ||
		!has_prefix(text.data, HEAD))
		return;
	rest = text.data + strlen(HEAD);
	while ((line = strsep(&rest, "\n")))
		if (parse_line(line, &l) && l.when_s >= now - MAX_AGE_S)
			put_record(h, l.title, l.release, &l.cost, l.when_s, false);
}

int history_verify(const char *path)
{
	_cleanup_(str_done) struct str text = {0};
	int r = trust_read(path, 1, MAX_BYTES, NULL, &text);
	char *line, *rest;
	struct line l;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!has_prefix(text.data, HEAD) || strlen(text.data) != text.len ||
		!has_suffix(text.data, "\n"))
		return -EBADMSG;
	rest = text.data + strlen(HEAD);
	while ((line = strsep(&rest, "\n")) && rest)
		if (!parse_line(line, &l))
			return -EBADMSG;
	return 1;
}

struct history *history_read(const char *path)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->path = xstrdup(path);
	load(h);
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++) {
		free(h->records[i].title);
		free(h->records[i].release);
	}
	free(h->records);
	free(h->path);
	free(h);
}

/* Returns how well a record matches: 3 for the title and the release, 2 for the title, 1
 * for the module's name, 0 for nothing. The name is the first name_len bytes of the
 * title. */
static int rate_match(
	const struct record *r, const char *title, size_t name_len, const char *release)
{
	if (strncmp(r->title, title, name_len) != 0 ||
		(r->title[name_len] != '/' && r->title[name_len] != '\0'))
		return 0;
	if (!streq(r->title, title))
		return 1;
	return streq(r->release, release) ? 3 : 2;
}

bool history_find(
	const struct history *h, const char *title, const char *release, struct cost *ret)
{
	size_t name_len = strcspn(title, "/");
	_cleanup_free_ char *name = xstrndup(title, name_len);
	const struct record *best = NULL;
	int best_fit = 0;

	/* All titles that begin with the name are looked at, since those of the module
	 * need not be adjacent: "-" sorts before "/", so "NAME-OTHER/1" may come
	 * between. */
	for (size_t i = find_place(h, name, "");
		i < h->n && has_prefix(h->records[i].title, name); i++) {
		const struct record *r = &h->records[i];
		int f = rate_match(r, title, name_len, release);

		if (f > best_fit || (f && f == best_fit && r->when_s > best->when_s)) {
			best = r;
			best_fit = f;
		}
	}
	if (best)
		*ret = best->cost;
	return best;
}

void history_note(struct history *h, const char *title, const char *release,
	const struct cost *cost)
{
	if (strpbrk(title, " \n") || strpbrk(release, " \n"))
		return; /* the format has no way to write such a title */
	put_record(h, title, release, cost, time(NULL), true);
	h->changed = true;
}

int history_save(struct history *h)
{
	_cleanup_(str_done) struct str text = {0};
	int r;

	if (!h->changed || !h->path)
		return 0;
	load(h);
	str_add(&text, HEAD);
	for (size_t i = 0; i < h->n; i++) {
		const struct record *one = &h->records[i];

		str_addf(&text, "%s %s %" PRIu64 " %" PRIu64 " %" PRId64 "\n", one->title,
			one->release, one->cost.cpu_ms, one->cost.max_rss_bytes,
			one->when_s);
	}
	r = file_write(h->path, text.data, text.len, 0644, NULL);
	h->changed = r < 0;
	return r;
}
