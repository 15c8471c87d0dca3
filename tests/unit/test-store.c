/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/maintenance.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/dkms-test.XXXXXX";
static char *cache_dir, *file_a, *file_b;

static void put(const char *path, const char *text)
{
	file_write(path, text, strlen(text), 0644, NULL);
}

static bool holds(const char *path, const char *text)
{
	_cleanup_(str_done) struct str s = {0};

	return file_read(path, 1 << 24, &s, NULL) == 0 && s.len == strlen(text) &&
	       memcmp(s.data, text, s.len) == 0;
}

/* Returns the path of an object or entry in the store. */
static char *path_in(const char *what, const struct digest *digest)
{
	char hex[DIGEST_HEX];

	digest_hex(digest, hex);
	return xasprintf("%s/v1/%s/%.2s/%s", cache_dir, what, hex, hex + 2);
}

static struct key make_key(int n)
{
	struct key k = {0};
	char text[32];

	snprintf(text, sizeof(text), "number %d\n", n);
	key_add(&k, "number", text, strlen(text));
	key_add(&k, "same", "same\n", 5);
	return k;
}

/* Stores the files a and b under key n, as a build does. */
static int store_result(struct cache *c, int n, bool replace)
{
	const struct cache_file files[] = {{(char *)"a.ko", file_a}, {(char *)"log", file_b}};
	struct key k = make_key(n);
	struct entry e = {.title = xasprintf("module/%d", n), .made_s = time(NULL),
		.cost_ms = 1000};
	int r = cache_store_files(c, &k, files, 2, &e);

	if (r == 0)
		r = cache_commit(c, &e, replace);
	entry_done(&e);
	key_done(&k);
	return r;
}

/* Restores key n. Returns 1 if the files have the right content, 0 for a miss, -1 for
 * wrong content. */
static int restore_result(struct cache *c, int n, const char *a, const char *b)
{
	_cleanup_free_ char *to_a = xasprintf("%s/out-a-%ld", dir, (long)getpid());
	_cleanup_free_ char *to_b = xasprintf("%s/out-b-%ld", dir, (long)getpid());
	const struct cache_file files[] = {{(char *)"a.ko", to_a}, {(char *)"log", to_b}};
	struct key k = make_key(n);
	struct entry e = {0};
	struct digest key;
	int r = 0;

	key_digest(&k, &key);
	key_done(&k);
	unlink(to_a);
	unlink(to_b);
	r = cache_find(c, &key, &e);
	cache_count_lookup(c, r ? &e : NULL);
	if (r) {
		r = cache_restore(c, &e, files, 2, 0644) == 0;
		entry_done(&e);
	}
	if (r == 1 && (!holds(to_a, a) || !holds(to_b, b)))
		r = -1;
	unlink(to_a);
	unlink(to_b);
	return r;
}

static struct cache *open_cache(uint64_t max)
{
	struct error err = {0};
	struct cache *c = cache_open(cache_dir, max, &err);

	if (!c)
		printf("# %s\n", err.what ? err.what : "?");
	error_done(&err);
	return c;
}

static void is_counters(long hits, long misses, long stored, long bad, const char *what)
{
	struct cache *c = open_cache(0);
	struct counters n;
	_cleanup_free_ char *got = NULL, *want = NULL;

	cache_read_counters(c, &n);
	got = xasprintf("%lu %lu %lu %lu", n.hits, n.misses, n.stored, n.bad);
	want = xasprintf("%ld %ld %ld %ld", hits, misses, stored, bad);
	is(got, want, what);
	cache_close(c);
}

