/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads dkms trees in all states, with broken entries and strange names. */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit/tree.h"

static void test_empty_tree(void)
{
	_cleanup_(strv_done) struct strv list = {0};

	wipe();
	is_listing(NULL, "", "a missing tree is empty");
	is_int(tree_list_modules(tree, &list), 0, "the names of a missing tree");
	is_int((long)list.n, 0, "there are none");
}

/* Makes a tree with versions in all states, and with entries that are not versions, for
 * the next tests. */
static void make_states(void)
{
	_cleanup_free_ char *key = path_join(tree, "mok.key");

	wipe();
	add("a", "1.10");
	add("a", "1.9");
	add("b", "1");
	make("dkms/a/1.9/6.1.0-9-amd64/x86_64/module");
	make("dkms/a/1.9/6.1.0-10-amd64/x86_64/module");
	make("dkms/a/1.9/6.1.0-10-amd64/i686/module");
	make("dkms/a/1.9/6.1.0-11-amd64/x86_64/log"); /* it has no module/ */
	make("dkms/a/1.9/6.1.0-12-amd64");
	make("dkms/a/1.9/build/x86_64/module");
	make("dkms/a/1.9/tarball/x86_64/module");
	make("dkms/a/1.9/.stage-x/x86_64/module");
	make("dkms/a/original_module/6.1.0-9-amd64/x86_64");
	make_link("1.9/6.1.0-9-amd64/x86_64", "dkms/a/kernel-6.1.0-9-amd64-x86_64");
	file_write("/dev/null/x", "", 0, 0644, NULL); /* fails */
	file_write(key, "", 0, 0600, NULL);
}

static void test_listing(void)
{
	is_listing(NULL,
		"a/1.9 6.1.0-9-amd64 x86_64 installed+; a/1.9 6.1.0-10-amd64 i686 built; "
		"a/1.9 6.1.0-10-amd64 x86_64 built; a/1.10 added; b/1 added",
		"added, built, installed, original module");
	is_listing(&(struct tree_filter){.name = "b"}, "b/1 added", "one name");
	is_listing(&(struct tree_filter){.name = "c"}, "", "an unknown name");
	is_listing(&(struct tree_filter){.name = "a", .version = "1.10"}, "a/1.10 added",
		"one version");
	is_listing(&(struct tree_filter){.release = "6.1.0-10-amd64"},
		"a/1.9 6.1.0-10-amd64 i686 built; a/1.9 6.1.0-10-amd64 x86_64 built; "
		"a/1.10 added; b/1 added",
		"one kernel: versions that are not built for it are added");
	is_listing(&(struct tree_filter){.arch = "i686"},
		"a/1.9 6.1.0-10-amd64 i686 built; a/1.10 added; b/1 added", "one arch");
	is_listing(&(struct tree_filter){.name = "a",
			   .version = "1.9",
			   .release = "6.1.0-9-amd64",
			   .next = &(struct tree_filter){.name = "b"}},
		"a/1.9 6.1.0-9-amd64 x86_64 installed+; b/1 added", "a chain of filters");
}

static void test_states(void)
{
	is_int(tree_state(tree, sources,
		       version_on_kernel("a", "1.9", "6.1.0-9-amd64", "x86_64")),
		STATE_INSTALLED, "state: installed");
	is_int(tree_state(tree, sources,
		       version_on_kernel("a", "1.9", "6.1.0-10-amd64", "x86_64")),
		STATE_BUILT, "state: built");
	is_int(tree_state(tree, sources,
		       version_on_kernel("a", "1.9", "6.1.0-11-amd64", "x86_64")),
		STATE_ADDED, "state: added");
	is_int(tree_version_state(tree, sources, "a", "1.9"), STATE_ADDED,
		"state without a kernel");
	is_int(tree_version_state(tree, sources, "a", "2"), STATE_UNKNOWN,
		"state: unknown version");
	is_int(tree_state(tree, sources, version_on_kernel("z", "2", "6.1", "x86_64")),
		STATE_UNKNOWN, "state: unknown module");
}

static void test_names_and_versions(void)
{
	struct strv list = {0};
	char *s;

	s = tree_installed_version(
		tree, version_on_kernel("a", NULL, "6.1.0-9-amd64", "x86_64"));
	is(s, "1.9", "the installed version");
	free(s);
	ok(!tree_installed_version(
		   tree, version_on_kernel("a", NULL, "6.1.0-10-amd64", "x86_64")),
		"no version is installed");

	tree_list_versions(tree, "a", &list);
	s = strv_join(&list, " ");
	is(s, "1.9 1.10", "versions in order, the newest last");
	free(s);
	strv_done(&list);
	is_int(tree_list_versions(tree, "none", &list), 0,
		"versions of an unknown module");
	is_int((long)list.n, 0, "an unknown module has no versions");
	tree_list_modules(tree, &list);
	s = strv_join(&list, " ");
	is(s, "a b", "the names of modules");
	free(s);
	strv_done(&list);
}

/* The name of a kernel- link is ambiguous, since kernels and architectures may have
 * dashes. */
