/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evaluates each tests/unit/conf/NAME.conf for one kernel; NAME.want has the expected
 * result as text. The same for tests/corpus/NAME/dkms.conf, which is as people write it,
 * and tests/corpus/NAME/want. Cases that need more than a file follow below. */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/conf/conf.h"
#include "tests/unit/run.h"
#include "tests/unit/tap.h"

/* One evaluation: its input and its result. */
struct world {
	struct settings settings;
	struct conf_request request;
	char *dir; /* tests/unit/conf or tests/corpus */
	char *path;
	struct command cmd;
	struct outcome outcome;
	struct conf *conf;
	struct error err;
};

static void world_init_in(struct world *w, const char *dir, const char *file)
{
	const char *top = getenv("top_srcdir");

	*w = (struct world){.dir = path_join(top, dir)};
	w->path = path_join(w->dir, file);
	settings_init(&w->settings);
	str_replace(&w->settings.config_dir, "/nowhere");
	str_replace(&w->settings.trees.dkms, "/tree");
	str_replace(&w->settings.tmp_location, "/tmp");
	w->settings.kernel.source_dir = path_join(top, "tests/unit/conf/headers");
	w->settings.limits.slots = 4;
	w->request = (struct conf_request){.path = w->path, .settings = &w->settings};
	w->request.kernel = kernel_new(&w->settings, "6.1.0-56-amd64", "x86_64");
	command_init(&w->cmd);
	conf_fill_command(&w->request, &w->cmd);
}

static void world_init(struct world *w, const char *file)
{
	world_init_in(w, "tests/unit/conf", file);
}

static int world_run(struct world *w)
{
	run_command(&w->cmd, &w->outcome);
	return conf_parse(&w->request, &w->cmd, &w->outcome, &w->conf, &w->err);
}

/* Evaluates again with a changed request. */
static int world_again(struct world *w)
{
	conf_free(TAKE_PTR(w->conf));
	error_done(&w->err);
	outcome_done(&w->outcome);
	command_done(&w->cmd);
	conf_fill_command(&w->request, &w->cmd);
	return world_run(w);
}

static void world_done(struct world *w)
{
	conf_free(w->conf);
	error_done(&w->err);
	command_done(&w->cmd);
	outcome_done(&w->outcome);
	kernel_free(w->request.kernel);
	settings_done(&w->settings);
	free(w->path);
	free(w->dir);
}

static void describe_conf(const struct conf *c, struct str *s)
{
	const char *const hooks[][2] = {{"post_add", c->post_add},
		{"pre_build", c->pre_build}, {"post_build", c->post_build},
		{"pre_install", c->pre_install}, {"post_install", c->post_install},
		{"post_remove", c->post_remove}, {"obsolete_by", c->obsolete_by},
		{"excluded", c->excluded}};
	struct error err = {0};

	str_addf(s, "%s/%s\n", c->package_name, c->package_version);
	for (size_t i = 0; i < c->n_modules; i++) {
		const struct conf_module *m = &c->modules[i];

		str_addf(s, "module %s%s -> %s/%s%s%s%s\n", m->built_location,
			m->built_name, m->dest_location, m->dest_name,
			m->strip ? "" : " unstripped", m->excluded ? ": " : "",
			m->excluded ? m->excluded : "");
	}
	str_addf(s, "make [%s]\n", c->make);
	for (size_t i = 0; i < c->patches.n; i++)
		str_addf(s, "patch %s\n", c->patches.items[i]);
	for (size_t i = 0; i < c->build_depends.n; i++)
		str_addf(s, "depends %s\n", c->build_depends.items[i]);
	str_addf(s, "%s%s%s", c->build_depends_rebuild ? "build_depends_rebuild\n" : "",
		c->autoinstall ? "autoinstall\n" : "",
		c->no_weak_modules ? "no_weak_modules\n" : "");
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i][1])
			str_addf(s, "%s [%s]\n", hooks[i][0], hooks[i][1]);
	for (size_t i = 0; i < c->warnings.n; i++)
		str_addf(s, "warning: %s\n", c->warnings.items[i]);
	if (conf_check_duplicates(c, c->files.items[0], &err) < 0)
		str_addf(s, "later, status %d\n%s\n", err.status, err.what);
	error_done(&err);
}