static void test_round_trip(void)
{
	struct cache *c = open_cache(0);
	_cleanup_free_ char *to = path_join(dir, "to"), *tag = path_join(cache_dir, "CACHEDIR.TAG");
	struct stat st;
	struct digest d;
	uint64_t size;

	is_int(restore_result(c, 1, "aaa", "bbb"), 0, "a miss in an empty cache");
	is_int(store_result(c, 1, false), 0, "a result is stored");
	is_int(store_result(c, 1, false), 0, "storing an existing result succeeds");
	is_int(restore_result(c, 1, "aaa", "bbb"), 1, "the result is restored");
	is_int(restore_result(c, 2, "aaa", "bbb"), 0, "another key is a miss");
	ok(path_exists(tag), "the cache has a tag that tells backups to skip it");
	ok(store_put_file(cache_store(c), file_a, &d, &size) == 0 && size == 3,
		"store an object");
	is_int(store_get_file(cache_store(c), &d, to, 0640), 0,
		"get the object as a file");
	ok(stat(to, &st) == 0 && (st.st_mode & 0777) == 0640 && st.st_nlink == 1,
		"the file has its own mode and shares no inode");
	is_int(store_get_file(cache_store(c), &d, to, 0640), -EEXIST, "an existing file is not replaced");
	cache_close(c);
	is_counters(1, 2, 2, 0, "the counters");
}

enum harm { FLIP, TRUNCATE, EMPTY, REMOVE, SWAP, FOREIGN };

static void spoil(const char *path, enum harm how, const char *other)
{
	_cleanup_(str_done) struct str s = {0};

	file_read(path, 1 << 24, &s, NULL);
	chmod(path, 0644);
	switch (how) {
	case FLIP:
		s.data[s.len / 2] ^= 4;
		break;
	case TRUNCATE:
		s.len /= 2;
		break;
	case EMPTY:
		s.len = 0;
		break;
	case REMOVE:
		unlink(path);
		return;
	case SWAP:
		str_done(&s);
		file_read(other, 1 << 24, &s, NULL);
		break;
	case FOREIGN:
		s.data[strlen("dkms-cache-entry ")] = '2';
		break;
	}
	file_write(path, s.data, s.len, 0444, NULL);
}

static void test_damage(void)
{
	static const char *const names[] = {"flipped", "truncated", "empty", "missing",
		"swapped", "of a foreign version"};
	_cleanup_free_ char *object = NULL, *other = NULL, *entry = NULL, *other_entry = NULL;
	struct key k = make_key(10), k2 = make_key(11);
	struct digest d, d2;

	digest_bytes("aaa", 3, &d);
	digest_bytes("bbb", 3, &d2);
	object = path_in("objects", &d);
	other = path_in("objects", &d2);
	key_digest(&k, &d);
	key_digest(&k2, &d2);
	entry = path_in("entries", &d);
	other_entry = path_in("entries", &d2);
	for (int how = FLIP; how <= FOREIGN; how++) {
		for (int entries = 0; entries < 2; entries++) {
			struct cache *c = open_cache(0);
			_cleanup_free_ char *trouble = NULL;

			if (how == FOREIGN && !entries) {
				cache_close(c);
				continue;
			}
			store_result(c, 10, false);
			store_result(c, 11, false);
			if (entries)
				spoil(entry, (enum harm)how, other_entry);
			else
				spoil(object, (enum harm)how, other);
			is_int(restore_result(c, 10, "aaa", "bbb"), 0,
				entries ? "a damaged entry is a miss"
					: "a damaged object is a miss");
			trouble = cache_take_problem(c);
			ok(how == REMOVE || trouble, "%s: there is a warning", names[how]);
			ok(!path_exists(entry), "the entry is removed");
			is_int(restore_result(c, 10, "aaa", "bbb"), 0,
				"the key is a miss the next time");
			is_int(store_result(c, 10, false), 0,
				"the result is stored again");
			is_int(restore_result(c, 10, "aaa", "bbb"), 1,
				"the result is restored again");
			cache_close(c);
		}
	}
	key_done(&k);
	key_done(&k2);
}

/* Damages all objects of a result. Restoring finds only the first of them; storing again
 * must repair all. */
