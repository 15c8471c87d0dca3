/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "base/file.h"
#include "scheduler/history.h"
#include "tests/unit/tap.h"

static char root[] = "/tmp/dkms-test-XXXXXX";
static char *path;

static void note(struct history *h, const char *title, const char *release, uint64_t cpu_ms)
{
	history_note(h, title, release, &(struct cost){cpu_ms, cpu_ms * 1000});
}

/* Returns the CPU time that is found, or -1 if none is. */
static long found(const struct history *h, const char *title, const char *release)
{
	struct cost cost;

	if (!history_find(h, title, release, &cost))
		return -1;
	if (cost.max_rss_bytes != cost.cpu_ms * 1000)
		ok(false, "the memory is found as well");
	return (long)cost.cpu_ms;
}

static void write_file(const char *text)
{
	file_write(path, text, strlen(text), 0644, NULL);
}

static void test_find(void)
{
	struct history *h = history_read(path);

	is_int(found(h, "evdi/1.12", "6.1"), -1, "an empty history");
	note(h, "evdi-other/1", "6.1", 1);
	note(h, "evdi/1.12", "6.1", 10);
	note(h, "evdi/1.12", "6.2", 20);
	note(h, "evdi/1.11", "6.1", 30);
	note(h, "evdi2/1", "6.1", 2);
	note(h, "depmod", "6.1", 7);
	is_int(found(h, "evdi/1.12", "6.1"), 10, "the time for that kernel");
	is_int(found(h, "evdi/1.12", "6.2"), 20, "the time for another kernel");
	is_int(found(h, "evdi/1.11", "6.9"), 30,
		"the time of another kernel if there is none for that kernel");
	ok(found(h, "evdi/2", "6.1") >= 10, "the time of another version");
	is_int(found(h, "evd/1", "6.1"), -1, "the beginning of a name does not match");
	is_int(found(h, "depmod", "6.9"), 7, "a title without a version");
	note(h, "evdi/1.12", "6.1", 11);
	is_int(found(h, "evdi/1.12", "6.1"), 11, "the latest time is used");
	note(h, "a b/1", "6.1", 5);
	is_int(history_save(h), 0, "save");
	history_free(h);

	h = history_read(path);
	is_int(found(h, "evdi/1.12", "6.1"), 11, "the history is kept in the file");
	is_int(found(h, "evdi-other/1", "6.1"), 1, "all entries are kept");
	is_int(found(h, "a b/1", "6.1"), -1,
		"a name that the file format does not permit is not kept");
	history_free(h);
	h = history_read(NULL);
	note(h, "x/1", "6.1", 3);
	is_int(found(h, "x/1", "6.1"), 3,
		"without a file the history is kept for the run");
	is_int(history_save(h), 0, "saving succeeds without a file");
	history_free(h);
}

static void test_two(void)
{
	struct history *a, *b;

	write_file("");
	a = history_read(path);
	b = history_read(path);
	note(a, "a/1", "6.1", 1);
	note(a, "both/1", "6.1", 1);
	note(b, "b/1", "6.1", 2);
	note(b, "both/1", "6.1", 2);
	history_save(a);
	history_save(b);
	history_free(a);
	history_free(b);
	a = history_read(path);
	is_int(found(a, "a/1", "6.1"), 1, "two processes: the entry of the first");
	is_int(found(a, "b/1", "6.1"), 2, "two processes: the entry of the second");
	is_int(found(a, "both/1", "6.1"), 2, "two processes: the entry of both");
	history_free(a);
}

static void test_damage(void)
{
	long now = (long)time(NULL);
	struct str s = {0};
	struct history *h;

	str_addf(&s, "dkms-history 1\n%s%s%s%s\n\n",
		"short/1\nshort/2 6.1\nshort/3 6.1 1\nshort/4 6.1 1 1000\n",
		"letters/1 6.1 x y z\nminus/1 6.1 -5 -5000 9999999999\n",
		"more/1 6.1 1 1000 9999999999 9\nhuge/1 6.1 99999999999999999999 1000 9999999999\n",
		"\x01\xff /  6.1 1 1000 9999999999");
	str_addf(&s, "old/1 6.1 1 1000 %ld\nnew/1 6.1 2 2000 %ld", now - 366l * 86400,
		now - 300l * 86400);
	write_file(s.data);
	str_done(&s);
	h = history_read(path);
	is_int(found(h, "new/1", "6.1"), 2, "a good line between bad ones is read");
	is_int(found(h, "old/1", "6.1"), -1, "an entry that is a year old is dropped");
	ok(found(h, "short/4", "6.1") == -1 && found(h, "letters/1", "6.1") == -1 &&
			found(h, "minus/1", "6.1") == -1 && found(h, "more/1", "6.1") == -1 &&
			found(h, "huge/1", "6.1") == -1,
		"bad lines are ignored");
	history_free(h);
	write_file("dkms-history 2\nnew/1 6.1 2 2000 9999999999\n");
	h = history_read(path);
	is_int(found(h, "new/1", "6.1"), -1, "a file of another format is ignored");
	note(h, "x/1", "6.1", 4);
	is_int(history_save(h), 0, "it is replaced");
	history_free(h);
	h = history_read("/dev/null/none");
	note(h, "x/1", "6.1", 4);
	ok(history_save(h) < 0, "a file that cannot be written is an error");
	is_int(found(h, "x/1", "6.1"), 4, "the entries in memory are kept then");
	history_free(h);
}

static void test_many(void)
{
	struct history *h = history_read(NULL);
	int wrong = 0;

	for (int i = 0; i < 2000; i++) {
		char title[32], release[32];

		snprintf(title, sizeof(title), "m%d/1", i * 7919 % 2000 / 10);
		snprintf(release, sizeof(release), "6.%d", i * 7919 % 10);
		note(h, title, release, (uint64_t)(i * 7919 % 2000));
	}
	for (int i = 0; i < 2000; i++) {
		char title[32], release[32];

		snprintf(title, sizeof(title), "m%d/1", i / 10);
		snprintf(release, sizeof(release), "6.%d", i % 10);
		wrong += found(h, title, release) != i;
	}
	is_int(wrong, 0, "2,000 entries in any order");
	history_free(h);
}

int main(void)
{
	if (!mkdtemp(root))
		return 99;
	path = path_join(root, "history");
	test_find();
	test_two();
	test_damage();
	test_many();
	free(path);
	dir_remove(root, NULL);
	return done_testing();
}