/* Describes the result as text, with "@" for the directory of the tests and HEADERS for
 * that of the headers. */
static char *describe(const struct world *w)
{
	const char *headers = w->settings.kernel.source_dir;
	struct str s = {0}, shortened = {0};

	if (w->conf)
		describe_conf(w->conf, &s);
	else
		str_addf(&s, "status %d\n%s\n", w->err.status, w->err.what);
	if (w->err.remedy)
		str_addf(&s, "remedy: %s\n", w->err.remedy);
	if (w->conf && w->outcome.err.len)
		str_addf(&s, "on standard error:\n%s", w->outcome.err.data);
	for (const char *at = s.data; *at;) {
		if (has_prefix(at, headers)) {
			str_add(&shortened, "HEADERS");
			at += strlen(headers);
		} else if (has_prefix(at, w->dir)) {
			str_add(&shortened, "@");
			at += strlen(w->dir);
		} else {
			str_add_bytes(&shortened, at++, 1);
		}
	}
	str_done(&s);
	return str_take(&shortened);
}

/* Evaluates and compares the result with the file want. If DKMS_TEST_WRITE is set, writes
 * that file instead, so that a person can check it. */
static void compare(struct world *w, const char *want, const char *what)
{
	_cleanup_(str_done) struct str text = {0};
	_cleanup_free_ char *got = NULL;

	world_run(w);
	got = describe(w);
	if (getenv("DKMS_TEST_WRITE"))
		file_write(want, got, strlen(got), 0644, NULL);
	file_read(want, 65536, &text, NULL);
	is(got, text.data, what);
}

static void test_file(const char *file)
{
	_cleanup_free_ char *want = NULL;
	struct world w;

	world_init(&w, file);
	want = xasprintf("%.*s.want", (int)(strlen(w.path) - strlen(".conf")), w.path);
	if (streq(file, "loop.conf"))
		w.cmd.timeout_s = 1;
	compare(&w, want, file);
	world_done(&w);
}

static void test_files(void)
{
	_cleanup_free_ char *dir = xasprintf("%s/tests/unit/conf", getenv("top_srcdir"));
	_cleanup_(strv_done) struct strv names = {0};
	int n = 0;

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++)
		if (has_suffix(names.items[i], ".conf")) {
			test_file(names.items[i]);
			n++;
		}
	ok(n >= 40, "%d files", n);
}

static void test_corpus(void)
{
	_cleanup_free_ char *dir = path_join(getenv("top_srcdir"), "tests/corpus");
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *file = path_join(names.items[i], "dkms.conf");
		_cleanup_free_ char *want = xasprintf("%s/%s/want", dir, names.items[i]);
		struct world w;

		world_init_in(&w, "tests/corpus", file);
		compare(&w, want, names.items[i]);
		world_done(&w);
	}
	ok(names.n >= 60, "%zu examples", names.n);
}

static void test_environment(void)
{
	struct world w;

	setenv("CC", "caller", 1);
	setenv("CFLAGS", "caller", 1);
	setenv("MAKEFLAGS", "-j8", 1);
	setenv("KERNELRELEASE", "5.0", 1);
	setenv("MAKE", "caller", 1);
	setenv("STRIP", "caller", 1);
	setenv("KBUILD_KEPT", "kept", 1);
	setenv("SECRET", "secret", 1);
	setenv("BASH_ENV", "/no/such/file", 1);
	setenv("BASH_FUNC_hijacked%%", "() { :; }", 1);
	world_init(&w, "environment.conf");
	w.request.name = "environment";
	w.request.version = "1";
	if (ok(world_again(&w) == 0, "a conf that looks at its environment")) {
		is(w.conf->post_add, "6.1.0-56-amd64 x86_64 headers auto.conf",
			"the variables of the kernel");
		is(w.conf->pre_build, "/tree /usr/src /lib/modules /tmp",
			"the variables of the trees");
		is(w.conf->post_build, "environment 1 4",
			"the variables of the module and the number of jobs");
		is(w.conf->pre_install, "unset unset unset unset",
			"variables of a calling make are unset");
		is(w.conf->post_install, "unset unset C",
			"directives in the environment are unset");
		is(w.conf->post_remove, "kept unset",
			"variables that say how to build are kept");
		ok(!w.conf->autoinstall, "functions are removed");
		is(w.outcome.err.data, NULL, "nothing is printed to standard error");
	}
	world_done(&w);
}

