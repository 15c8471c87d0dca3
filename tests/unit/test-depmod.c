/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the real depmod on private install trees, with the modules of tests/modules. */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "builder/module/compress.h"
#include "builder/install/depmod.h"
#include "tests/modules/compile.h"
#include "tests/unit/tap.h"

#define RELEASE "6.1.0-dkms-test"

static char root[] = "/tmp/dkms-test-XXXXXX";

static char *in_root(const char *name)
{
	return path_join(root, name);
}

/* Runs a command to its end. Only the exit status of the outcome is set. */
static struct outcome run(const struct command *c)
{
	struct outcome o = {0};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (c->env.n)
			environ = c->env.items;
		execvp(c->argv.items[0], c->argv.items);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		o.error = -errno;
	else if (WIFSIGNALED(status))
		o.signal = WTERMSIG(status);
	else
		o.exit_status = WEXITSTATUS(status);
	return o;
}

static bool have_depmod(void)
{
	return system("PATH=$PATH:/usr/sbin:/sbin depmod --version >/dev/null 2>&1") == 0;
}

/* Makes a kernel with two modules in the install tree. One module needs the other. */
static struct kernel *make_kernel(struct settings *s, const char *tree)
{
	_cleanup_free_ char *dir = NULL, *provider = NULL, *user = NULL, *packed = NULL;
	struct kernel *k;

	settings_init(s);
	str_replace(&s->trees.install, tree);
	str_replace(&s->tmp_location, root);
	k = kernel_new(s, RELEASE, "x86_64");
	dir = path_join(k->dir, "updates/dkms");
	dir_make(dir, NULL);
	provider = path_join(dir, "provider.ko");
	user = path_join(dir, "user.ko");
	packed = path_join(dir, "user.ko.xz");
	ok(compile_module(provider, "provider", "RELEASE=" RELEASE) &&
			compile_module(user, "user", "RELEASE=" RELEASE) &&
			compress_file(user, packed, COMPRESSION_XZ, NULL, NULL) == 0 &&
			unlink(user) == 0,
		"modules in %s", tree);
	return k;
}

static void touch(const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name);

	if (file_write(path, "", 0, 0644, NULL) < 0)
		ok(false, "touch %s", path);
}

static void check_run(const char *tree)
{
	struct settings s;
	struct kernel *k = make_kernel(&s, tree);
	_cleanup_free_ char *modules_dep = path_join(k->dir, "modules.dep");
	_cleanup_free_ char *base = NULL;
	struct depmod d = {0};
	struct error e = {0};
	struct str text = {0};
	struct outcome o;

	is_int(depmod_prepare(&s, k, &d, &e), 0,
		"without modules.dep depmod is not needed");
	ok(!d.base && !d.command.argv.n, "no command is prepared");
	touch(k->dir, "modules.dep");
	is_int(depmod_prepare(&s, k, &d, &e), 1, e.what ? e.what : "depmod is needed");
	is(d.command.argv.items[d.command.argv.n - 1], RELEASE,
		"depmod gets the kernel release");
	base = xstrdup(d.base);
	o = run(&d.command);
	is_int(o.exit_status, 0, "depmod succeeds");
	is_int(depmod_finish(&d, k, &o, &e), 0,
		e.what ? e.what : "depmod_finish() succeeds");
	is_int(file_read(modules_dep, 1 << 20, &text, &e), 0, "read modules.dep");
	ok(text.data && strstr(text.data, "updates/dkms/provider.ko:\n") &&
			strstr(text.data,
				"updates/dkms/user.ko.xz: updates/dkms/provider.ko\n"),
		"modules.dep has the dependencies");
	ok(!text.data || !strstr(text.data, root),
		"its paths are relative to the kernel's directory");
	depmod_done(&d);
	ok(base && !path_exists(base), "the private directory is removed");
	ok(path_exists(modules_dep), "the files that it linked to are kept");
	str_done(&text);
	kernel_free(k);
	settings_done(&s);
	error_done(&e);
}

static void test_trees(void)
{
	_cleanup_free_ char *plain = in_root("anywhere"),
			    *like = in_root("image/lib/modules");
	_cleanup_free_ char *usr = in_root("merged/usr/lib/modules");
	_cleanup_free_ char *link = in_root("link");
	_cleanup_free_ char *elsewhere = in_root("elsewhere");
	_cleanup_free_ char *spaces = in_root("white space/ends/");

	check_run(plain);
	check_run(like);
	check_run(usr);
	check_run(spaces);
	dir_make(elsewhere, NULL);
	is_int(link_write(link, "elsewhere", NULL), 0, "make a link to a tree");
	check_run(link);
}

