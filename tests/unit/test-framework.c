/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/conf/framework.h"
#include "tests/unit/run.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/dkms-test-XXXXXX";

static void write_text(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name);

	file_write(path, text, strlen(text), 0644, NULL);
}

static void start(struct settings *s)
{
	_cleanup_free_ char *parts = path_join(dir, "framework.conf.d");

	settings_init(s);
	str_replace(&s->config_dir, dir);
	/* Without this the setting of the real system would be read. */
	str_replace(&s->addon_modules_dir, "none");
	dir_remove(dir, NULL);
	dir_make(parts, NULL);
}

/* Returns the result of framework_parse(), or 1 if bash was not needed. */
static int evaluate(
	struct settings *s, const char *release, struct outcome *o, struct error *err)
{
	struct command cmd;
	int r;

	command_init(&cmd);
	r = framework_fill_command(s, release, &cmd);
	if (r == 0) {
		command_done(&cmd);
		return 1;
	}
	run_command(&cmd, o);
	r = framework_parse(&cmd, o, s, err);
	command_done(&cmd);
	return r;
}

static void test_nothing(void)
{
	struct outcome o = {0};
	struct settings s;

	start(&s);
	is_int(evaluate(&s, NULL, &o, NULL), 1, "without files bash is not needed");
	is_int(s.limits.script_timeout_s, 3600, "a script may take an hour");
	is_int(s.limits.timeout_s, 6 * 3600, "a command of a build may take six");
	write_text("framework.conf", "# source_tree=/x\n\n \t\n  # verbose=1\r\n#");
	write_text("framework.conf.d/empty.conf", "");
	write_text("framework.conf.d/no.conf.bak", "verbose=1\n");
	write_text("framework.conf.d/.hidden.conf", "verbose=1\n");
	is_int(evaluate(&s, NULL, &o, NULL), 1, "with comments only, bash is not needed");
	write_text("framework.conf.d/b.conf", "\n:\n");
	is_int(evaluate(&s, NULL, &o, NULL), 0, "a command needs bash");
	is(s.trees.dkms, LOCALSTATEDIR "/lib/dkms",
		"a value that is not set keeps its default");
	ok(!s.verbose && !s.signing.program, "so do flags and strings");
	outcome_done(&o);
	settings_done(&s);
}

static void test_keys(void)
{
	struct outcome o = {0};
	struct settings s;

	start(&s);
	write_text("framework.conf",
		"source_tree=/s\ndkms_tree=/d\ninstall_tree=/i\ntmp_location=/t\n"
		"verbose=no\nsymlink_modules=1\nautoinstall_all_kernels=yes\n"
		"modprobe_on_install=true\ncontinue_on_error=0\nparallel_jobs=3\n"
		"compress_gzip_opts=-6\ncompress_xz_opts='--check=crc32  -6'\n"
		"compress_zstd_opts=\"-q -T0\"\nbuild_environment=/etc/e\n"
		"post_transaction='logger $kernelver'\ntry_sign_modules=true\n"
		"sign_file=\"/lib/modules/$kernelver/sign\"\n"
		"mok_signing_key=$dkms_tree/${kernelver}.key\n"
		"mok_certificate='/m/$kernelver.pub'\nADDON_MODULES_DIR=addon\n");
	is_int(evaluate(&s, NULL, &o, NULL), 0, "every key");
	is(s.trees.source, "/s", "compat 10: source_tree");
	is(s.trees.dkms, "/d", "compat 10: dkms_tree");
	is(s.trees.install, "/i", "compat 10: install_tree");
	is(s.tmp_location, "/t", "compat 10: tmp_location");
	ok(s.verbose && s.symlink_modules && s.autoinstall_all_kernels &&
			s.modprobe_on_install && s.continue_on_error,
		"compat 10: flags are on with any value");
	is_int(s.limits.slots, 3, "compat 10: parallel_jobs");
	is(s.compression.gzip_options, "-6", "compat 10: compress_gzip_opts");
	is(s.compression.xz_options, "--check=crc32  -6", "compat 10: compress_xz_opts");
	is(s.compression.zstd_options, "-q -T0", "compat 10: compress_zstd_opts");
	is(s.build_environment, "/etc/e", "compat 10: build_environment");
	is(s.post_transaction, "logger ${kernelver}", "compat 10: post_transaction");
	is(s.signing.when, "true", "compat 10: try_sign_modules");
	is(s.signing.program, "/lib/modules/${kernelver}/sign", "compat 10: sign_file");
	is(s.signing.key, "/d/${kernelver}.key", "compat 10: mok_signing_key");
	is(s.signing.certificate, "/m/${kernelver}.pub", "compat 10: mok_certificate");
	is(s.addon_modules_dir, "addon", "compat 4: ADDON_MODULES_DIR");
	outcome_done(&o);

	is_int(evaluate(&s, "6.1", &o, NULL), 0, "keys are expanded for one kernel");
	is(s.signing.program, "/lib/modules/6.1/sign",
		"compat 10: $kernelver in sign_file");
	is(s.signing.certificate, "/m/6.1.pub",
		"compat 10: $kernelver in mok_certificate");
	outcome_done(&o);
	settings_done(&s);
}

