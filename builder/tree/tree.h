/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_TREE_H
#define BUILDER_TREE_TREE_H

#include "base/error.h"
#include "base/strv.h"
#include "builder/tree/names.h"

/* The dkms tree records which module versions are known, built and installed. The state
 * is in directories and links and nowhere else, so any other dkms can use the same tree.
 * The layout:
 *
 *   NAME/VERSION/source                symlink to the source directory
 *   NAME/VERSION/build/                working directories and logs of builds
 *   NAME/VERSION/tarball/
 *   NAME/VERSION/RELEASE/ARCH/module/  built modules
 *   NAME/VERSION/RELEASE/ARCH/log/make.log
 *   NAME/VERSION/RELEASE/ARCH/from-archive  exists if all of this came with an archive
 *   NAME/kernel-RELEASE-ARCH           symlink to VERSION/RELEASE/ARCH: installed
 *   NAME/.installed-RELEASE-ARCH       the files that are installed: installed-files.h
 *   NAME/original_module/RELEASE/ARCH/ modules of the kernel that were replaced
 *
 * Other names that begin with a dot are temporary, and all of them belong to this dkms. RELEASE/ARCH appears
 * by one rename. Reading takes no lock. tree-change.h declares what changes the tree. */

/* In RELEASE/ARCH: modules and log came with an archive, so that dkms has not built them. */
#define TREE_FROM_ARCHIVE "from-archive"

enum tree_state {
	STATE_UNKNOWN,	      /* not in the tree */
	STATE_LEFTOVER,	      /* only a directory: no source, and nothing built */
	STATE_BROKEN,	      /* the link source leads nowhere; or it is missing, but
			       * SOURCETREE/NAME-VERSION exists, or modules are built */
	STATE_ADDED,	      /* the link source leads to a directory */
	STATE_BUILT,	      /* RELEASE/ARCH/module/ exists */
	STATE_INSTALLED_WEAK, /* weak-modules(8) installed it from another kernel */
	STATE_INSTALLED,      /* the link kernel-RELEASE-ARCH leads to RELEASE/ARCH */
};

/* A version of a module on a kernel. The strings are borrowed. Functions that do not use
 * the version, or the kernel, allow NULL there. */
struct version_on_kernel {
	const char *name, *version;
	const char *release, *arch; /* of the kernel */
};

static inline struct version_on_kernel version_on_kernel(
	const char *name, const char *version, const char *release, const char *arch)
{
	return (struct version_on_kernel){name, version, release, arch};
}

/* A module version with what is known of it on one kernel. */
struct tree_entry {
	char *name, *version;
	char *release, *arch; /* NULL if the version is only added, broken or a leftover */
	char *weak_release;   /* STATE_INSTALLED_WEAK: the kernel that it was built for */
	enum tree_state state;
	bool no_conf;      /* the source has no dkms.conf, although it is there */
	bool has_original; /* original_module/RELEASE/ARCH exists */
	/* Files were added to module/ or removed from it after it was published, or the
	 * other dkms made it. */
	bool changed;
};

static inline struct version_on_kernel tree_entry_on_kernel(const struct tree_entry *e)
{
	return version_on_kernel(e->name, e->version, e->release, e->arch);
}

struct tree_list {
	/* Sorted by name, version, release and architecture; versions and releases are in
	 * version order. */
	struct tree_entry *entries;
	size_t n;
};

/* Which entries to read. A member that is NULL lets all pass. With next, an entry has to
 * pass one filter of the chain: -k 6.1 -k 6.2 makes two filters. */
struct tree_filter {
	const char *name, *version, *release, *arch;
	const struct tree_filter *next;
};
/* Tells whether on passes the filter (NULL: all pass). A member of on that is NULL is not
 * known yet and passes. */
bool tree_filter_passes(const struct tree_filter *f, struct version_on_kernel on);

