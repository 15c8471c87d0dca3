/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is an input of an object the same as when the object was compiled? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/host/header-mounts.h"
#include "builder/reuse/inputs.h"
#include "builder/reuse/kbuild.h"

int inputs_read(struct statcache *stats, const char *dir, const char *build_dir,
	const struct strv *header_mounts, struct inputs *ret)
{
	struct inputs in = {.build_dir = build_dir, .header_mounts = header_mounts};
	int r = listing_add_dir(stats, dir, build_dir, &in.files);

	if (r == 0 && !in.files.len)
		r = -ENOENT;
	if (r < 0) {
		str_done(&in.files);
		return r;
	}
	in.files_index = line_index_new(in.files.data);
	*ret = in;
	return 0;
}

void inputs_done(struct inputs *in)
{
	line_index_free(in->files_index);
	str_done(&in->files);
	*in = (struct inputs){0};
}

char *inputs_list_names(const struct inputs *in)
{
	struct str s = {0};

	for (const char *line = in->files.data; line && *line;) {
		size_t n = strcspn(line, "\n"), name = strcspn(line, " \n");

		if (has_prefix(line + name, " file "))
			str_addf(&s, "%.*s file\n", (int)name, line);
		else
			str_addf(&s, "%.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
	return str_take(&s);
}

char *inputs_describe_file(const struct inputs *in, const char *path)
{
	_cleanup_free_ char *real = NULL;
	const char *what = NULL;
	size_t n = 0;

	if (path_is_below(path, in->build_dir)) {
		what = line_index_find(in->files_index, path, &n);
	} else {
		real = header_mounts_real_path(in->header_mounts, path);
		what = real ? line_index_find(in->kernel.headers, real, &n) : NULL;
	}
	return what && has_prefix(what, "file ") ? xstrndup(what, n) : NULL;
}

bool inputs_has_value(const struct inputs *in, const char *name, const char *value)
{
	_cleanup_free_ char *now = NULL;

	if (has_prefix(name, "CONFIG_"))
		now = kbuild_option_value(in->kernel.options, name + strlen("CONFIG_"));
	else
		now = inputs_describe_file(in, name);
	return now && streq(now, value);
}

/* Returns the name of an input, relative to the build directory or to its directory of
 * headers; borrowed. */
static const char *shorten_name(const struct inputs *in, const char *name)
{
	if (path_is_below(name, in->build_dir))
		return name + strlen(in->build_dir) + 1;
	for (size_t i = 1; i < in->header_mounts->n; i += 2)
		if (path_is_below(name, in->header_mounts->items[i]))
			return name + strlen(in->header_mounts->items[i]) + 1;
	return name;
}

void inputs_add_changes(const struct inputs *in, const struct pieces *p,
	const size_t *changed, struct strv *ret)
{
	for (size_t i = 0; i < p->inputs.n; i++) {
		const char *input = p->inputs.items[i];
		_cleanup_free_ char *name = xstrndup(input, strcspn(input, " "));
		const char *first = NULL;
		_cleanup_free_ char *more = NULL;
		size_t n = 0;

		for (size_t j = 0; j < p->n; j++)
			if (changed[j] == i && n++ == 0)
				first = p->items[j].files.n ? p->items[j].files.items[0]
							    : "";
		more = n > 1 ? xasprintf(" and %zu more", n - 1) : xstrdup("");
		if (n)
			strv_pushf(ret, "%s%s: %s differs", first, more,
				shorten_name(in, name));
	}
}
