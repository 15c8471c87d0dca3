/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes dkms trees: publishing, installing, forgetting, and what killed processes
 * leave. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/tree.h"

/* Makes a stage that has a module with that content. */
static char *stage(const char *name, const char *version, const char *content, int *lock)
{
	struct error e = {0};
	char *path = NULL, *s;

	is_int(tree_stage_build(tree, name, version, &path, lock, &e), 0, "stage");
	if (e.status) {
		printf("# %s\n", e.what);
		exit(1);
	}
	s = path_join(path, "module");
	mkdir(s, 0755);
	free(s);
	s = path_join(path, "module/m.ko");
	file_write(s, content, strlen(content), 0644, NULL);
	free(s);
	return path;
}

static char *published(const char *path)
{
	char *s = xasprintf("%s/%s", tree, path);
	struct str text = {0};

	file_read(s, 1000, &text, NULL);
	free(s);
	return str_take(&text);
}

static size_t count(const char *path)
{
	char *s = xasprintf("%s/%s", tree, path);
	struct strv v = {0};
	size_t n;

	dir_list(s, &v);
	n = v.n;
	strv_done(&v);
	free(s);
	return n;
}

static void test_publish(void)
{
	char *path, *s;
	struct stat st;
	int lock;

	wipe();
	add("m", "1");
	path = stage("m", "1", "one", &lock);
	is_listing(NULL, "m/1 added", "a stage is not listed");
	is_int(tree_publish(tree, version_on_kernel("m", "1", "6.1", "x"), path, NULL), 0,
		"publish");
	close(lock);
	free(path);
	is_listing(NULL, "m/1 6.1 x built", "the version is built");
	s = path_join(tree, "m/1/6.1/x");
	ok(stat(s, &st) == 0 && (st.st_mode & 0777) == 0755,
		"everybody can read the directory");
	free(s);
	is_int(tree_set_installed(
		       tree, version_on_kernel("m", "1", "6.1", "x"), true, NULL),
		0, "set installed");
	is_int(tree_set_installed(
		       tree, version_on_kernel("m", "1", "6.1", "x"), true, NULL),
		0, "set installed again");
	is_listing(NULL, "m/1 6.1 x installed", "the version is installed");

	path = stage("m", "1", "two", &lock);
	for (int i = 0; i < 6; i++) { /* many files are synced in another way */
		s = xasprintf("%s/module/m%d.ko", path, i);
		file_write(s, "x", 1, 0644, NULL);
		free(s);
	}
	is_int(tree_publish(tree, version_on_kernel("m", "1", "6.1", "x"), path, NULL), 0,
		"replace the built version");
	s = published("m/1/6.1/x/module/m.ko");
	is(s, "two", "the new module is there");
	free(s);
	ok(!path_exists(path), "the stage is gone");
	is_listing(NULL, "m/1 6.1 x installed", "the version is still installed");
	close(lock);
	free(path);
}

/* One process dies and leaves a stage; another process keeps its stage. */
static void test_leftover_stages(void)
{
	char *path, *s;
	int lock, status;

	wipe();
	add("m", "1");
	make("dkms/m/1/6.1/x/module");
	fflush(stdout);
	if (fork() == 0) {
		path = NULL;
		_exit(tree_stage_build(tree, "m", "1", &path, &lock, NULL) < 0);
	}
	wait(&status);
	is_int(status, 0, "a process dies with its stage");
	is_int((long)count("m/1"), 3, "its stage is left beside source and 6.1");
	path = stage("m", "1", "three", &lock);
	is_int((long)count("m/1"), 3, "the next stage replaces it");
	s = stage("m", "1", "four", &status);
	is_int((long)count("m/1"), 4, "two processes have stages");
	make_link("x", "dkms/m/1/.source.1-0");
	is_int(tree_publish(tree, version_on_kernel("m", "1", "6.2", "x"), path, NULL), 0,
		"publish one of the stages");
	is_int((long)count("m/1"), 5, "the other stage and a recent link are kept");
	close(status);
	close(lock);
	free(path);
	path = stage("m", "1", "five", &lock);
	ok(!path_exists(s), "a stage is removed once its lock is released");
	free(s);
	is_int(tree_publish(tree, version_on_kernel("m", "1", "6.2", "y"), path, NULL), 0,
		"publish for another architecture");
	close(lock);
	free(path);
}

/* Makes a tree where m/1 is built and installed for 6.1, and built for 6.2 on two
 * architectures. */
static void make_published(void)
{
	wipe();
	add("m", "1");
	make("dkms/m/1/6.1/x/module");
	make("dkms/m/1/6.2/x/module");
	make("dkms/m/1/6.2/y/module");
	tree_set_installed(tree, version_on_kernel("m", "1", "6.1", "x"), true, NULL);
}

