/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which packages and tools does this machine have? */
#include "config.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/host/inventory.h"

/* A larger file is not read (bytes). Real ones are much smaller. */
#define FILE_MAX (256 * 1024 * 1024)

/* Packages */

/* Tells whether a package does not count: those with kernels, modules or dkms are hidden
 * from builds, or other parts of the key cover them. */
static bool is_ignored_package(const char *name)
{
	static const char *const patterns[] = {"linux-image-*", "linux-headers-*",
		"linux-modules-*", "linux-kbuild-*", "linux-binary-*", "linux-base*",
		"linux-perf*", "firmware-*", "*-dkms", "dkms", "kernel", "kernel-*"};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

/* Returns the value of a field in a stanza of dpkg's status file, and its length up to
 * the end of the line. Returns "" if there is no such field. */
static const char *find_field(
	const char *stanza, const char *end, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	for (const char *line = stanza; line < end;) {
		const char *next = memchr(line, '\n', (size_t)(end - line));

		if (!next)
			next = end;
		if (strncmp(line, name, n) == 0 && line[n] == ':') {
			line += n + 1;
			line += *line == ' ';
			*ret_len = (size_t)(next - line);
			return line;
		}
		line = next + 1;
	}
	*ret_len = 0;
	return "";
}

static void add_package(const char *stanza, const char *end, struct str *ret)
{
	size_t name_len, status_len, version_len, arch_len;
	const char *name = find_field(stanza, end, "Package", &name_len);
	const char *status = find_field(stanza, end, "Status", &status_len);
	const char *version = find_field(stanza, end, "Version", &version_len);
	const char *arch = find_field(stanza, end, "Architecture", &arch_len);
	_cleanup_free_ char *copy = xstrndup(name, name_len);

	if (is_ignored_package(copy) || status_len < 10 ||
		memcmp(status + status_len - 10, " installed", 10) != 0)
		return;
	str_addf(ret, "package:%s %.*s %.*s\n", copy, (int)version_len, version,
		(int)arch_len, arch);
}

static void add_dpkg_packages(struct str *ret)
{
	_cleanup_(str_done) struct str text = {0};

	if (file_read("/var/lib/dpkg/status", FILE_MAX, &text, NULL) < 0)
		return;
	for (const char *at = text.data; at && *at;) {
		const char *end = strstr(at, "\n\n");

		if (!end)
			end = text.data + text.len;
		add_package(at, end, ret);
		at = end + strspn(end, "\n");
	}
}

/* For other package managers: adds the digest of the database, or the names in the
 * directory, which change with each installed package. */
static void add_package_database(struct str *ret)
{
	static const char *const files[] = {"/usr/lib/sysimage/rpm/rpmdb.sqlite",
		"/usr/lib/sysimage/rpm/Packages.db", "/var/lib/rpm/rpmdb.sqlite",
		"/var/lib/rpm/Packages", "/var/lib/rpm/Packages.db",
		"/lib/apk/db/installed"};
	_cleanup_(strv_done) struct strv names = {0};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_close_ int fd = open(files[i], O_RDONLY | O_CLOEXEC);
		char hex[DIGEST_HEX];
		struct digest digest;

		if (fd < 0 || digest_fd(fd, &digest) < 0)
			continue;
		digest_hex(&digest, hex);
		str_addf(ret, "packages:%s %s\n", files[i], hex);
	}
	if (dir_list("/var/lib/pacman/local", &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		str_addf(ret, "package:%s\n", names.items[i]);
}

/* Adds what -march=native and uname(1) depend on. */
static void add_machine(struct str *ret)
{
	static const char *const fields[] = {"vendor_id", "cpu family", "model\t",
		"flags", "Features", "CPU implementer", "CPU part", "isa", "cpu\t"};
	_cleanup_(str_done) struct str text = {0};
	struct utsname names;
	char *line, *rest;

	if (uname(&names) == 0)
		str_addf(ret, "running-kernel %s %s %s\ndomain %s\n", names.release,
			names.version, names.machine, names.domainname);
	if (file_read("/proc/cpuinfo", FILE_MAX, &text, NULL) < 0)
		return;
	rest = text.data;
	while ((line = strsep(&rest, "\n")) && *line)
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			if (has_prefix(line, fields[i])) {
				str_add(ret, "processor:");
				str_add_bytes(ret, line, strcspn(line, " \t"));
				str_add(ret, " ");
				listing_add_escaped(ret, line);
				str_add(ret, "\n");
			}
}

void inventory_add_system(struct str *ret)
{
	add_dpkg_packages(ret);
	add_package_database(ret);
	add_machine(ret);
}

/* Tools */

/* The names of tools that builds of modules run. Each pattern that begins with a star
 * also contains a dash: is_tool() relies on that. */
static const char *const tools[] = {"gcc", "gcc-[0-9]*", "*-gcc", "*-gcc-[0-9]*", "cc",
	"c++", "g++", "clang", "clang-[0-9]*", "ccache", "sccache", "distcc", "icecc",
	"rustc", "bindgen", "as", "*-as", "ld", "ld.*", "*-ld", "ld.lld-[0-9]*", "ar",
	"*-ar", "nm", "*-nm", "strip", "*-strip", "objcopy", "*-objcopy", "objdump",
	"*-objdump", "readelf", "*-readelf", "llvm-*", "make", "gmake", "cmake", "bash",
	"sh", "dash", "awk", "gawk", "mawk", "sed", "grep", "perl", "python", "python3",
	"patch", "pahole", "bc", "flex", "bison", "m4", "pkg-config", "autoconf",
	"automake", "libtool", "env", "sparse", "depmod", "modinfo", NULL};

static bool is_tool(const char *name, const struct strv *words)
{
	bool has_dash = strchr(name, '-');

	/* There are thousands of names, so fnmatch() is called only where the first
	 * character can match. */
	for (const char *const *t = tools; *t; t++)
		if ((**t == *name || (**t == '*' && has_dash)) &&
			fnmatch(*t, name, 0) == 0)
			return true;
	return strv_contains(words, name);
}

static void add_tool(struct statcache *stats, const char *path, struct str *ret)
{
	struct digest digest;
	char hex[DIGEST_HEX];
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111) ||
		statcache_digest(stats, AT_FDCWD, path, &st, &digest) < 0)
		return;
	digest_hex(&digest, hex);
	listing_add_escaped(ret, path);
	str_addf(ret, " %s\n", hex);
}

