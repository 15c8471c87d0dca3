/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

/* A dkms tree and a source tree below a temporary directory, for tests of the tree. */

#include <sys/stat.h>

#include "base/file.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "tests/unit/tap.h"

/* Uses a file system in memory if there is one, since publishing waits for the disk. */
static char root[64] = "/dev/shm/dkms-test-XXXXXX";
static char *tree, *sources;

/* Makes a directory below root. The printf format gives its name. */
__attribute__((format(printf, 1, 2))) static inline void make(const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	str_addf(&s, "%s/", root);
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if (dir_make(s.data, NULL) < 0)
		ok(false, "make %s", s.data);
	str_done(&s);
}

static inline void make_link(const char *target, const char *path)
{
	char *full = xasprintf("%s/%s", root, path);

	if (symlink(target, full) < 0)
		ok(false, "make %s", full);
	free(full);
}

static inline void add(const char *name, const char *version)
{
	char *source = xasprintf("%s/%s-%s", sources, name, version);

	make("src/%s-%s", name, version);
	is_int(tree_add(tree, name, version, source, 0, NULL), 0, "add");
	free(source);
}

/* Returns the whole listing as text: "a/1 added; a/2 6.1 x86_64 built". */
static inline char *listing(const struct tree_filter *filter)
{
	struct error e = {0};
	struct tree_list l = {0};
	struct str s = {0};
	int r = tree_read(tree, sources, filter, &l, &e);

	if (r < 0)
		str_addf(&s, "%s", e.what);
	for (size_t i = 0; i < l.n; i++) {
		const struct tree_entry *t = &l.entries[i];

		str_addf(&s, "%s%s/%s ", i ? "; " : "", t->name, t->version);
		if (t->release)
			str_addf(&s, "%s %s ", t->release, t->arch);
		str_addf(&s, "%s%s", tree_state_name(t->state),
			t->has_original ? "+" : "");
	}
	tree_list_done(&l);
	error_done(&e);
	return str_take(&s);
}

static inline void is_listing(
	const struct tree_filter *filter, const char *want, const char *what)
{
	char *got = listing(filter);

	is(got, want, what);
	free(got);
}

static inline void wipe(void)
{
	dir_remove(tree, NULL);
	dir_remove(sources, NULL);
	make("src");
}

/* Makes the temporary directory. Returns false if that is not possible. */
static inline bool make_root(void)
{
	if (!mkdtemp(root)) {
		strcpy(root, "/tmp/dkms-test-XXXXXX");
		if (!mkdtemp(root))
			return false;
	}
	tree = path_join(root, "dkms");
	sources = path_join(root, "src");
	return true;
}

static inline void remove_root(void)
{
	dir_remove(root, NULL);
	free(tree);
	free(sources);
}

#endif