/* Lists the entries of dkms_tree that pass the filter (NULL: all). A version without a
 * kernel that passes has one entry with STATE_ADDED. A broken version, or a leftover of
 * one, has one entry, whatever is built. A tree that does not exist is empty. source_tree
 * is needed to recognise a broken version whose link is missing. tree_list_done() frees. Returns 0, or
 * a negative errno with status 1 and the path that cannot be read. */
int tree_read(const char *dkms_tree, const char *source_tree,
	const struct tree_filter *filter, struct tree_list *ret, struct error *err);
void tree_list_done(struct tree_list *l);
/* Restores the order of a list after entries have been added. */
void tree_list_sort(struct tree_list *l);
/* Returns "added", "built", "installed-weak" and so on, as dkms status prints them;
 * static. */
const char *tree_state_name(enum tree_state s);

/* Returns the state of a module version on a kernel, but never STATE_INSTALLED_WEAK. If
 * on.release or on.arch is NULL, returns whether the version is known: STATE_UNKNOWN,
 * STATE_LEFTOVER, STATE_BROKEN or STATE_ADDED. */
enum tree_state tree_state(
	const char *dkms_tree, const char *source_tree, struct version_on_kernel on);
static inline enum tree_state tree_version_state(const char *dkms_tree,
	const char *source_tree, const char *name, const char *version)
{
	return tree_state(
		dkms_tree, source_tree, version_on_kernel(name, version, NULL, NULL));
}
/* Does the same for those who act on it: returns a negative errno with status 1 where
 * tree_state() returns STATE_UNKNOWN because something cannot be read. */
int tree_read_state(const char *dkms_tree, const char *source_tree,
	struct version_on_kernel on, enum tree_state *ret, struct error *err);
/* Returns whether a version, also a broken one, is built or installed on a kernel:
 * STATE_UNKNOWN, STATE_BUILT or STATE_INSTALLED. Fails like tree_read_state(). */
int tree_read_built(const char *dkms_tree, struct version_on_kernel on,
	enum tree_state *ret, struct error *err);
/* Returns the version of a module that is installed on a kernel; the caller frees. NULL
 * if there is none, or if it cannot be read. Ignores on.version. */
char *tree_installed_version(const char *dkms_tree, struct version_on_kernel on);
/* Does the same for those who change something if none is installed: sets *ret to NULL
 * only if that is certain. Returns 0, or a negative errno with status 1. */
int tree_read_installed(const char *dkms_tree, struct version_on_kernel on, char **ret,
	struct error *err);
/* Appends the versions of a module that have a directory, whatever their state, in
 * version order: the newest comes last. Returns 0, also if there are none, or a negative
 * errno. */
int tree_list_versions(const char *dkms_tree, const char *name, struct strv *ret);
/* Appends the names of all modules that have a directory, sorted. Returns like
 * tree_list_versions(). */
int tree_list_modules(const char *dkms_tree, struct strv *ret);

/* Returns whether what is built came with an archive. If that cannot be found out, it counts as so. */
bool tree_is_from_archive(const char *dkms_tree, struct version_on_kernel on);
/* Returns whether files were added to module/ of what is built, or removed from it, after it was
 * published; also if the other dkms has made it. False if nothing is built. */
bool tree_has_changed(const char *dkms_tree, struct version_on_kernel on);

/* These return paths, which the caller frees. The installed link and the directory of the
 * originals do not depend on the version. */
char *tree_version_dir(const char *dkms_tree, const char *name, const char *version);
char *tree_built_dir(
	const char *dkms_tree, struct version_on_kernel on); /* .../RELEASE/ARCH */
char *tree_module_dir(
	const char *dkms_tree, struct version_on_kernel on); /* .../RELEASE/ARCH/module */
char *tree_installed_link(const char *dkms_tree,
	struct version_on_kernel on); /* NAME/kernel-RELEASE-ARCH */
char *tree_original_dir(const char *dkms_tree,
	struct version_on_kernel on); /* NAME/original_module/RELEASE/ARCH */

#endif
