/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of installed packages of small systems below a directory. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/packages.h"
#include "tests/unit/tap.h"

static char root[] = "/tmp/dkms-test-XXXXXX";

static void write_file(const char *path, const char *text)
{
	char *full = xasprintf("%s%s", root, path), *parent = path_parent(full);

	dir_make(parent, NULL);
	if (file_write(full, text, strlen(text), 0755, NULL) < 0)
		ok(false, "write %s", full);
	free(parent);
	free(full);
}

static void remove_all(void)
{
	char *full = xasprintf("%s/var", root);

	dir_remove(full, NULL);
	free(full);
	full = xasprintf("%s/lib", root);
	dir_remove(full, NULL);
	free(full);
	unsetenv("PATH");
}

static void is_list(const char *want, const char *what)
{
	struct error err = {0};
	struct str s = {0};
	int r = packages_list(root, &s, &err);

	ok(r == 0 && !err.what, "%s: %s", what, err.what ? err.what : "no error");
	is(s.data ? s.data : "", want, what);
	error_done(&err);
	str_done(&s);
}

static const char status[] =
	"Package: zlib\nStatus: install ok installed\nArchitecture: amd64\n"
	"Multi-Arch: same\nVersion: 1.2\nDescription: x\n Package: not-this\n .\n y\n\n"
	"Package: zlib\nStatus: install ok installed\nArchitecture: i386\n"
	"Multi-Arch: same\nVersion: 1.2\n\n"
	"Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\n"
	"Version: 1\n\n"
	"Package: purged\nStatus: purge ok not-installed\nArchitecture: all\n\n"
	"Package: make\nStatus: install ok installed\nVersion: 4.3\n"
	"Architecture: amd64\n\n"
	"Package: m-dkms\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
	"Package: linux-headers-6.1\nStatus: install ok installed\nVersion: 6.1\n"
	"Architecture: amd64\n";

#define OTHERS "package:zlib:amd64 1.2\npackage:zlib:i386 1.2\n"

static void test_dpkg(void)
{
	static const char *const states[] = {"installed", "unpacked", "half-configured",
		"half-installed", "triggers-awaited", "triggers-pending"};

	write_file("/var/lib/dpkg/status", "");
	is_list("", "dpkg: an empty database");
	write_file("/var/lib/dpkg/status", status);
	is_list("package:make:amd64 4.3\n" OTHERS,
		"dpkg: packages with files, sorted, without those of kernels and modules");
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		char *text = xasprintf("Package: a\nStatus: install reinstreq %s\n"
				       "Version: 1:2-3\nArchitecture: all\n",
			states[i]);

		write_file("/var/lib/dpkg/status", text);
		is_list("package:a:all 1:2-3\n", states[i]);
		free(text);
	}
}

static void test_dpkg_updates(void)
{
	write_file("/var/lib/dpkg/status", status);
	write_file("/var/lib/dpkg/updates/0000",
		"Package: make\nStatus: install reinstreq half-installed\n"
		"Architecture: amd64\nVersion: 4.3\n");
	is_list("package:make:amd64 4.3\n" OTHERS, "dpkg: an upgrade begins");
	write_file("/var/lib/dpkg/updates/0001",
		"Package: make\nStatus: install ok unpacked\nArchitecture: amd64\n"
		"Version: 4.4\nConfig-Version: 4.3\n");
	is_list("package:make:amd64 4.4\n" OTHERS, "dpkg: the new version is unpacked");
	write_file("/var/lib/dpkg/updates/0002",
		"Package: new\nStatus: install ok unpacked\nArchitecture: all\n"
		"Version: 1\n");
	write_file("/var/lib/dpkg/updates/tmp.i", "Package: tmp\nStatus: install ok "
						  "installed\nVersion: 1\n#padded\n");
	is_list("package:make:amd64 4.4\npackage:new:all 1\n" OTHERS,
		"dpkg: a new package; a file that is being written does not count");
	write_file("/var/lib/dpkg/updates/0003",
		"Package: zlib\nStatus: deinstall ok config-files\nArchitecture: i386\n"
		"Multi-Arch: same\nVersion: 1.2\n");
	is_list("package:make:amd64 4.4\npackage:new:all 1\npackage:zlib:amd64 1.2\n",
		"dpkg: one architecture of a package is removed");
	write_file("/var/lib/dpkg/updates/0004",
		"Package: make\nStatus: install ok installed\nArchitecture: arm64\n"
		"Version: 4.4\n");
	is_list("package:make:arm64 4.4\npackage:new:all 1\npackage:zlib:amd64 1.2\n",
		"dpkg: a package is replaced by that of another architecture");
	write_file("/var/lib/dpkg/updates/0010", "Package: make\n");
	is_list("package:new:all 1\npackage:zlib:amd64 1.2\n",
		"dpkg: a stanza that says no more than a name is of no installed package");
	remove_all();
}