static void write_text(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name);

	file_write(path, text, strlen(text), 0644, NULL);
}

static void test_overrides(void)
{
	static const char *const names[] = {"over.conf", "over-1.conf",
		"over-1-6.1.0-56-amd64.conf", "over-1-6.1.0-56-amd64-x86_64.conf",
		"over--6.1.0-56-amd64.conf", "over--6.1.0-56-amd64-x86_64.conf",
		"over-2.conf", "over-1-6.1.0-56-amd64-arm64.conf"};
	char dir[] = "/tmp/dkms-test-XXXXXX";
	struct world w;

	if (!mkdtemp(dir))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *text = xasprintf(
			"POST_ADD=\"$POST_ADD %zu\"\nPRE_BUILD=%zu\n", i + 1, i + 1);

		write_text(dir, names[i], text);
	}
	world_init(&w, "plain.conf");
	str_replace(&w.settings.config_dir, dir);
	if (ok(world_again(&w) == 0, "no name, no overrides"))
		is(w.conf->post_add, NULL, "without overrides nothing is added");
	w.request.name = "over";
	w.request.version = "1";
	if (ok(world_again(&w) == 0, "overrides")) {
		is(w.conf->post_add, "1 2 3 4 5 6", "overrides are read in this order");
		is(w.conf->pre_build, "6", "the last override wins");
		is_int((long)w.conf->files.n, 7, "the number of files that were read");
	}
	is(w.conf->make + strlen(w.conf->make) - strlen("M=/tree/over/1/build"),
		"M=/tree/over/1/build", "the build directory is in the tree");

	strv_push(&w.settings.directives, "PRE_BUILD=first");
	strv_push(&w.settings.directives, "PRE_BUILD=a  b=$arch");
	strv_push(&w.settings.directives, "DEST_MODULE_NAME[0]=renamed");
	if (ok(world_again(&w) == 0, "directives")) {
		is(w.conf->pre_build, "a b=x86_64",
			"directives of the command win over files, the last one first");
		is(w.conf->modules[0].dest_name, "renamed",
			"a directive can set an element of an array");
	}
	strv_push(&w.settings.directives, "no directive");
	strv_push(&w.settings.directives, "PATCH[$(kill $$)]=1");
	is_int(world_again(&w), -EINVAL, "a bad directive fails");
	ok(strstr(w.err.what, "the argument of --directive is \"no directive\""),
		"the error names the bad directive");

	write_text(dir, "over.conf", "AUTOINSTALL=perhaps\n");
	strv_done(&w.settings.directives);
	is_int(world_again(&w), -EINVAL, "a bad override fails");
	ok(strstr(w.err.what, "plain.conf with") && strstr(w.err.what, "/over.conf"),
		"the error names the bad override: %s", w.err.what);
	write_text(dir, "over.conf", "A=1\nexit\n");
	world_again(&w);
	ok(strstr(w.err.what, "/over.conf: line 2: exit 0"),
		"an override that calls exit: %s", w.err.what);
	world_done(&w);
	dir_remove(dir, NULL);
}

