/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When do two kernels make the same of a source file?
 *
 * kbuild notes for each object the headers and options it used, and make compares the
 * command line. Neither says anything about
 *   - what kbuild does to an object besides that command: symbol versions, checks. Its scripts
 *     and tools have to be the same, and so have the options that these mention;
 *   - headers that the compiler looked for and did not find. So as many headers must be there,
 *     by the same names.
 * That is the family of a kernel, a text with a line for each. */
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
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Options */

/* "make:CONFIG_X VALUE" for lines CONFIG_X=VALUE, "cpp:CONFIG_X VALUE" for #define. */
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

int kbuild_options(const struct kernel *k, struct str *ret)
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

char *kbuild_option(const struct line_index *options, const char *name)
{
	static const char *const forms[][2] = {{"make:", ""}, {"cpp:", ""}, {"cpp:", "_MODULE"}};
	struct str s = {0};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_free_ char *key =
			xasprintf("%sCONFIG_%s%s", forms[i][0], name, forms[i][1]);
		size_t n = 0;
		const char *value = line_index_find(options, key, &n);

		/* "-": unset, which is not the same as empty. */
		str_addf(&s, "%s%.*s", i ? "|" : "", value ? (int)n : 1, value ? value : "-");
	}
	return str_take(&s);
}

/* The family */

void kbuild_find_options(const char *text, struct strv *ret)
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

static void find_options_of_file(const char *path, struct strv *ret)
{
	_cleanup_(str_done) struct str text = {0};

	if (file_read(path, FILE_MAX, &text, NULL) == 0 && text.len &&
		!has_prefix(text.data, "\177ELF"))
		kbuild_find_options(text.data, ret);
}

/* The file with the release taken out, a line for each of its own. */
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

/* A line of a listing, some 25,000 a kernel: nothing of it is copied. */
struct line {
	const char *path; /* of the file */
	size_t path_len;
	const char *below; /* of path, what is below its place */
	size_t below_len;
	const char *what; /* behind path, up to the line end */
	size_t what_len;
};

static const char *read_line(const char *text, struct line *ret)
{
	const char *end = strchrnul(text, '\n');
	const char *blank = memchr(text, ' ', (size_t)(end - text));

	*ret = (struct line){.path = text, .what = blank ? blank : end};
	ret->path_len = (size_t)(ret->what - text);
	ret->what_len = (size_t)(end - ret->what);
	return end + (*end == '\n');
}

/* text, n bytes, is that path or below it. */
static bool is_in(const char *text, size_t n, const char *path)
{
	size_t len = strlen(path);

	return n >= len && memcmp(text, path, len) == 0 && (n == len || text[len] == '/');
}

/* The first of the place's pair; fills in what is below it. SIZE_MAX: it is in no
 * place. */
static size_t find_place(const struct strv *places, struct line *line)
{
	for (size_t i = 0; i + 1 < places->n; i += 2)
		if (is_in(line->path, line->path_len, places->items[i])) {
			line->below = line->path + strlen(places->items[i]);
			line->below_len = line->path_len - strlen(places->items[i]);
			return i;
		}
	return SIZE_MAX;
}

/* What is there, below headers, is different for each kernel, and no object is made of
 * it: the symbols and types that modules are linked with, options, which have their own
 * lines, and the Makefile, which header_mounts_list() has looked at. */
static bool is_of_kernel(const struct line *line)
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

void kbuild_family(const struct kernel *k, const char *headers, const struct strv *places,
	const struct line_index *options, struct str *ret)
{
	/* It has the version in its name, and is the same for many. */
	_cleanup_free_ char *into_kbuild =
		xasprintf(" link ../../lib/%s/", path_base(places->items[4]));
	_cleanup_(strv_done) struct strv names = {0};

	for (const char *at = headers; at && *at;) {
		struct line line;
		size_t place;
		bool is_file;
		_cleanup_free_ char *path = NULL;

		at = read_line(at, &line);
		place = find_place(places, &line);
		if (place == SIZE_MAX || (place == 0 && is_of_kernel(&line)))
			continue;
		is_file = has_prefix(line.what, " file ");
		if (place == 0 && has_prefix(line.below, "/.kernelvariables ")) {
			path = xstrndup(line.path, line.path_len);
			add_without_release(k, path, ret);
			continue;
		}
		str_add(ret, places->items[place + 1]);
		str_add_bytes(ret, line.below, line.below_len);
		if (is_file && place != 4 && is_header(&line)) {
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
			find_options_of_file(path, &names);
		}
	}
	strv_sort_unique(&names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *value = kbuild_option(options, names.items[i]);

		str_addf(ret, "CONFIG_%s %s\n", names.items[i], value);
	}
}
