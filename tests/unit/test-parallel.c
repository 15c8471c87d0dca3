/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "base/dirents.h"
#include "base/file.h"
#include "base/parallel.h"
#include "tests/unit/tap.h"

struct count {
	unsigned char seen[10000];
	size_t per_thread[PARALLEL_MAX];
};

static void see(void *arg, size_t thread, size_t i)
{
	struct count *c = arg;

	c->seen[i]++;
	c->per_thread[thread]++;
}

static void test_loop(size_t threads)
{
	struct count *c = xcalloc(1, sizeof(*c));
	size_t once = 0, sum = 0;

	parallel_for(10000, threads, see, c);
	for (size_t i = 0; i < 10000; i++)
		once += c->seen[i] == 1;
	for (size_t i = 0; i < PARALLEL_MAX; i++)
		sum += c->per_thread[i];
	ok(once == 10000 && sum == 10000, "%zu threads see each of 10,000 once", threads);
	free(c);
}

static uint64_t own_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)timespec_ns(&used);
}

struct meeting {
	atomic_int here;
	uint64_t helper_ns;
};

/* Waits until two threads are here, so that one of them is a helper. That thread then
 * works for a while. */
static void meet(void *arg, size_t thread, _unused_ size_t i)
{
	struct meeting *m = arg;

	atomic_fetch_add(&m->here, 1);
	while (atomic_load(&m->here) < 2)
		sched_yield();
	while (thread == 1 && (m->helper_ns = own_cpu_ns()) < 1000000)
		;
}

static void test_cpu_time(void)
{
	struct meeting m = {0};
	int64_t own, all, helpers; /* at most so much before, at least so much after */

	all = (int64_t)parallel_cpu_ns();
	helpers = all - (int64_t)own_cpu_ns();
	parallel_for(2, 2, meet, &m);
	own = (int64_t)own_cpu_ns();
	all = (int64_t)parallel_cpu_ns();
	ok(all >= own, "the CPU time of this thread is counted");
	ok(all - own >= helpers + (int64_t)m.helper_ns,
		"the CPU time of a helper is counted");
}

static void test_dirents(void)
{
	char root[] = "/tmp/dkms-test-XXXXXX";
	struct dirents d = {0};
	size_t dirs = 0, links = 0;
	int fd;

	if (!mkdtemp(root))
		return;
	fd = dir_open_at(AT_FDCWD, root);
	for (int i = 0; i < 2000; i++) {
		char *path =
			xasprintf("%s/a-name-to-fill-more-than-one-buffer-%d", root, i);

		if (symlink("..", path) < 0)
			ok(false, "make %s", path);
		free(path);
	}
	mkdirat(fd, "dir", 0700);
	mkdirat(fd, ".hidden", 0700);
	is_int(dirents_read(fd, &d), 0, "read a directory");
	for (size_t i = 0; i < d.n; i++) {
		dirs += dir_entry_may_be_dir(&d.items[i]) && dir_entry_is_dir(fd, &d.items[i]);
		links += dir_entry_is_link(fd, &d.items[i]);
	}
	is_int((long)d.n, 2001, "all names without . and ..");
	is_int((long)dirs, 2001, "all of them are directories or links to one");
	is_int((long)links, 2000, "2,000 are links");
	ok(is_dir_at(fd, "dir") && !is_link_at(fd, "dir"), "a directory");
	ok(is_dir_at(fd, d.items[0].name), "a link to a directory");
	is_int(dir_open_at(fd, "none"), -ENOENT, "a missing directory");
	dirents_done(&d);
	close(fd);
	dir_remove(root, NULL);
}

int main(void)
{
	for (size_t threads = 1; threads <= PARALLEL_MAX + 1; threads++)
		test_loop(threads);
	is_int((long)parallel_threads(10, 50), 1, "little work takes one thread");
	ok(parallel_threads(1000000, 50) <= PARALLEL_MAX, "much work takes a few");
	test_cpu_time();
	test_dirents();
	return done_testing();
}