/* Errors of bash, whose texts differ between versions. */
static void test_bash_messages(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"PACKAGE_NAME=x\nPACKAGE_VERSION=\"1\n", "/dkms.conf: line "},
		{"if true; then\n", "/dkms.conf: line "},
		{"PACKAGE_NAME=x\nset -e\nfalse\n",
			"/dkms.conf: the evaluation ended early: "},
		{"PACKAGE_NAME=x\nset -u\nA=$B\n", "B: unbound variable"},
		{"PACKAGE_NAME=${A:?why}\n", "A: why"},
		{"echo 'no luck' >&2\nexit 1\n", "no luck"},
	};
	char dir[] = "/tmp/dkms-test-XXXXXX";
	struct world w;

	if (!mkdtemp(dir))
		abort();
	world_init(&w, "plain.conf");
	free(w.path);
	w.request.path = w.path = path_join(dir, "dkms.conf");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_text(dir, "dkms.conf", cases[i].text);
		world_again(&w);
		ok(w.err.status == 8 && strstr(w.err.what, cases[i].want), "%s",
			w.err.what);
	}
	write_text(dir, "dkms.conf",
		"PACKAGE_NAME=x\nPACKAGE_VERSION=1\nDEST_MODULE_LOCATION=/extra\n"
		"POST_ADD='open $( is no command'\n");
	if (ok(world_again(&w) == 0, "a value that cannot be expanded")) {
		is(w.conf->post_add, "open $( is no command",
			"a value that cannot be expanded is kept as it is");
		ok(strstr(w.outcome.err.data, "POST_ADD[0] is taken as it is"),
			"a warning says so");
	}
	world_done(&w);
	dir_remove(dir, NULL);
}

/* Errors that do not come from the content of the file. */
static void test_circumstances(void)
{
	struct world w;
	char *line;

	world_init(&w, "no-such.conf");
	is_int(world_run(&w), -ENOENT, "a missing dkms.conf");
	is_int(w.err.status, 4, "a missing dkms.conf has its own exit status");
	world_done(&w);

	world_init(&w, "plain.conf");
	w.outcome.error = -EACCES;
	is_int(conf_parse(&w.request, &w.cmd, &w.outcome, &w.conf, &w.err), -EACCES,
		"bash cannot be started");
	is_int(w.err.status, 1, "the exit status does not blame dkms.conf");
	world_done(&w);

	world_init(&w, "plain.conf");
	str_add(&w.outcome.err, "bwrap: no");
	w.outcome.exit_status = 1;
	is_int(conf_parse(&w.request, &w.cmd, &w.outcome, &w.conf, &w.err), -EIO,
		"the sandbox cannot be started");
	is(w.err.what, "cannot run bash: it exited 1\nbwrap: no",
		"the error has the sandbox's message");
	world_done(&w);

	world_init(&w, "plain.conf");
	line = w.cmd.argv.items[0];
	ok(*line == '/' && has_suffix(w.cmd.cwd, "/tests/unit/conf"), "%s in %s", line,
		w.cmd.cwd);
	is_int(w.cmd.timeout_s, 10, "the time limit is ten seconds");
	world_done(&w);
}

/* Without headers, so without a .config, missing options are unknown. */
static void test_no_config(void)
{
	struct world w;

	world_init(&w, "excluded.conf");
	kernel_free(w.request.kernel);
	str_replace(&w.settings.kernel.source_dir, "/nowhere");
	w.request.kernel = kernel_new(&w.settings, "6.1.0-56-amd64", "x86_64");
	if (ok(world_again(&w) == 0, "BUILD_EXCLUSIVE_CONFIG without a config"))
		is(w.conf->excluded, NULL, "the module is not excluded");
	world_done(&w);
}

