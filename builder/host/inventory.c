/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processor, kernel and tools does this machine have? */
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
#define FILE_MAX (16 * 1024 * 1024)

void inventory_add_processor(struct str *ret)
{
	static const char *const fields[] = {"vendor_id", "cpu family", "model\t",
		"flags", "Features", "CPU implementer", "CPU part", "isa", "cpu\t"};
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;

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

void inventory_add_running_kernel(struct str *ret)
{
	struct utsname names;

	if (uname(&names) == 0)
		str_addf(ret, "running-kernel %s %s %s\ndomain %s\n", names.release,
			names.version, names.machine, names.domainname);
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

/* Adds a line for a directory, so that the text names all that it was made from. */
static void add_dir(const char *path, struct str *ret)
{
	listing_add_escaped(ret, path);
	str_add(ret, path_is_dir(path) ? " dir\n" : " missing\n");
}

static void add_tool(struct statcache *stats, const char *path, struct str *ret)
{
	struct digest digest;
	char hex[DIGEST_HEX];
	struct stat st;

	listing_add_escaped(ret, path);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111) ||
		statcache_digest(stats, AT_FDCWD, path, &st, &digest) < 0) {
		str_add(ret, " unusable\n");
		return;
	}
	digest_hex(&digest, hex);
	str_addf(ret, " %s\n", hex);
}

/* Adds the tools of one directory. A tool counts even if an earlier directory has one of
 * the same name, because that may be a wrapper which runs this one. */
static void add_tools_in(struct statcache *stats, const char *dir,
	const struct strv *words, struct str *ret)
{
	_cleanup_(strv_done) struct strv names = {0};

	add_dir(dir, ret);
	if (dir_list(dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);

		if (is_tool(names.items[i], words))
			add_tool(stats, path, ret);
	}
}

/* Calls add_dir() or add_tool() for each path that matches the pattern. */
static void add_matches(struct statcache *stats, const char *pattern, struct str *ret)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (path_is_dir(found.gl_pathv[i]))
			add_dir(found.gl_pathv[i], ret);
		else
			add_tool(stats, found.gl_pathv[i], ret);
	}
	globfree(&found);
}

/* Adds the programs that compilers run internally, and the directories that they are in. */
static void add_compiler_internals(struct statcache *stats, struct str *ret)
{
	static const char *const patterns[] = {"/usr/lib/gcc/*", "/usr/lib/gcc/*/*",
		"/usr/lib/gcc/*/*/cc1", "/usr/lib/gcc/*/*/collect2",
		"/usr/libexec/gcc/*", "/usr/libexec/gcc/*/*",
		"/usr/libexec/gcc/*/*/cc1", "/usr/libexec/gcc/*/*/collect2",
		"/usr/lib/llvm-*/bin", "/usr/lib/llvm-*/bin/clang",
		"/usr/lib/llvm-*/bin/lld"};

	add_dir("/usr/lib", ret);
	add_dir("/usr/lib/gcc", ret);
	add_dir("/usr/libexec", ret);
	add_dir("/usr/libexec/gcc", ret);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		add_matches(stats, patterns[i], ret);
}

void inventory_add_tools(struct statcache *stats, const struct strv *path,
	const struct strv *words, struct str *ret)
{
	for (size_t i = 0; i < path->n; i++)
		add_tools_in(stats, path->items[i], words, ret);
	for (size_t i = 0; i < words->n; i++)
		if (*words->items[i] == '/' && path_is_program(words->items[i]))
			add_tool(stats, words->items[i], ret);
	add_compiler_internals(stats, ret);
}