static void test_last_module(void)
{
	_cleanup_free_ char *tree = in_root("gone");
	struct settings s;
	struct kernel *k = make_kernel(&s, tree);
	_cleanup_free_ char *dir = path_join(k->dir, "updates/dkms");
	_cleanup_free_ char *image = path_join(k->dir, "kernel");
	_cleanup_free_ char *order = path_join(k->dir, "modules.order");
	_cleanup_free_ char *alias = path_join(k->dir, "modules.alias.bin");
	struct depmod d = {0};
	struct outcome o;

	touch(k->dir, "modules.dep");
	dir_make(image, NULL);
	is_int(depmod_prepare(&s, k, &d, NULL), 1,
		"depmod is needed for a kernel with modules");
	o = run(&d.command);
	is_int(depmod_finish(&d, k, &o, NULL), 0, "depmod is finished");

	dir_remove(dir, NULL);
	dir_prune(dir, k->dir);
	o = run(&d.command);
	is_int(depmod_finish(&d, k, &o, NULL), 0,
		"depmod is finished after the last module of an installed kernel");
	ok(path_exists(alias), "depmod's files are kept");

	rmdir(image);
	touch(k->dir, "modules.order");
	is_int(depmod_finish(&d, k, &o, NULL), 0,
		"depmod is finished after the last module of a removed kernel");
	ok(!path_exists(alias) && path_exists(order),
		"only files that are not depmod's are kept");
	unlink(order);
	touch(k->dir, "modules.dep");
	is_int(depmod_finish(&d, k, &o, NULL), 0,
		"depmod is finished after the last file");
	ok(!path_exists(k->dir) && path_exists(tree),
		"the kernel's directory is removed");
	depmod_done(&d);
	kernel_free(k);
	settings_done(&s);
}

static void check_system_map(const char *image, const char *modules)
{
	_cleanup_free_ char *dir = in_root(image);
	_cleanup_free_ char *tree = path_join(dir, modules);
	_cleanup_free_ char *boot = path_join(dir, "boot");
	_cleanup_free_ char *map = path_join(boot, "System.map-" RELEASE);
	struct settings s;
	struct kernel *k = make_kernel(&s, tree);
	_cleanup_free_ char *line = NULL, *want = NULL;
	struct depmod d = {0};
	struct outcome o;

	touch(k->dir, "modules.dep");
	dir_make(boot, NULL);
	file_write(map, "0000000000000000 T _printk\n", 27, 0644, NULL);
	is_int(depmod_prepare(&s, k, &d, NULL), 1, "compat 6: a kernel with a System.map");
	line = command_line(&d.command);
	want = xasprintf("depmod -a -b %s -F %s " RELEASE, d.base, map);
	is(line, want, "the command has the System.map");
	o = run(&d.command);
	is_int(o.exit_status, 0, "depmod succeeds with the System.map");
	depmod_done(&d);
	kernel_free(k);
	settings_done(&s);
}

static void test_failures(void)
{
	_cleanup_free_ char *tree = in_root("failing");
	struct settings s;
	struct kernel *k = make_kernel(&s, tree);
	struct outcome o = {.exit_status = 1};
	struct depmod d = {0};
	struct error e = {0};

	touch(k->dir, "modules.dep");
	str_replace(&s.tmp_location, "/nonexistent");
	is_int(depmod_prepare(&s, k, &d, &e), -ENOENT,
		"the private directory cannot be made");
	ok(e.what && strstr(e.what, "/nonexistent"), "%s", e.what ? e.what : "(null)");
	error_done(&e);

	str_replace(&s.tmp_location, root);
	is_int(depmod_prepare(&s, k, &d, &e), 1, "depmod is needed");
	str_add(&o.err, "depmod: ERROR: no\n\n");
	is_int(depmod_finish(&d, k, &o, &e), -EIO, "depmod fails");
	is(e.what, "depmod for " RELEASE " exited 1:\ndepmod: ERROR: no",
		"the error has depmod's message");
	is_int(e.status, 6, "the exit status");
	error_done(&e);
	outcome_done(&o);
	o = (struct outcome){.error = -ENOENT};
	is_int(depmod_finish(&d, k, &o, &e), -EIO, "depmod is missing");
	is(e.what,
		"depmod for " RELEASE " could not be started: No such file or directory",
		"the error says that depmod could not be started");
	error_done(&e);
	depmod_done(&d);
	kernel_free(k);
	settings_done(&s);
}

int main(void)
{
	_cleanup_free_ char *probe = NULL;

	if (!ok(mkdtemp(root) != NULL, "a temporary directory"))
		return done_testing();
	probe = in_root("probe.ko");
	if (!have_depmod()) {
		ok(true, "depmod # SKIP it is not installed");
	} else if (!compile_module(probe, "plain", "")) {
		ok(true, "depmod # SKIP the modules of tests/modules cannot be compiled here");
	} else {
		test_trees();
		test_last_module();
		check_system_map("mapped", "lib/modules");
		check_system_map("mapped-usr", "usr/lib/modules");
		test_failures();
	}
	dir_remove(root, NULL);
	return done_testing();
}
