/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/lock.h"
#include "tests/unit/tap.h"

static char root[] = "/tmp/dkms-test-XXXXXX";
static char *tree, *locks;

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

static void test_exclusive(void)
{
	_cleanup_free_ char *what = path_join(root, "a%b"), *alias = path_join(root, "l");
	_cleanup_free_ char *through = path_join(alias, "c"), *c = path_join(what, "c");
	_cleanup_(lock_release) struct lock a = {0}, b = {0}, other = {0};
	_cleanup_(strv_done) struct strv names = {0}, left = {0};
	_cleanup_free_ char *file = NULL;

	is_int(lock_try(tree, what, &a, NULL), 0, "lock what does not exist yet");
	is_int(mode_of(locks), 0700, "only the owner can enter the directory");
	dir_list(locks, &names);
	is_int((long)names.n, 1, "the lock is one file");
	file = path_join(locks, names.n ? names.items[0] : "");
	is_int(mode_of(file), 0600, "only the owner can open the file");
	is_int(lock_try(tree, what, &b, NULL), -EAGAIN, "it is locked once");
	ok(!b.path, "what is not locked is not held");
	is_int(lock_holder(tree, what), getpid(), "the file says who holds the lock");
	is_int(lock_try(tree, root, &other, NULL), 0, "another path has another lock");
	lock_release(&other);
	lock_release(&a);
	dir_list(locks, &left);
	is_int((long)left.n, 0, "a released lock leaves no file behind");
	is_int(lock_holder(tree, what), 0, "no process is named for it");

	dir_make(what, NULL);
	if (symlink(what, alias) < 0)
		ok(false, "make a link");
	is_int(lock_try(tree, through, &a, NULL), 0, "lock what is behind a link");
	is_int(lock_try(tree, c, &b, NULL), -EAGAIN, "it is the same behind the link");
	lock_release(&a);
	lock_release(&a);
	is_int(lock_try(tree, c, &b, NULL), 0, "lock it after it was released");
}

static void test_names(void)
{
	_cleanup_free_ char *a = xcalloc(3000, 1), *b = xcalloc(3000, 1);
	_cleanup_(lock_release) struct lock first = {0}, second = {0}, third = {0};

	for (size_t i = 0; i < 2900; i++)
		a[i] = b[i] = i % 200 ? 'x' : '/';
	b[100] = 'y';
	is_int(lock_try(tree, a, &first, NULL), 0, "lock a path longer than a name");
	is_int(lock_try(tree, b, &second, NULL), 0, "its beginning counts");
	is_int(lock_try(tree, a, &third, NULL), -EAGAIN, "it has one lock");
}

