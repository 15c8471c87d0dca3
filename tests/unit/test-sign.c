/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "base/file.h"
#include "builder/host/signer.h"
#include "builder/module/signature.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/dkms-test-XXXXXX";

/* Writes a file below dir and makes the directories above it. Returns its path; caller
 * frees. */
static char *write_file(const char *name, const char *text, mode_t mode)
{
	char *path = path_join(dir, name);
	_cleanup_free_ char *parent = xstrndup(path, (size_t)(path_base(path) - path));

	dir_make(parent, NULL);
	file_write(path, text, strlen(text), mode, NULL);
	return path;
}

static void make_program(const char *name)
{
	free(write_file(name, "#!/bin/sh\n", 0755));
}

static struct kernel *kernel_of(struct settings *s, const char *release, const char *config)
{
	_cleanup_free_ char *headers = path_join(dir, "headers");
	_cleanup_free_ char *path = write_file("headers/.config", config, 0644);

	str_replace(&s->kernel.source_dir, headers);
	str_replace(&s->kernel.config, path);
	return kernel_new(s, release, "x86_64");
}

/* Returns the path below dir of the program that is found, or "none" and the error. */
static const char *find(struct settings *s, const char *release, struct error *err)
{
	static char name[512];
	_cleanup_free_ char *bin = path_join(dir, "bin");
	_cleanup_free_ char *tool = NULL;
	struct kernel *k = kernel_of(s, release, "CONFIG_X=y\n");

	error_done(err);
	if (signer_find_program(s, k, dir, bin, &tool, err) < 0)
		snprintf(name, sizeof(name), "none");
	else
		snprintf(name, sizeof(name), "%s",
			has_prefix(tool, dir) ? tool + strlen(dir) + 1 : tool);
	kernel_free(k);
	return name;
}

static void test_tool(void)
{
	const char *debian = "6.1.0-56-amd64", *ubuntu = "6.8.0-60-generic";
	_cleanup_(error_done) struct error err = {0};
	struct settings s;

	settings_init(&s);
	s.distro = DISTRO_DEBIAN;
	is(find(&s, debian, &err), "none", "no signing program exists");
	ok(err.what && has_suffix(err.what, "headers/scripts/sign-file is missing"),
		"the error names the last place: %s", err.what);
	make_program("headers/scripts/sign-file");
	is(find(&s, debian, &err), "headers/scripts/sign-file", "compat 5: HEADERS/scripts");
	make_program("usr/lib/linux-kbuild-6.1/scripts/sign-file");
	is(find(&s, debian, &err), "usr/lib/linux-kbuild-6.1/scripts/sign-file",
		"compat 5: Debian: linux-kbuild-MAJOR.MINOR");
	is(find(&s, "6.12.117+deb12-amd64", &err), "headers/scripts/sign-file",
		"compat 5: linux-kbuild only of the kernel's series");
	make_program("usr/lib/linux-kbuild-6.12/scripts/sign-file");
	is(find(&s, "6.12.117+deb12-amd64", &err), "usr/lib/linux-kbuild-6.12/scripts/sign-file",
		"compat 5: a series with two digits");
	s.distro = DISTRO_FEDORA;
	is(find(&s, debian, &err), "headers/scripts/sign-file",
		"compat 5: no linux-kbuild on other distributions");
	s.distro = DISTRO_UBUNTU;
	is(find(&s, ubuntu, &err), "headers/scripts/sign-file", "compat 5: Ubuntu: the headers");
	make_program("usr/src/linux-headers-6.8.0-60-generic/scripts/sign-file");
	is(find(&s, ubuntu, &err), "usr/src/linux-headers-6.8.0-60-generic/scripts/sign-file",
		"compat 5: Ubuntu: the headers in /usr/src come first");
	make_program("bin/kmodsign");
	is(find(&s, ubuntu, &err), "bin/kmodsign",
		"compat 5: Ubuntu: kmodsign comes before all others");
	s.distro = DISTRO_GENTOO;
	make_program("usr/src/linux-6.6.13-gentoo/scripts/sign-file");
	is(find(&s, "6.6.13-gentoo", &err), "usr/src/linux-6.6.13-gentoo/scripts/sign-file",
		"compat 5: Gentoo: /usr/src/linux-KVER");
	s.signing.program = xasprintf("%s/own/$kernelver/${kernelver}.sh", dir);
	is(find(&s, "6.6", &err), "none",
		"compat 5: sign_file is used even when it is missing");
	ok(err.what && has_suffix(err.what, "own/6.6/6.6.sh is missing"),
		"compat 11.14: it is evaluated per kernel: %s", err.what);
	free(write_file("own/6.6/6.6.sh", "", 0644));
	is(find(&s, "6.6", &err), "none", "sign_file must be executable");
	ok(err.what && has_suffix(err.what, "is not executable"), "the error says so");
	make_program("own/6.7/6.7.sh");
	is(find(&s, "6.7", &err), "own/6.7/6.7.sh", "an executable sign_file is used");
	settings_done(&s);
}