static void test_all_damaged(void)
{
	const char *const files[] = {file_a, file_b};
	struct cache *c = open_cache(0);

	store_result(c, 12, false);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = NULL;
		char hex[DIGEST_HEX];
		struct digest d;
		uint64_t size;

		store_put_file(cache_store(c), files[i], &d, &size);
		digest_hex(&d, hex);
		path = xasprintf("%s/v1/objects/%.2s/%s", cache_dir, hex, hex + 2);
		unlink(path);
		file_write(path, "x", 1, 0444, NULL);
	}
	is_int(restore_result(c, 12, "aaa", "bbb"), 0, "all objects damaged: a miss");
	is_int(store_result(c, 12, false), 0, "all objects damaged: stored again");
	is_int(restore_result(c, 12, "aaa", "bbb"), 1,
		"all objects damaged: all are repaired");
	free(cache_take_problem(c));
	cache_close(c);
}

static size_t count_damage(struct cache *c)
{
	_cleanup_(strv_done) struct strv files = {0}, what = {0};

	damage_list(store_damage(cache_store(c)), &files, &what);
	return files.n;
}

static void test_verify(void)
{
	struct cache *c = open_cache(0);
	struct store_usage u = {0};
	_cleanup_free_ char *object = NULL;
	struct digest d;

	store_result(c, 20, false);
	ok(store_verify(cache_store(c), &u) == 0 && count_damage(c) == 0,
		"nothing is damaged");
	digest_bytes("bbb", 3, &d);
	object = path_in("objects", &d);
	spoil(object, FLIP, NULL);
	u = (struct store_usage){0};
	ok(store_verify(cache_store(c), &u) == 0 && count_damage(c) >= 2,
		"damage is found");
	is_int((long)u.entries, 0, "every entry that needs a damaged object is removed");
	cache_close(c);
	c = open_cache(0);
	ok(store_verify(cache_store(c), &u) == 0 && count_damage(c) == 0,
		"no damage is left afterwards");
	cache_close(c);
}

/* Sets the time of last use. All times are within the same second. */
static void set_used(int n, long ns)
{
	struct timespec when = {.tv_sec = 1000000, .tv_nsec = ns}, times[2] = {when, when};
	_cleanup_free_ char *path = NULL;
	struct key k = make_key(n);
	struct digest d;

	key_digest(&k, &d);
	key_done(&k);
	path = path_in("entries", &d);
	utimensat(AT_FDCWD, path, times, 0);
}

static void test_evict(void)
{
	struct cache *c;
	struct store_usage u;
	char *big = xcalloc(1, 100001);

	dir_remove(cache_dir, NULL);
	c = open_cache(0);
	for (int i = 0; i < 4; i++) {
		memset(big, 'a' + i, 100000);
		put(file_a, big);
		store_result(c, 100 + i, false);
		set_used(100 + i, i == 2 ? 9 : i); /* not in the order of the keys */
	}
	memset(big, 'a', 100000);
	is_int(restore_result(c, 100, big, "bbb"), 1, "use the oldest entry");
	ok(store_evict(cache_store(c), 250000, false, &u) == 0,
		"evict all but two entries");
	is_int((long)u.entries, 2, "two entries are left");
	is_int((long)u.removed, 2, "two entries were removed");
	ok(u.bytes <= 250000 && u.freed > 200000, "the numbers of bytes are right");
	is_int(restore_result(c, 100, big, "bbb"), 1,
		"the entry that was just used is left");
	memset(big, 'c', 100000);
	is_int(restore_result(c, 102, big, "bbb"), 1,
		"the most recent of the other entries is left");
	memset(big, 'b', 100000);
	is_int(restore_result(c, 101, big, "bbb"), 0, "another entry is evicted");
	cache_close(c);

	c = open_cache(150000);
	memset(big, 'e', 100000);
	put(file_a, big);
	store_result(c, 104, false);
	cache_close(c);
	c = open_cache(0);
	ok(store_measure(cache_store(c), &u) == 0 && u.bytes <= 150000 && u.entries == 1,
		"the limit is kept after a run that stored");
	{
		int hold = store_hold(cache_store(c));

		is_int(store_evict(cache_store(c), 0, false, &u), -EAGAIN,
			"nothing is evicted while another process copies");
		close(hold);
	}
	ok(store_evict(cache_store(c), 0, false, &u) == 0 && u.objects == 0,
		"a limit of 0 removes everything");
	cache_close(c);
	free(big);
	put(file_a, "aaa");
}