static void test_unpublish(void)
{
	make_published();
	is_int(tree_unpublish(tree, version_on_kernel("m", "1", "6.2", "y"), NULL), 0,
		"unpublish");
	is_int(tree_unpublish(tree, version_on_kernel("m", "1", "6.2", "y"), NULL), 0,
		"unpublish a missing version");
	is_listing(NULL, "m/1 6.1 x installed; m/1 6.2 x built",
		"the other architecture of 6.2 is left");
	is_int(tree_unpublish(tree, version_on_kernel("m", "1", "6.2", "x"), NULL), 0,
		"unpublish the other architecture");
	ok(count("m/1") == 2, "the directory of the kernel is removed");
}

static void test_set_installed(void)
{
	make_published();
	add("m", "2");
	is_int(tree_set_installed(
		       tree, version_on_kernel("m", "2", "6.1", "x"), false, NULL),
		0, "uninstall a version that is not installed");
	is_listing(NULL,
		"m/1 6.1 x installed; m/1 6.2 x built; m/1 6.2 y built; m/2 added",
		"the installed version stays installed");
	is_int(tree_set_installed(
		       tree, version_on_kernel("m", "1", "6.1", "x"), false, NULL),
		0, "uninstall");
	is_int(tree_set_installed(
		       tree, version_on_kernel("m", "1", "6.1", "x"), false, NULL),
		0, "uninstall it again");
	is_listing(NULL, "m/1 6.1 x built; m/1 6.2 x built; m/1 6.2 y built; m/2 added",
		"it is still built");
}

static void test_forget(void)
{
	make_published();
	add("m", "2");
	is_int(tree_forget(tree, "m", "1", NULL), 0, "forget");
	is_int((long)count("m"), 1, "the link is removed as well");
	is_listing(NULL, "m/2 added", "the other version is still known");
	is_int(tree_forget(tree, "m", "1", NULL), 0, "forget a missing version");
	is_int(tree_forget(tree, "m", "2", NULL), 0, "forget the other version");
	is_int((long)count(""), 0, "the module's directory is removed");
	is_int(tree_forget(tree, "m", "2", NULL), 0, "forget an unknown module");
}

/* A reader beside a writer that publishes and unpublishes. The reader sees all of a
 * version or nothing. */
static void test_race(void)
{
	int seen = 0, built = 0, partial = 0, status;
	pid_t child;

	wipe();
	add("m", "1");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(fd, STDOUT_FILENO);
		for (int i = 0; i < 300; i++) {
			int lock;
			char *path = stage("m", "1", "text", &lock);

			tree_publish(tree, version_on_kernel("m", "1", "6.1", "x"), path,
				NULL);
			close(lock);
			free(path);
			if (i % 3 == 2)
				tree_unpublish(tree,
					version_on_kernel("m", "1", "6.1", "x"), NULL);
		}
		_exit(0);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		struct tree_list l = {0};

		if (tree_read(tree, sources, NULL, &l, NULL) < 0 || l.n != 1)
			partial++;
		else if (l.entries[0].state == STATE_BUILT)
			built++;
		seen++;
		tree_list_done(&l);
	}
	is_int(status, 0, "the writer ends");
	is_int(partial, 0, "no incomplete version was read");
	ok(seen > 10 && built > 0, "%d readings, %d of them found it built", seen, built);
}

/* Kills a writer at random moments. A published version is complete, and the next writer
 * removes the leftovers. */
static void test_kill(void)
{
	int half = 0, built = 0, lock, status;
	char *path, *s;
	pid_t child;

	wipe();
	add("m", "1");
	fflush(stdout);
	/* Tries again on machines that are too slow to publish in time. */
	for (int i = 0; i < 60 || (built < 5 && i < 500); i++) {
		struct tree_list l = {0};

		child = fork();
		if (child == 0) {
			int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

			dup2(fd, STDOUT_FILENO);
			for (;;) {
				path = stage("m", "1", "text", &lock);
				tree_publish(tree,
					version_on_kernel("m", "1", "6.1", "x"), path,
					NULL);
				close(lock);
				free(path);
				if (i % 2)
					tree_unpublish(tree,
						version_on_kernel("m", "1", "6.1", "x"),
						NULL);
			}
		}
		usleep((useconds_t)(1000 + i % 60 * 500));
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		if (tree_read(tree, sources, NULL, &l, NULL) < 0 || l.n != 1) {
			half++;
		} else if (l.entries[0].state == STATE_BUILT) {
			s = published("m/1/6.1/x/module/m.ko");
			built++;
			half += !streq(s, "text");
			free(s);
		}
		tree_list_done(&l);
	}
	is_int(half, 0, "no incomplete version was published");
	ok(built > 0, "%d of the killed writers had published", built);
	path = stage("m", "1", "text", &lock);
	tree_publish(tree, version_on_kernel("m", "1", "6.1", "x"), path, NULL);
	close(lock);
	free(path);
	is_int((long)count("m/1"), 2, "the next writer leaves the source and the kernel");
	is_int((long)count("m"), 1, "the next writer leaves nothing else");
}

int main(void)
{
	if (!make_root())
		return 1;
	test_publish();
	test_leftover_stages();
	test_unpublish();
	test_set_installed();
	test_forget();
	test_race();
	test_kill();
	remove_root();
	return done_testing();
}
