/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_MODULES_COMPILE_H
#define TESTS_MODULES_COMPILE_H

#include "base/file.h"

/* Compiles a source of tests/modules ("user") to the module file at path. defines has
 * words NAME=VALUE for -D; a VALUE becomes a C string unless it begins with 0x. Returns
 * false if there is no compiler or it fails. */
static inline bool compile_module(
	const char *path, const char *source, const char *defines)
{
	const char *top = getenv("top_srcdir"), *cc = getenv("CC");
	_cleanup_(str_done) struct str command = {0};
	_cleanup_(strv_done) struct strv words = {0};
	_cleanup_free_ char *file = NULL;

	file = xasprintf("%s/tests/modules/%s.c", top ? top : ".", source);
	/* CC may be several words, so the shell splits it. */
	str_addf(&command, "%s -c -fno-common -o ", cc && *cc ? cc : "cc");
	str_add_quoted(&command, path);
	strv_split(&words, defines);
	for (size_t i = 0; i < words.n; i++) {
		const char *value = strchr(words.items[i], '=');
		_cleanup_free_ char *define = NULL;

		if (!value)
			return false;
		define = xasprintf(
			has_prefix(value, "=0x") ? "-D%.*s=%s" : "-D%.*s=\"%s\"",
			(int)(value - words.items[i]), words.items[i], value + 1);
		str_add(&command, " ");
		str_add_quoted(&command, define);
	}
	str_add(&command, " ");
	str_add_quoted(&command, file);
	return system(command.data) == 0;
}

#endif