static void test_order(void)
{
	struct outcome o = {0};
	struct settings s;

	setenv("symlink_modules", "environment", 1);
	start(&s);
	write_text("framework.conf",
		"sign_file=main\nverbose=1\nmok_certificate=\"$dkms_tree\"\n"
		"source_tree=\nparallel_jobs=\n");
	write_text("framework.conf.d/20.conf", "sign_file+=20\nverbose=\n");
	write_text("framework.conf.d/10.conf", "sign_file+=10\n");
	write_text("framework.conf.d/A.conf",
		"sign_file+=A\necho dropped\necho shown >&2\n");
	is_int(evaluate(&s, NULL, &o, NULL), 0, "several files");
	is(s.signing.program, "main1020A",
		"compat 1: framework.conf.d/*.conf by name, after framework.conf");
	ok(!s.verbose, "a later file can unset");
	is(s.signing.certificate, LOCALSTATEDIR "/lib/dkms",
		"defaults can be used in the files");
	is(s.trees.source, "/usr/src", "an empty directory name is ignored");
	ok(s.limits.slots > 0, "an empty number is ignored");
	ok(!s.symlink_modules, "variables of the environment are ignored");
	is(o.err.data, "shown\n", "standard error is captured");
	outcome_done(&o);
	settings_done(&s);
	unsetenv("symlink_modules");
}

static void test_errors(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"parallel_jobs=many\n", "framework.conf: parallel_jobs is \"many\""},
		{"parallel_jobs=-1\n", "parallel_jobs is \"-1\""},
		{"parallel_jobs=4294967296\n", "parallel_jobs is \"4294967296\""},
		{"verbose=1\nexit 2\n", "framework.conf: line 2: exit 2"},
		{"verbose=1\nfi\n", "framework.conf: line 2: syntax error"},
	};
	struct settings s;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome o = {0};
		struct error err = {0};

		start(&s);
		write_text("framework.conf", cases[i].text);
		is_int(evaluate(&s, NULL, &o, &err), -EINVAL, cases[i].text);
		is_int(err.status, 8, "the exit status");
		ok(strstr(err.what, cases[i].want), "%s", err.what);
		ok(!s.verbose, "no setting is changed");
		error_done(&err);
		outcome_done(&o);
		settings_done(&s);
	}
}

/* What counts for one package only is ignored here, and told. */
static void test_misplaced(void)
{
	_cleanup_free_ char *want = xasprintf("%s/framework.conf:3: sandbox_write counts for one package "
		"only and is ignored here; set it in %s/NAME.conf", dir, dir);
	_cleanup_(strv_done) struct strv found = {0};
	struct settings s;

	start(&s);
	framework_list_misplaced(&s, &found);
	is_int((long)found.n, 0, "nothing is misplaced without files");
	write_text("framework.conf", "verbose=1\n# sandbox_write=/a\nsandbox_write=\"/srv/a\"\n"
				     "sandbox_writes=1; x=sandbox_write=\n");
	write_text("framework.conf.d/b.conf", "\texport  sandbox_write+=' /b'");
	framework_list_misplaced(&s, &found);
	is_int((long)found.n, 2, "two lines are misplaced");
	is(found.n ? found.items[0] : NULL, want, "the first is named");
	ok(found.n > 1 && strstr(found.items[1], "/framework.conf.d/b.conf:1: sandbox_write"),
		"so is the one in another file");
	settings_done(&s);
}

static void test_expand(void)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"/plain", "/plain"},
		{"$kernelver", "6.1"},
		{"/a/${kernelver}/b/$kernelver", "/a/6.1/b/6.1"},
		{"$", "$"},
		{"$$kernelver ${kernelve} ${", "$6.1 ${kernelve} ${"},
		{"$kernelversion", "$kernelversion"},
		{"$kernelver.key", "6.1.key"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got = settings_expand_kernelver(cases[i][0], "6.1");

		is(got, cases[i][1], cases[i][0]);
	}
}

int main(void)
{
	if (!mkdtemp(dir))
		abort();
	test_nothing();
	test_keys();
	test_order();
	test_errors();
	test_misplaced();
	test_expand();
	dir_remove(dir, NULL);
	return done_testing();
}