static void test_no_cache(void)
{
	struct rlimit limit, small;
	_cleanup_free_ char *object = NULL, *trouble = NULL, *more = NULL, *below = NULL;
	struct error err = {0};
	struct cache *c;

	dir_remove(cache_dir, NULL);
	c = open_cache(0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	small = limit;
	small.rlim_cur = 1;
	setrlimit(RLIMIT_FSIZE, &small);
	ok(store_result(c, 1, false) < 0, "the disk is full");
	ok(store_result(c, 2, false) < 0, "the disk is still full");
	setrlimit(RLIMIT_FSIZE, &limit);
	trouble = cache_take_problem(c);
	more = cache_take_problem(c);
	ok(trouble && !more, "there is only one warning");
	is_int(restore_result(c, 1, "aaa", "bbb"), 0, "the key is a miss");
	cache_close(c);

	below = path_join(file_a, "cache");
	c = cache_open(below, 0, &err);
	ok(!c && err.what, "a cache that cannot be created");
	error_done(&err);
	if (geteuid() == 0) {
		chmod(cache_dir, 0777);
		err = (struct error){0};
		c = cache_open(cache_dir, 0, &err);
		ok(!c && err.what, "root does not use a cache that others may write to");
		error_done(&err);
		chmod(cache_dir, 0755);
	}
}

/* Stores and restores for a while. Exits 0 unless a result was wrong. */
static void hammer(unsigned int seed, int rounds, uint64_t max)
{
	struct cache *c = open_cache(max);
	struct store_usage u;
	int wrong = 0;

	srand(seed);
	for (int i = 0; i < rounds; i++) {
		int n = rand() % 20;

		if (rand() % 4 == 0)
			store_result(c, n, rand() % 2);
		else if (rand() % 20 == 0)
			store_evict(cache_store(c), (uint64_t)(rand() % 3000), true, &u);
		else
			wrong += restore_result(c, n, "aaa", "bbb") < 0;
	}
	cache_close(c);
	_exit(wrong != 0);
}

static void test_many(void)
{
	int status, wrong = 0;

	dir_remove(cache_dir, NULL);
	for (unsigned int i = 0; i < 8; i++)
		if (fork() == 0)
			hammer(i, 300, 2000);
	while (wait(&status) > 0)
		wrong += status != 0;
	is_int(wrong, 0, "8 processes store, restore and evict at the same time");
}

static void test_kill(void)
{
	struct store_usage u = {0};
	struct cache *c;
	int lies = 0;

	srand((unsigned int)time(NULL));
	dir_remove(cache_dir, NULL);
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (pid == 0)
			hammer((unsigned int)i, 100000, 0);
		usleep((useconds_t)(rand() % 15000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		c = open_cache(0);
		lies += !c || restore_result(c, i % 20, "aaa", "bbb") < 0;
		cache_close(c);
	}
	is_int(lies, 0, "kill -9 at 200 random moments never gives a wrong result");
	c = open_cache(0);
	ok(store_verify(cache_store(c), &u) == 0, "the store can be verified");
	is_int((long)count_damage(c), 0, "nothing is damaged");
	ok(store_evict(cache_store(c), UINT64_MAX, true, &u) == 0,
		"the store can be cleaned");
	{
		_cleanup_(strv_done) struct strv left = {0};
		_cleanup_free_ char *tmp = path_join(store_dir(cache_store(c)), "tmp");

		dir_list(tmp, &left);
		is_int((long)left.n, 0, "temporary files are removed");
	}
	cache_close(c);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	cache_dir = path_join(dir, "cache");
	file_a = path_join(dir, "a");
	file_b = path_join(dir, "b");
	put(file_a, "aaa");
	put(file_b, "bbb");
	test_round_trip();
	test_damage();
	test_all_damaged();
	test_verify();
	test_evict();
	test_no_cache();
	test_many();
	test_kill();
	dir_remove(dir, NULL);
	free(cache_dir);
	free(file_a);
	free(file_b);
	return done_testing();
}