static void test_wanted(void)
{
	static const struct {
		const char *mode, *config;
		bool chroot, wanted;
		const char *what;
	} cases[] = {
		{NULL, "CONFIG_MODULE_SIG_HASH=\"sha256\"\n", false, true, "by default"},
		{NULL, "CONFIG_MODULE_SIG_HASH=sha512\n", false, true, "without quotes"},
		{NULL, "CONFIG_MODULE_SIG_HASH=\"\"\n", false, false, "an empty hash"},
		{NULL, "CONFIG_MODULE_SIG=y\n", false, false, "no CONFIG_MODULE_SIG_HASH"},
		{NULL, "CONFIG_MODULE_SIG_HASH=sha512\n", true, false, "default, in a chroot"},
		{"not_in_chroot", "CONFIG_MODULE_SIG_HASH=sha1\n", false, true, "not_in_chroot"},
		{"not_in_chroot", "CONFIG_MODULE_SIG_HASH=sha1\n", true, false, "and in one"},
		{"true", "CONFIG_MODULE_SIG_HASH=sha1\n", true, true, "true, in a chroot"},
		{"true", "CONFIG_X=y\n", false, false, "true, without the hash"},
		{"false", "CONFIG_MODULE_SIG_HASH=sha1\n", false, false, "false"},
	};
	_cleanup_free_ char *inside = path_join(dir, "nothing");
	_cleanup_free_ char *outside = path_join(dir, "outside");
	_cleanup_free_ char *self = path_join(dir, "outside/self");

	dir_make(self, NULL); /* but no process 1 */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct settings s;
		struct kernel *k;

		settings_init(&s);
		s.signing.when = xstrdup(cases[i].mode);
		k = kernel_of(&s, "6.1", cases[i].config);
		is_int(!signer_unwanted_reason(&s, k, cases[i].chroot ? inside : outside),
			cases[i].wanted, cases[i].what);
		kernel_free(k);
		settings_done(&s);
	}
}

/* A /proc whose processes have the same root and namespace, or not. */
static void test_chroot(void)
{
	_cleanup_free_ char *proc = path_join(dir, "proc");
	_cleanup_free_ char *own = write_file("proc/self/ns/mnt", "", 0644);
	_cleanup_free_ char *one = write_file("proc/1/ns/mnt", "", 0644);
	_cleanup_free_ char *root = path_join(dir, "proc/1/root");
	_cleanup_free_ char *own_root = path_join(dir, "proc/self/root");
	_cleanup_free_ char *nothing = path_join(dir, "nothing");
	struct settings s;

	settings_init(&s);
	link_write(root, "/", NULL);
	link_write(own_root, "/", NULL);
	ok(signer_is_in_chroot(proc), "compat 11.14: another mount namespace is a chroot");
	unlink(one);
	if (link(own, one) < 0)
		ok(false, "a link");
	ok(!signer_is_in_chroot(proc), "the same root and namespace are no chroot");
	ok(signer_may_make_key(&s, proc), "a key may be made there");
	link_write(root, "/usr", NULL);
	ok(signer_is_in_chroot(proc), "compat 11.14: another root is a chroot");
	unlink(root);
	unlink(one);
	ok(!signer_is_in_chroot(proc), "an unreadable root is no chroot");
	ok(signer_is_in_chroot(nothing), "without /proc it is a chroot");
	if (geteuid() == 0) {
		ok(!signer_may_make_key(&s, proc), "an unreadable root may be that of an image");
		ok(!signer_may_make_key(&s, nothing), "so may one without /proc");
	}
	s.signing.when = xstrdup("not_in_chroot");
	is_int(signer_may_make_key(&s, proc), geteuid() != 0, "that is the default");
	str_replace(&s.signing.when, "true");
	ok(signer_may_make_key(&s, proc), "try_sign_modules=true asks for a key");
	settings_done(&s);
}

static void test_signed(void)
{
	_cleanup_free_ char *with =
		write_file("with.ko", "ELF~Module signature appended~\n", 0644);
	_cleanup_free_ char *without = write_file("without.ko", "ELF", 0644);
	_cleanup_free_ char *nothing = path_join(dir, "nothing.ko");

	ok(signature_is_appended(with), "a file with a signature");
	ok(!signature_is_appended(without), "a file without a signature");
	ok(!signature_is_appended(nothing), "a missing file");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_tool();
	test_wanted();
	test_chroot();
	test_signed();
	dir_remove(dir, NULL);
	return done_testing();
}