static void test_unreadable(void)
{
	struct error err = {0};
	struct str s = {0};

	write_file("/var/lib/dpkg/status/x", "");
	is_int(packages_list(root, &s, &err), -EISDIR, "an unreadable database is an error");
	ok(err.what && strstr(err.what, "/var/lib/dpkg/status"), "it names the file: %s",
		err.what ? err.what : "");
	error_done(&err);
	str_done(&s);
	remove_all();
}

/* With a script in place of rpm: what it prints is what rpm 4.18 prints. */
static void test_rpm(void)
{
	struct error err = {0};
	struct str s = {0};
	char *path = xasprintf("%s/bin", root);

	write_file("/var/lib/rpm/rpmdb.sqlite", "one");
	setenv("PATH", "/no/such/dir", 1);
	is_int(packages_list(root, &s, &err), -ENOENT, "rpm: missing");
	ok(err.what && strstr(err.what, "/var/lib/rpm/rpmdb.sqlite"),
		"it names the database: %s", err.what ? err.what : "");
	error_done(&err);
	str_done(&s);
	write_file("/bin/rpm",
		"#!/bin/sh\n[ \"$1 $3 $LC_ALL\" = '--root -qa C' ] || exit 1\n"
		"echo 'zlib x86_64 (none):1.2-3.fc41'\n"
		"echo 'kernel-core x86_64 (none):6.11-1'\n"
		"echo 'gpg-pubkey (none) (none):e99d6ad1-64d2612c'\n"
		"echo 'bash x86_64 1:5.2-1.fc41'\n"
		"echo 'glibc i686 (none):2.40-1'\necho 'glibc x86_64 (none):2.40-1'\n");
	setenv("PATH", path, 1);
	is_list("package:bash:x86_64 1:5.2-1.fc41\npackage:glibc:i686 (none):2.40-1\n"
		"package:glibc:x86_64 (none):2.40-1\npackage:zlib:x86_64 (none):1.2-3.fc41\n",
		"rpm: sorted, without keys and kernels");
	write_file("/var/lib/rpm/rpmdb.sqlite", "two");
	is_list("package:bash:x86_64 1:5.2-1.fc41\npackage:glibc:i686 (none):2.40-1\n"
		"package:glibc:x86_64 (none):2.40-1\npackage:zlib:x86_64 (none):1.2-3.fc41\n",
		"rpm: the bytes of its database do not matter");
	write_file("/bin/rpm", "#!/bin/sh\necho 'zlib x86_64 1'\nexit 1\n");
	is_int(packages_list(root, &s, NULL), -EIO, "rpm: fails");
	setenv("PATH", "/no/such/dir", 1);
	write_file("/var/lib/dpkg/status", status);
	is_list("package:make:amd64 4.3\n" OTHERS,
		"rpm: its database without rpm, beside that of dpkg");
	str_done(&s);
	free(path);
	remove_all();
}

static void test_pacman_and_apk(void)
{
	write_file("/var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
	write_file("/var/lib/pacman/local/xz-5.6.2-1/desc", "");
	write_file("/var/lib/pacman/local/gcc-libs-14.1.1+r58-1/desc", "");
	write_file("/var/lib/pacman/local/evdi-dkms-1.14.5-1/desc", "");
	is_list("package:gcc-libs 14.1.1+r58-1\npackage:xz 5.6.2-1\n", "pacman");
	remove_all();
	write_file("/lib/apk/db/installed",
		"C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:P:x\n\n"
		"P:busybox\nV:1.36.1-r29\nA:x86_64\n\nP:linux-headers-x\nV:1\nA:x86_64\n");
	is_list("package:busybox:x86_64 1.36.1-r29\npackage:musl:x86_64 1.2.5-r0\n", "apk");
	remove_all();
	is_list("", "no package manager");
}

int main(void)
{
	if (!mkdtemp(root))
		abort();
	test_dpkg();
	test_dpkg_updates();
	test_unreadable();
	test_rpm();
	test_pacman_and_apk();
	dir_remove(root, NULL);
	return done_testing();
}
