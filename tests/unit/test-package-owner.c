/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "builder/host/package-owner.h"
#include "tests/unit/tap.h"

static char root[] = "/tmp/dkms-test.XXXXXX";

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(root, name);
	_cleanup_free_ char *dir = path_parent(path);

	if (dir_make(dir, NULL) < 0 || file_write(path, text, strlen(text), 0644, NULL) < 0)
		abort();
}

static const struct {
	const char *path, *owner, *what;
} cases[] = {
	{"/usr/bin/make", "make 4.3-4.1 amd64", "a file"},
	{"/usr/bin/mak", NULL, "the beginning of a path"},
	{"/usr/bin/make/", NULL, "a path with a slash at its end"},
	{"/usr/bin/no package", NULL, "a file of no package"},
	{"/usr/share/a b/\xc3\xa9", "odd 1:2~3 all", "a path with blanks and letters"},
	{"/lib/x86_64-linux-gnu/libc.so.6", "libc6 2.36-9 amd64",
		"a package of which two architectures are installed"},
	{"/lib/i386-linux-gnu/libc.so.6", "libc6 2.36-8 i386", "its other architecture"},
	{"/usr/lib/x86_64-linux-gnu/libc.so.6", "libc6 2.36-9 amd64",
		"the list has /lib, and the path /usr/lib"},
	{"/lib/gcc/cc1", "cpp-12 12.2.0-14 amd64",
		"the list has /usr/lib, and the path /lib"},
	{"/usr/bin/sh", "dash 0.5.12-2 amd64", "the file of the package that diverts"},
	{"/usr/bin/sh.distrib", "bash 5.2.15-2 amd64", "the file that it diverts"},
	{"/bin/tool", NULL, "a file that the administrator diverts"},
	{"/bin/tool.real", "make 4.3-4.1 amd64", "where the administrator diverts it to"},
	{"/sbin/only-root", "odd 1:2~3 all", "a directory that is not merged with /usr"},
	{"/usr/sbin/only-root", NULL, "its counterpart below /usr"},
	{"/usr/bin/left", NULL, "a package of which only the configuration is left"},
	{"/usr/bin/half", "half 3 amd64", "a package that is being installed"},
	{"/usr/bin/both", "aaa 1 all", "a file of two packages: of the first"},
	{"/usr/bin/make", "make 4.3-4.1 amd64", "the same path a second time"},
	{"", NULL, "no path"},
};

static void make_system(void)
{
	static const char *const links[] = {"bin", "lib"};

	put("usr/sbin/file", "");
	put("sbin/only-root", "");
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		_cleanup_free_ char *path = path_join(root, links[i]);
		_cleanup_free_ char *target = xasprintf("usr/%s", links[i]);

		if (symlink(target, path) < 0)
			abort();
	}
	put("var/lib/dpkg/info/make.list", "/.\n/usr\n/usr/bin\n/usr/bin/make\n/bin/tool\n");
	put("var/lib/dpkg/info/make.md5sums", "/usr/bin/no package\n");
	put("var/lib/dpkg/info/odd.list", "/usr/share/a b/\xc3\xa9\n/sbin/only-root\n");
	put("var/lib/dpkg/info/libc6:amd64.list", "/lib/x86_64-linux-gnu/libc.so.6\n");
	put("var/lib/dpkg/info/libc6:i386.list", "/lib/i386-linux-gnu/libc.so.6\n");
	put("var/lib/dpkg/info/cpp-12.list", "/usr/lib/gcc/cc1");
	put("var/lib/dpkg/info/bash.list", "/bin/sh\n/bin/bash\n");
	put("var/lib/dpkg/info/dash.list", "/bin/sh\n");
	put("var/lib/dpkg/info/left.list", "/usr/bin/left\n");
	put("var/lib/dpkg/info/half.list", "/usr/bin/half\n");
	put("var/lib/dpkg/info/aaa.list", "/usr/bin/both\n");
	put("var/lib/dpkg/info/bbb.list", "/usr/bin/both\n");
	put("var/lib/dpkg/diversions",
		"/bin/sh\n/bin/sh.distrib\ndash\n/bin/tool\n/usr/bin/tool.real\n:\n");
	put("var/lib/dpkg/status",
		"Package: make\nStatus: install ok installed\nArchitecture: amd64\n"
		"Version: 4.3-4.1\nDescription: x\n Version: 9\n\n"
		"Package: libc6\nStatus: install ok installed\nArchitecture: i386\n"
		"Multi-Arch: same\nVersion: 2.36-8\n\n"
		"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n"
		"Multi-Arch: same\nVersion: 2.36-9\n\n"
		"Package: odd\nStatus: install ok installed\nArchitecture: all\n"
		"Version: 1:2~3\n\n"
		"Package: cpp-12\nStatus: install ok installed\nArchitecture: amd64\n"
		"Version: 12.2.0-14\n\n"
		"Package: bash\nVersion: 5.2.15-2\nStatus: hold ok installed\n"
		"Architecture: amd64\n\n"
		"Package: left\nStatus: deinstall ok config-files\nVersion: 2\n"
		"Architecture: amd64\n\n"
		"Package: half\nStatus: install ok half-configured\nVersion: 3\n"
		"Architecture: amd64\n\n"
		"Package: aaa\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
		"Package: bbb\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
		"Package: dash\nVersion: 0.5.12-2\nStatus: install ok installed\n"
		"Architecture: amd64\n");
}

static void free_all(char **owners, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(owners[i]);
}

int main(void)
{
	_cleanup_(strv_done) struct strv paths = {0};
	char *owners[ARRAY_SIZE(cases)];

	if (!mkdtemp(root))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		strv_push(&paths, cases[i].path);
	package_owners(root, &paths, owners);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is(owners[i], NULL, "without a package manager, a file is of no package");
	make_system();
	package_owners(root, &paths, owners);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is(owners[i], cases[i].owner, cases[i].what);
	free_all(owners, ARRAY_SIZE(cases));
	put("var/lib/dpkg/status", "");
	put("var/lib/dpkg/diversions", "/usr/bin/make\n/usr/bin/make.x");
	package_owners(root, &paths, owners);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is(owners[i], NULL, "a package without a stanza has no version");
	dir_remove(root, NULL);
	return done_testing();
}