/* Adds the tools of one directory. A tool counts even if an earlier directory has one of
 * the same name, because that may be a wrapper which runs this one. */
static void add_tools_in(struct statcache *stats, const char *dir,
	const struct strv *words, struct str *ret)
{
	_cleanup_(strv_done) struct strv names = {0};

	if (dir_list(dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);

		if (is_tool(names.items[i], words))
			add_tool(stats, path, ret);
	}
}

/* Adds the programs that compilers run internally. */
static void add_compiler_internals(struct statcache *stats, struct str *ret)
{
	static const char *const patterns[] = {"/usr/lib/gcc/*/*/cc1",
		"/usr/lib/gcc/*/*/collect2", "/usr/libexec/gcc/*/*/cc1",
		"/usr/libexec/gcc/*/*/collect2", "/usr/lib/llvm-*/bin/clang",
		"/usr/lib/llvm-*/bin/lld"};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++)
			add_tool(stats, found.gl_pathv[j], ret);
		globfree(&found);
	}
}

void inventory_add_tools(struct statcache *stats, const struct strv *path,
	const struct strv *words, struct str *ret)
{
	for (size_t i = 0; i < path->n; i++)
		add_tools_in(stats, path->items[i], words, ret);
	for (size_t i = 0; i < words->n; i++)
		if (*words->items[i] == '/')
			add_tool(stats, words->items[i], ret);
	add_compiler_internals(stats, ret);
}