static void test_make_command(void)
{
	static const char *const cases[][2] = {
		{"make", "make KERNELRELEASE=6.1"},
		{"make -C x && make y", "make KERNELRELEASE=6.1 -C x && make y"},
		{"make;x", "make KERNELRELEASE=6.1;x"},
		{"'make' -j4", "'make' -j4"},
		{"makefoo", "makefoo"},
		{"make.sh all", "make.sh all"},
		{"(make a; make b)", "(make a; make b)"},
		{"KDIR=/x make", "KDIR=/x make"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conf c = {.make = xstrdup(cases[i][0])};
		_cleanup_free_ char *got = conf_make_command(&c, "6.1");

		is(got, cases[i][1], cases[i][0]);
		free(c.make);
	}
}

static void test_install_dir(void)
{
	static const struct {
		enum distro distro;
		const char *addon, *want;
	} cases[] = {
		{DISTRO_DEBIAN, NULL, "/updates/dkms"},
		{DISTRO_UBUNTU, NULL, "/updates/dkms"},
		{DISTRO_ARCH, NULL, "/updates/dkms"},
		{DISTRO_FEDORA, NULL, "/extra"},
		{DISTRO_RHEL, NULL, "/extra"},
		{DISTRO_SUSE, NULL, "/updates"},
		{DISTRO_GENTOO, NULL, "/kernel/net"},
		{DISTRO_ALPINE, "", "/kernel/net"},
		{DISTRO_OTHER, NULL, "/kernel/net"},
		{DISTRO_OTHER, "addon", "/addon"},
		{DISTRO_SUSE, "/addon", "/addon"},
	};
	struct conf_module m = {.dest_location = (char[]){"/kernel/net"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct settings s = {.distro = cases[i].distro,
			.addon_modules_dir = (char *)cases[i].addon};
		_cleanup_free_ char *got = conf_install_dir(&m, &s);

		is(got, cases[i].want, "the directory for modules");
	}
}

static void test_module_files(void)
{
	const struct conf_module m = {.built_name = (char[]){"built"},
		.built_location = (char[]){"src/"},
		.dest_name = (char[]){"dest"}};
	_cleanup_free_ char *built = conf_built_file(&m), *dest = conf_dest_file(&m);

	is(built, "src/built.ko", "the file of a module that make builds");
	is(dest, "dest.ko", "the file of a module that is installed");
}

/* An evaluation does not depend on the one before it. */
static void test_leak(void)
{
	struct world w, first;

	world_init(&first, "scalars.conf");
	world_run(&first);
	world_init(&w, "minimal.conf");
	if (ok(world_run(&w) == 0 && first.conf, "compat 4: nothing leaks from one conf into the next")) {
		is_int((long)w.conf->patches.n, 0, "no patch is left over");
		ok(w.conf->modules[0].strip && !w.conf->no_weak_modules,
			"no other directive is left over");
	}
	world_done(&first);
	world_done(&w);
}

static void parse_bytes(struct world *w, const char *bytes, size_t n)
{
	conf_free(TAKE_PTR(w->conf));
	error_done(&w->err);
	outcome_done(&w->outcome);
	str_add_bytes(&w->outcome.out, bytes, n);
	conf_parse(&w->request, &w->cmd, &w->outcome, &w->conf, &w->err);
}

/* conf_parse() gives a result or an error for any bytes. */
static void test_garbage(void)
{
	static const char *const reports[] = {"end=0", "=", "[", "[0]=", "A[", "A[0",
		"A[0]", "A[0]=", "file=", "status=", "end=", "end=x", "A[-1]=x",
		"A[0x1]=x", "MAKE[4095]=x", "BUILT_MODULE_NAME[4096]=x", "\r", "A[0]=\r",
		"0[0]=x"};
	_cleanup_(str_done) struct str good = {0};
	unsigned int seed = 1;
	struct world w;
	int failed = 0, silent = 0;

	world_init(&w, "many.conf");
	world_run(&w);
	str_add_bytes(&good, w.outcome.out.data, w.outcome.out.len);
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
		parse_bytes(&w, reports[i], strlen(reports[i]) + i % 2);
	for (size_t n = 0; n < good.len; n++) {
		parse_bytes(&w, good.data, n);
		failed += w.err.status != 0;
	}
	is_int(failed, (long)good.len, "a truncated report is never accepted");
	for (int i = 0; i < 2000; i++) {
		_cleanup_free_ char *bytes = xcalloc(good.len, 1);

		memcpy(bytes, good.data, good.len);
		for (int j = 0; j < 1 + i % 8; j++) {
			seed = seed * 1103515245 + 12345;
			bytes[(seed >> 8) % good.len] = (char)(seed >> 16);
		}
		parse_bytes(&w, bytes, good.len);
		silent += !w.err.status && !w.conf;
	}
	is_int(silent, 0, "randomly changed bytes give a conf or an error");
	world_done(&w);
}

int main(void)
{
	test_files();
	test_corpus();
	test_leak();
	test_environment();
	test_overrides();
	test_bash_messages();
	test_circumstances();
	test_no_config();
	test_make_command();
	test_install_dir();
	test_module_files();
	test_garbage();
	return done_testing();
}
