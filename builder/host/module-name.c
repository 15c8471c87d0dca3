/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the name of a module file say? */
#include "config.h"

#include "base/file.h"
#include "builder/host/module-name.h"

static const char *const suffixes[] = {
	[COMPRESSION_NONE] = "",
	[COMPRESSION_GZIP] = ".gz",
	[COMPRESSION_XZ] = ".xz",
	[COMPRESSION_ZSTD] = ".zst",
};

const char *compression_suffix(enum compression c)
{
	return suffixes[c];
}

/* Tells whether base is the base name of a module file. Returns the length of the part
 * before .ko, and how the file is compressed. */
static bool parse_module_name(
	const char *base, size_t *ret_len, enum compression *ret_how)
{
	size_t len = strlen(base);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t end = strlen(".ko") + strlen(suffixes[i]);

		if (len <= end || !has_suffix(base, suffixes[i]) ||
			strncmp(base + len - end, ".ko", 3) != 0)
			continue;
		*ret_len = len - end;
		*ret_how = (enum compression)i;
		return true;
	}
	return false;
}

enum compression compression_of_file(const char *path)
{
	enum compression how;
	size_t len;

	return parse_module_name(path_base(path), &len, &how) ? how : COMPRESSION_NONE;
}

char *module_name_of_file(const char *path)
{
	const char *base = path_base(path);
	enum compression how;
	size_t len;
	char *name;

	if (!parse_module_name(base, &len, &how))
		return NULL;
	name = xstrndup(base, len);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

bool module_file_is_called(const char *file, const char *name)
{
	enum compression how;
	size_t len;

	return parse_module_name(file, &len, &how) && len == strlen(name) &&
	       strncmp(file, name, len) == 0;
}
