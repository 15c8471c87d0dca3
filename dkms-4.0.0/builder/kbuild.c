/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When do two kernels make the same of a source file?
 *
 * kbuild notes for each object the headers and options it used, and make compares the command
 * line. Neither says anything about
 *   - what kbuild does to an object besides that command: symbol versions, checks. Its scripts
 *     and tools have to be the same, and so have the options that these mention;
 *   - headers that the compiler looked for and did not find. So as many headers must be there,
 *     by the same names.
 * That is the family of a kernel, a text with a line for each. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/kbuild.h"
#include "cache/listing.h"

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

	if (has_prefix(line, "CONFIG_") && (value = strchr(line, '=')))
		str_addf(ret, "make:%.*s %s\n", (int)(value - line), line, value + 1);
	else if (has_prefix(line, define) && (value = strchr(line + strlen(define), ' ')))
		str_addf(ret, "cpp:%s\n", line + strlen("#define "));
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

char *kbuild_option(const struct index *options, const char *name)
{
	static const char *const forms[][2] = {{"make:", ""}, {"cpp:", ""}, {"cpp:", "_MODULE"}};
	struct str s = {0};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_free_ char *key =
			xasprintf("%sCONFIG_%s%s", forms[i][0], name, forms[i][1]);
		size_t n = 0;
		const char *value = index_find(options, key, &n);

		/* "-": unset, which is not the same as empty. */
		str_addf(&s, "%s%.*s", i ? "|" : "", value ? (int)n : 1, value ? value : "-");
	}
	return str_take(&s);
}

/* Places */

char *place_of(const struct strv *places, const char *path)
{
	for (size_t i = 0; i + 1 < places->n; i += 2)
		if (path_is_in(path, places->items[i]))
			return xasprintf("%s%s", places->items[i + 1],
				path + strlen(places->items[i]));
	return NULL;
}

char *place_real(const struct strv *places, const char *seen)
{
	for (size_t i = 0; i + 1 < places->n; i += 2)
		if (path_is_in(seen, places->items[i + 1]))
			return xasprintf("%s%s", places->items[i],
				seen + strlen(places->items[i + 1]));
	return NULL;
}

/* The family */

/* Adds the names of options that a text mentions. */
static void find_options(const char *text, struct strv *ret)
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
		find_options(text.data, ret);
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

/* What is at path, below headers, is different for each kernel, and no object is made of it:
 * the symbols and types that modules are linked with, options, which have their own lines, and
 * the Makefile, which kernel_places() has looked at. */
static bool is_of_kernel(const char *headers, const char *path)
{
	static const char *const files[] = {"/.config", "/Makefile", "/Module.symvers",
		"/include/config", "/vmlinux"};
	const char *rest = path + strlen(headers);

	if (!path_is_in(path, headers))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (path_is_in(rest, files[i]))
			return true;
	return false;
}

void kbuild_family(const struct kernel *k, const char *headers, const struct strv *places,
	const struct index *options, struct str *ret)
{
	_cleanup_(strv_done) struct strv names = {0};

	for (const char *line = headers; line && *line;) {
		size_t n = strcspn(line, "\n"), name_len = strcspn(line, " \n");
		_cleanup_free_ char *path = xstrndup(line, name_len);
		_cleanup_free_ char *place = place_of(places, path);
		const char *what = line + name_len;
		size_t what_len = n - name_len;

		line += n + (line[n] == '\n');
		if (!place || is_of_kernel(places->items[0], path))
			continue;
		if (path_is_in(path, places->items[0]) &&
			streq(path + strlen(places->items[0]), "/.kernelvariables")) {
			add_without_release(k, path, ret);
			continue;
		}
		if (strstr(place, "/include/") && !path_is_in(path, places->items[4]) &&
			has_prefix(what, " file ")) {
			str_addf(ret, "%s file\n", place);
			continue;
		}
		str_addf(ret, "%s%.*s\n", place, (int)what_len, what);
		if (has_prefix(what, " file "))
			find_options_of_file(path, &names);
	}
	strv_sort_unique(&names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *value = kbuild_option(options, names.items[i]);

		str_addf(ret, "CONFIG_%s %s\n", names.items[i], value);
	}
}