/* A process that is killed leaves a file, but no lock. */
static void test_killed(void)
{
	_cleanup_(lock_release) struct lock lock = {0};
	int fds[2], status;
	char c;
	pid_t pid;

	if (pipe(fds) < 0)
		ok(false, "make a pipe");
	pid = fork();
	if (pid == 0) {
		struct lock mine = {0};

		c = lock_try(tree, root, &mine, NULL) == 0 ? 'y' : 'n';
		if (write(fds[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	if (read(fds[0], &c, 1) != 1)
		c = 'e';
	is_int(c, 'y', "another process locks");
	is_int(lock_try(tree, root, &lock, NULL), -EAGAIN, "the lock holds elsewhere");
	is_int(lock_holder(tree, root), pid, "the number of the other process is known");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	is_int(lock_try(tree, root, &lock, NULL), 0, "a killed process holds no lock");
	is_int(lock_holder(tree, root), getpid(), "the number has been replaced");
	close(fds[0]);
	close(fds[1]);
}

/* Eight processes count in a file, which is wrong if two hold the lock at a time. */
static void test_many(void)
{
	_cleanup_free_ char *file = path_join(root, "count");
	_cleanup_(str_done) struct str text = {0};
	pid_t pids[8];
	int status;

	file_write(file, "0", 1, 0600, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int n = 0; n < 50;) {
			_cleanup_(lock_release) struct lock lock = {0};
			_cleanup_(str_done) struct str old = {0};
			_cleanup_free_ char *new = NULL;
			_cleanup_close_ int fd = -1;

			if (lock_try(tree, file, &lock, NULL) < 0) {
				usleep(100);
				continue;
			}
			n++;
			file_read(file, 100, &old, NULL);
			new = xasprintf("%ld", strtol(old.data, NULL, 10) + 1);
			fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);
			write_all(fd, new, strlen(new));
		}
		_exit(0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		waitpid(pids[i], &status, 0);
	file_read(file, 100, &text, NULL);
	is(text.data, "400", "one process at a time holds a lock that is removed");
}

static void test_hostile(void)
{
	_cleanup_free_ char *elsewhere = path_join(root, "elsewhere");
	_cleanup_(lock_release) struct lock lock = {0};
	struct error err = {0};

	dir_remove(locks, NULL);
	dir_make(elsewhere, NULL);
	if (symlink(elsewhere, locks) < 0)
		ok(false, "make a link");
	ok(lock_try(tree, root, &lock, &err) < 0, "a link is not used as the directory");
	ok(err.what && strstr(err.what, locks), "the error names it");
	error_done(&err);
	unlink(locks);
	file_write(locks, "", 0, 0600, NULL);
	is_int(lock_try(tree, root, &lock, &err), -ENOTDIR, "nor is a file");
	error_done(&err);
	unlink(locks);
	mkdir(locks, 0700);
	chmod(locks, 0777);
	is_int(lock_try(tree, root, &lock, NULL), 0, "a directory that is open to all");
	is_int(mode_of(locks), 0700, "is closed");
	if (geteuid() != 0)
		return;
	lock_release(&lock);
	if (mkdir(locks, 0700) < 0 || chown(locks, 12345, 12345) < 0)
		ok(false, "make a directory of another user");
	is_int(lock_try(tree, root, &lock, &err), -EPERM, "a directory of another user");
	ok(err.what && strstr(err.what, "another user"), "is refused: %s", err.what);
	error_done(&err);
}

static void test_elsewhere(void)
{
	_cleanup_free_ char *path = path_join(root, "lock-file");
	_cleanup_close_ int fd = lock_file_within(path, true, 0), second = -1, third = -1;

	ok(fd >= 0, "make and lock a file elsewhere");
	is_int(mode_of(path), 0600, "only the owner can open it");
	chmod(path, 0644);
	second = lock_file_within(path, true, 0);
	ok(second >= 0, "share a lock file that everybody can read");
	is_int(mode_of(path), 0600, "nobody else can open it from now on");
	is_int(lock_file_within(path, false, 0), -EAGAIN, "it is locked");
	close(fd);
	close(second);
	fd = second = -1;
	third = lock_file_within(path, false, 0);
	ok(third >= 0, "a closed file is not locked");
}

static void test_leftovers(void)
{
	_cleanup_free_ char *killed = path_join(locks, "killed");
	_cleanup_(lock_release) struct lock lock = {0}, again = {0};

	is_int(lock_try(tree, root, &lock, NULL), 0, "lock");
	file_write(killed, "1\n", 2, 0600, NULL);
	lock_remove_leftovers(tree);
	ok(!path_exists(killed), "the file of a killed process is removed");
	ok(path_exists(lock.path), "the file of a living process stays");
	is_int(lock_try(tree, root, &again, NULL), -EAGAIN, "and is locked");
}

int main(void)
{
	umask(022);
	if (!mkdtemp(root))
		return 1;
	tree = path_join(root, "tree/dkms");
	locks = path_join(tree, ".locks");
	test_exclusive();
	test_names();
	test_killed();
	test_many();
	test_elsewhere();
	test_leftovers();
	test_hostile();
	dir_remove(root, NULL);
	free(tree);
	free(locks);
	return done_testing();
}
