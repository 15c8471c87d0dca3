/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is an input of an object what it was when the object was made? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/host/header-mounts.h"
#include "builder/reuse/inputs.h"
#include "builder/reuse/kbuild.h"

int view_read(struct statcache *stats, const char *dir, const char *seen,
	const struct strv *places, struct view *ret)
{
	struct view v = {.seen = seen, .places = places};
	int r = listing_add_dir(stats, dir, seen, &v.files);

	if (r == 0 && !v.files.len)
		r = -ENOENT;
	if (r < 0) {
		str_done(&v.files);
		return r;
	}
	v.index = line_index_new(v.files.data);
	*ret = v;
	return 0;
}

void view_done(struct view *v)
{
	line_index_free(v->index);
	str_done(&v->files);
	*v = (struct view){0};
}

char *view_names(const struct view *v)
{
	struct str s = {0};

	for (const char *line = v->files.data; line && *line;) {
		size_t n = strcspn(line, "\n"), name = strcspn(line, " \n");

		if (has_prefix(line + name, " file "))
			str_addf(&s, "%.*s file\n", (int)name, line);
		else
			str_addf(&s, "%.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
	return str_take(&s);
}

char *view_describe(const struct view *v, const char *seen)
{
	_cleanup_free_ char *real = NULL;
	const char *what = NULL;
	size_t n = 0;

	if (path_is_below(seen, v->seen)) {
		what = line_index_find(v->index, seen, &n);
	} else {
		real = header_mounts_real_path(v->places, seen);
		what = real ? line_index_find(v->kernel.headers, real, &n) : NULL;
	}
	return what && has_prefix(what, "file ") ? xstrndup(what, n) : NULL;
}

bool view_is_same(const struct view *v, const char *name, const char *value)
{
	_cleanup_free_ char *now = NULL;

	if (has_prefix(name, "CONFIG_"))
		now = kbuild_option(v->kernel.options, name + strlen("CONFIG_"));
	else
		now = view_describe(v, name);
	return now && streq(now, value);
}

/* The input's name for a person; borrowed. */
static const char *short_name(const struct view *v, const char *name)
{
	if (path_is_below(name, v->seen))
		return name + strlen(v->seen) + 1;
	for (size_t i = 1; i < v->places->n; i += 2)
		if (path_is_below(name, v->places->items[i]))
			return name + strlen(v->places->items[i]) + 1;
	return name;
}

void view_add_changes(const struct view *v, const struct pieces *p, const size_t *changed,
	struct strv *ret)
{
	for (size_t i = 0; i < p->inputs.n; i++) {
		const char *input = p->inputs.items[i];
		_cleanup_free_ char *name = xstrndup(input, strcspn(input, " "));
		const char *first = NULL;
		_cleanup_free_ char *more = NULL;
		size_t n = 0;

		for (size_t j = 0; j < p->n; j++)
			if (changed[j] == i && n++ == 0)
				first = p->items[j].files.n ? p->items[j].files.items[0] : "";
		more = n > 1 ? xasprintf(" and %zu more", n - 1) : xstrdup("");
		if (n)
			strv_pushf(ret, "%s%s: %s differs", first, more, short_name(v, name));
	}
}
