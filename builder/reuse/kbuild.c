/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When do two kernels compile a source to the same object?
 *
 * kbuild writes the headers and the options that an object uses to its .cmd file, and
 * make compares the command line. Two more things can affect an object:
 *
 *   - What kbuild does with the object apart from this command line, such as computing
 *     symbol versions and running checks. So the two kernels must have the same scripts
 *     and tools of kbuild, and the same values of the options that these mention.
 *   - Headers that the compiler looked for and did not find. So the two kernels must have
 *     headers with the same names.
 *
 * This is the family of a kernel: a text with a line for each script, tool, header and
 * option. */
#include "config.h"

#include <errno.h>
#include <stdint.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/reuse/kbuild.h"

/* Larger than any of these files (bytes). */
#define FILE_MAX (16 * 1024 * 1024)

static bool is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* Options */

/* Appends "make:CONFIG_X VALUE" for a line CONFIG_X=VALUE, and "cpp:CONFIG_X VALUE" for a
 * line #define CONFIG_X VALUE. */
static void add_option_line(const char *line, struct str *ret)
{
	static const char define[] = "#define CONFIG_";
	const char *value;

	if (has_prefix(line, "CONFIG_") && (value = strchr(line, '='))) {
		str_add(ret, "make:");
		str_add_bytes(ret, line, (size_t)(value - line));
		str_add(ret, " ");
		str_add(ret, value + 1);
	} else if (has_prefix(line, define) && strchr(line + strlen(define), ' ')) {
		str_add(ret, "cpp:");
		str_add(ret, line + strlen("#define "));
	} else {
		return;
	}
	str_add(ret, "\n");
}

int kbuild_read_options(const struct kernel *k, struct str *ret)
{
	static const char *const files[] = {"include/config/auto.conf",
		"include/generated/autoconf.h"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join(k->headers, files[i]);
		_cleanup_(str_done) struct str text = {0};
		char *line, *rest;
		int r = file_read(path, FILE_MAX, &text, NULL);

		if (r < 0)
			return r;
		rest = text.data;
		while ((line = strsep(&rest, "\n")))
			add_option_line(line, ret);
	}
	return 0;
}

char *kbuild_option_value(const struct line_index *options, const char *name)
{
	static const char *const forms[][2] = {
		{"make:", ""}, {"cpp:", ""}, {"cpp:", "_MODULE"}};
	struct str s = {0};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_free_ char *key =
			xasprintf("%sCONFIG_%s%s", forms[i][0], name, forms[i][1]);
		size_t n = 0;
		const char *value = line_index_find(options, key, &n);

		/* An option that is not set is "-", because its value may also be
		 * empty. */
		str_addf(&s, "%s%.*s", i ? "|" : "", value ? (int)n : 1,
			value ? value : "-");
	}
	return str_take(&s);
}

/* The family */

void kbuild_find_option_names(const char *text, struct strv *ret)
{
	for (const char *at = text; (at = strstr(at, "CONFIG_"));) {
		size_t n = 0;

		at += strlen("CONFIG_");
		while (is_name_char(at[n]))
			n++;
		if (n)
			strv_take(ret, xstrndup(at, n));
	}
}

/* Appends the names of the options that a file mentions, unless it is a program. */
static void find_option_names_in_file(const char *path, struct strv *ret)
{
	_cleanup_(str_done) struct str text = {0};

	if (file_read(path, FILE_MAX, &text, NULL) == 0 && text.len &&
		!has_prefix(text.data, "\177ELF"))
		kbuild_find_option_names(text.data, ret);
}

/* Appends a line with the name and the content of the file, in which the kernel release
 * is replaced by RELEASE. */
static void add_without_release(const struct kernel *k, const char *path, struct str *ret)
{
	_cleanup_(str_done) struct str text = {0};
	size_t n = strlen(k->release);

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return;
	str_addf(ret, "%s", path_base(path));
	for (const char *at = text.data; at && *at; at++) {
		char plain[2] = {*at, '\0'};

		if (strncmp(at, k->release, n) == 0) {
			str_add(ret, "RELEASE");
			at += n - 1;
		} else {
			listing_add_escaped(ret, plain);
		}
	}
	str_add(ret, "\n");
}

/* A line of a listing. It points into the listing and copies nothing, because a kernel
 * has some 25,000 lines. */