static void test_ambiguous(void)
{
	char *s;

	wipe();
	add("m", "1");
	make("dkms/m/1/6.1-a/b-c/module");
	make("dkms/m/1/6.1-a-b/c/module");
	make_link("1/6.1-a-b/c", "dkms/m/kernel-6.1-a-b-c");
	is_listing(NULL, "m/1 6.1-a b-c built; m/1 6.1-a-b c installed",
		"the target of the link separates kernel and architecture");
	s = tree_installed_version(tree, version_on_kernel("m", NULL, "6.1-a-b", "c"));
	is(s, "1", "it is installed for that kernel");
	free(s);
	ok(!tree_installed_version(tree, version_on_kernel("m", NULL, "6.1-a", "b-c")),
		"it is not installed for the other kernel");
	is_int(tree_state(tree, sources, version_on_kernel("m", "1", "6.1-a", "b-c")),
		STATE_BUILT, "the state of the other kernel");

	/* Links to missing directories. */
	add("m", "2");
	make("dkms/m/2/6.2/x/module");
	make("dkms/m/1/6.2/x/module");
	make_link("2/6.2/x", "dkms/m/kernel-6.2-x");
	make_link("1/6.3/x", "dkms/m/kernel-6.3-x");
	make_link("nowhere", "dkms/m/kernel-6.1-a-b");
	make_link("../../..", "dkms/m/kernel-..");
	is_listing(&(struct tree_filter){.release = "6.2"},
		"m/1 6.2 x built; m/2 6.2 x installed",
		"one of two versions is installed");
	is_int(tree_state(tree, sources, version_on_kernel("m", "1", "6.3", "x")),
		STATE_ADDED, "a link to a version that is not built");
	ok(!tree_installed_version(tree, version_on_kernel("m", NULL, "6.3", "x")),
		"the link is ignored");

	/* Links that other programs wrote. */
	make("dkms/m/1/6.4/x/module");
	make("dkms/m/1/6.5/x/module");
	s = xasprintf("%s/m/1/6.4/x", tree);
	make_link(s, "dkms/m/kernel-6.4-x");
	free(s);
	make_link("./1/6.5/x/", "dkms/m/kernel-6.5-x");
	is_int(tree_state(tree, sources, version_on_kernel("m", "1", "6.4", "x")),
		STATE_INSTALLED, "the state with an absolute link");
	is_int(tree_state(tree, sources, version_on_kernel("m", "1", "6.5", "x")),
		STATE_INSTALLED, "the state with a link that has dots");
	is_listing(&(struct tree_filter){.version = "1", .release = "6.4"},
		"m/1 6.4 x installed", "the listing with an absolute link");
	is_listing(&(struct tree_filter){.version = "1", .release = "6.5"},
		"m/1 6.5 x installed", "the listing with a link that has dots");
}

static void test_broken(void)
{
	char *s;

	wipe();
	add("a", "1");
	add("a", "2");
	make("dkms/a/1/6.1/x/module");
	make_link("1/6.1/x", "dkms/a/kernel-6.1-x");
	s = path_join(sources, "a-1");
	rmdir(s);
	is_listing(NULL, "a/1 broken; a/2 added", "a source link that leads nowhere");
	is_int(tree_state(tree, sources, version_on_kernel("a", "1", "6.1", "x")),
		STATE_BROKEN, "the state with such a link");
	make("src/a-1");
	is_listing(NULL, "a/1 6.1 x installed; a/2 added", "the source is there again");
	free(s);
	s = path_join(tree, "a/1/source");
	unlink(s);
	is_listing(NULL, "a/1 broken; a/2 added", "a source without a source link");
	make("dkms/a/1/source");
	is_listing(
		NULL, "a/1 broken; a/2 added", "a directory instead of the source link");
	rmdir(s);
	free(s);
	s = path_join(sources, "a-1");
	rmdir(s);
	is_listing(NULL, "a/1 broken; a/2 added",
		"a built version without a source link and a source");
	make("dkms/a/0/build");
	is_listing(NULL, "a/0 leftover; a/1 broken; a/2 added", "a version that is nothing");
	is_int(tree_version_state(tree, sources, "a", "0"), STATE_LEFTOVER,
		"the state of a leftover");
	is_int(tree_version_state(tree, sources, "a", "3"), STATE_UNKNOWN,
		"the state of an unknown version");
	is_int(tree_forget(tree, "a", "0", NULL), 0, "a leftover is forgotten");

	is_int(tree_add(tree, "a", "2", s, 0, NULL), -EEXIST,
		"a version cannot be added twice");
	is_int(tree_add(tree, "a", "1", s, 0, NULL), 0, "a missing link is repaired");
	is_listing(NULL, "a/1 broken; a/2 added", "the new link leads nowhere");
	make("src/elsewhere");
	free(s);
	s = path_join(sources, "elsewhere");
	is_int(tree_add(tree, "a", "1", s, 0, NULL), 0, "a dangling link is repaired");
	is_listing(NULL, "a/1 6.1 x installed; a/2 added",
		"the built modules are known again");
	free(s);
}