struct line {
	const char *path; /* of the file */
	size_t path_len;
	const char *below; /* the part of path below the mounted directory */
	size_t below_len;
	const char *what; /* from the blank after path up to the line end */
	size_t what_len;
};

/* Reads the line at the beginning of text. Returns the beginning of the next line. */
static const char *read_line(const char *text, struct line *ret)
{
	const char *end = strchrnul(text, '\n');
	const char *blank = memchr(text, ' ', (size_t)(end - text));

	*ret = (struct line){.path = text, .what = blank ? blank : end};
	ret->path_len = (size_t)(ret->what - text);
	ret->what_len = (size_t)(end - ret->what);
	return end + (*end == '\n');
}

/* Whether the n bytes of text are this path, or a path below it. */
static bool is_in(const char *text, size_t n, const char *path)
{
	size_t len = strlen(path);

	return n >= len && memcmp(text, path, len) == 0 && (n == len || text[len] == '/');
}

/* Indices of the pairs in header_mounts_list(). */
enum { HEADERS = 0, COMMON = 2, KBUILD = 4 };

/* Finds the mount that the path of the line is in, and sets line->below. Returns the
 * index of its real path in header_mounts, which is HEADERS, COMMON or KBUILD; SIZE_MAX
 * if it is in none. */
static size_t find_mount(const struct strv *header_mounts, struct line *line)
{
	for (size_t i = 0; i + 1 < header_mounts->n; i += 2)
		if (is_in(line->path, line->path_len, header_mounts->items[i])) {
			line->below = line->path + strlen(header_mounts->items[i]);
			line->below_len =
				line->path_len - strlen(header_mounts->items[i]);
			return i;
		}
	return SIZE_MAX;
}

/* Whether the file, which is below the headers of one flavour, is different for each
 * kernel and not used to compile objects: the symbols and types that modules are linked
 * with; the options, which have their own lines; and the Makefile, which
 * header_mounts_list() has checked. */
static bool is_kernel_specific(const struct line *line)
{
	static const char *const files[] = {"/.config", "/Makefile", "/Module.symvers",
		"/include/config", "/vmlinux"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (is_in(line->below, line->below_len, files[i]))
			return true;
	return false;
}

static bool is_header(const struct line *line)
{
	return memmem(line->below, line->below_len, "/include/", strlen("/include/"));
}

void kbuild_describe_family(const struct kernel *k, const char *headers,
	const struct strv *header_mounts, const struct line_index *options,
	struct str *ret)
{
	/* The name of this directory contains a version, but many kernels have the same
	 * files in it. */
	_cleanup_free_ char *into_kbuild =
		xasprintf(" link ../../lib/%s/", path_base(header_mounts->items[KBUILD]));
	_cleanup_(strv_done) struct strv names = {0};

	for (const char *at = headers; at && *at;) {
		struct line line;
		size_t mount;
		bool is_file;
		_cleanup_free_ char *path = NULL;

		at = read_line(at, &line);
		mount = find_mount(header_mounts, &line);
		if (mount == SIZE_MAX || (mount == HEADERS && is_kernel_specific(&line)))
			continue;
		is_file = has_prefix(line.what, " file ");
		if (mount == HEADERS && has_prefix(line.below, "/.kernelvariables ")) {
			path = xstrndup(line.path, line.path_len);
			add_without_release(k, path, ret);
			continue;
		}
		str_add(ret, header_mounts->items[mount + 1]);
		str_add_bytes(ret, line.below, line.below_len);
		if (is_file && mount != KBUILD && is_header(&line)) {
			str_add(ret, " file\n");
			continue;
		}
		if (has_prefix(line.what, into_kbuild)) {
			str_add(ret, " link kbuild/");
			str_add_bytes(ret, line.what + strlen(into_kbuild),
				line.what_len - strlen(into_kbuild));
			str_add(ret, "\n");
			continue;
		}
		str_add_bytes(ret, line.what, line.what_len);
		str_add(ret, "\n");
		if (is_file) {
			path = xstrndup(line.path, line.path_len);
			find_option_names_in_file(path, &names);
		}
	}
	strv_sort_unique(&names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *value = kbuild_option_value(options, names.items[i]);

		str_addf(ret, "CONFIG_%s %s\n", names.items[i], value);
	}
}