static void test_names(void)
{
	struct error e = {0};
	char *s;
	char longest[257];

	memset(longest, 'a', 256);
	longest[256] = '\0';
	is_int(tree_check_name("module name", "v4l2loopback", NULL), 0, "a good name");
	is_int(tree_check_name("module name", "a b+c~1.0_x", NULL), 0, "an unusual name");
	is_int(tree_check_name("module name", "../x", &e), -EINVAL, "dots and a slash");
	is(e.what, "the module name has a slash: ../x", "the error names the name");
	is_int(e.status, 3, "the exit status is 3");
	error_done(&e);
	ok(tree_check_name("x", "", NULL) < 0, "an empty name");
	ok(tree_check_name("x", NULL, NULL) < 0, "a missing name");
	ok(tree_check_name("x", ".a", NULL) < 0, "a name that begins with a dot");
	ok(tree_check_name("x", "a\nb", NULL) < 0, "a name with a newline");
	ok(tree_check_name("x", "a\x7f", NULL) < 0, "a name with a control character");
	ok(tree_check_name("x", longest, NULL) < 0, "a name of 256 bytes");
	longest[255] = '\0';
	ok(tree_check_name("x", longest, NULL) == 0, "a name of 255 bytes");

	wipe();
	ok(tree_add(tree, "a", "../b", sources, 0, NULL) < 0, "add ../b");
	ok(tree_add(tree, "a", "original_module", sources, 0, NULL) < 0,
		"add original_module");
	ok(tree_add(tree, "a", "kernel-1-2", sources, 0, NULL) < 0, "add kernel-1-2");
	ok(!path_exists(tree), "nothing is made for bad names");
	add("a", "1");
	ok(tree_publish(tree, version_on_kernel("a", "1", "build", "x"), sources, NULL) <
			0,
		"a kernel called build");
	ok(tree_unpublish(tree, version_on_kernel("a", "1", "..", "x"), NULL) < 0,
		"a kernel called ..");
	ok(tree_forget(tree, "a", "..", NULL) < 0, "forget a/..");
	ok(tree_forget(tree, "..", "src", NULL) < 0, "forget ../src");
	s = path_join(sources, "a-1");
	ok(path_is_dir(s), "the source is not removed");
	free(s);
}

static void test_unreadable(void)
{
	bool root_reads_all = geteuid() == 0;
	char *s;

	wipe();
	add("m", "1");
	s = path_join(tree, "m/1");
	chmod(s, 0);
	/* Become a user who may enter the parent directory. */
	if (root_reads_all && (chmod(root, 0755) < 0 || seteuid(65534) < 0))
		perror("seteuid");
	is_listing(NULL, "cannot read m/1 in the dkms tree: Permission denied",
		"an unreadable directory");
	if (root_reads_all && seteuid(0) < 0)
		perror("seteuid");
	chmod(s, 0755);
	free(s);
}

static void test_many(void)
{
	struct tree_list l = {0};
	struct timespec a, b;
	size_t installed = 0;
	double best = 1e9;

	wipe();
	for (int i = 0; i < 1000; i++) {
		char target[64], link[64];

		make("src/module%d-1.%d", i, i);
		make("dkms/module%d/1.%d/6.1.0-56-amd64/x86_64/module", i, i);
		snprintf(target, sizeof(target), "%s/module%d-1.%d", sources, i, i);
		snprintf(link, sizeof(link), "dkms/module%d/1.%d/source", i, i);
		make_link(target, link);
		snprintf(target, sizeof(target), "1.%d/6.1.0-56-amd64/x86_64", i);
		snprintf(link, sizeof(link), "dkms/module%d/kernel-6.1.0-56-amd64-x86_64",
			i);
		if (i % 2)
			make_link(target, link);
	}
	for (int i = 0; i < 10; i++) {
		double took;

		tree_list_done(&l);
		clock_gettime(CLOCK_MONOTONIC, &a);
		tree_read(tree, sources, NULL, &l, NULL);
		clock_gettime(CLOCK_MONOTONIC, &b);
		took = (double)(b.tv_sec - a.tv_sec) * 1e3 +
		       (double)(b.tv_nsec - a.tv_nsec) / 1e6;
		if (took < best)
			best = took;
	}
	for (size_t i = 0; i < l.n; i++)
		installed += l.entries[i].state == STATE_INSTALLED;
	is_int((long)l.n, 1000, "a tree of 1,000");
	is_int((long)installed, 500, "half of them are installed");
	/* The target is 20 ms. The test allows more for debug builds and busy machines.
	 */
	ok(best < 1000, "read in %.1f ms", best);
	tree_list_done(&l);
}

int main(void)
{
	if (!make_root())
		return 1;
	test_empty_tree();
	make_states();
	test_listing();
	test_states();
	test_names_and_versions();
	test_ambiguous();
	test_broken();
	test_names();
	test_unreadable();
	test_many();
	remove_root();
	return done_testing();
}
