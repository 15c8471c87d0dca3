/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_TREE_H
#define BUILDER_TREE_TREE_H

#include "base/error.h"
#include "base/strv.h"

/* The dkms tree: which module versions are known, built and installed. A state is read
 * from directories and links and from nothing else, so trees are exchanged freely with
 * the other dkms. The layout:
 *
 *   NAME/VERSION/source                symlink to the source directory
 *   NAME/VERSION/build/                working directories and logs of builds
 *   NAME/VERSION/tarball/
 *   NAME/VERSION/RELEASE/ARCH/module/  built modules
 *   NAME/VERSION/RELEASE/ARCH/log/make.log
 *   NAME/kernel-RELEASE-ARCH           symlink to VERSION/RELEASE/ARCH: installed
 *   NAME/original_module/RELEASE/ARCH/ modules that ours replaced
 *
 * Names that begin with a dot are ours and temporary. RELEASE/ARCH appears by one rename.
 * Reading takes no lock. tree-change.h changes the tree. */

/* Names beside the versions of a module. */
#define TREE_LINK_PREFIX "kernel-"
#define TREE_ORIGINALS "original_module"

enum tree_state {
	STATE_UNKNOWN,        /* not in the tree */
	STATE_BROKEN,         /* source link dangles, or is missing with a source there */
	STATE_ADDED,          /* source links to a directory */
	STATE_BUILT,          /* RELEASE/ARCH/module/ exists */
	STATE_INSTALLED_WEAK, /* installed from another kernel by weak-modules */
	STATE_INSTALLED,      /* the kernel- link leads to RELEASE/ARCH */
};

/* A version of a module on a kernel; the strings are borrowed. Functions that do not look
 * at the version, or at the kernel, allow NULL there. */
struct version_on_kernel {
	const char *name, *version;
	const char *release, *arch; /* of the kernel */
};

static inline struct version_on_kernel version_on_kernel(
	const char *name, const char *version, const char *release, const char *arch)
{
	return (struct version_on_kernel){name, version, release, arch};
}

struct tree_entry {
	char *name, *version;
	char *release, *arch; /* NULL when added or broken */
	char *weak_release;   /* the kernel it was built for, when STATE_INSTALLED_WEAK */
	enum tree_state state;
	bool has_original; /* original_module/RELEASE/ARCH exists */
	/* Files came to module/ or went from it after it was published, or it was made by
	 * the other dkms. */
	bool changed;
};

static inline struct version_on_kernel tree_entry_on_kernel(const struct tree_entry *e)
{
	return version_on_kernel(e->name, e->version, e->release, e->arch);
}

struct tree_list {
	struct tree_entry *entries; /* by name, version, release (version order), arch */
	size_t n;
};

/* Which entries; NULL means any. With next, an entry passes when it passes one of the
 * chain: -k 6.1 -k 6.2 is two filters. */
struct tree_filter {
	const char *name, *version, *release, *arch;
	const struct tree_filter *next;
};
/* Tells whether on passes the filter. A member that is NULL is not known and passes. */
bool tree_filter_passes(const struct tree_filter *f, struct version_on_kernel on);

/* What is known below dkms_tree and passes the filter (NULL: everything). A version with
 * no kernel that passes is one entry, added; a broken one is one entry, whatever is
 * built. A missing tree is empty. source_tree serves to recognise a broken entry whose
 * link is gone. tree_list_done frees. -EACCES and the like: status 1, names the path. */
int tree_read(const char *dkms_tree, const char *source_tree,
	const struct tree_filter *filter, struct tree_list *ret, struct error *err);
void tree_list_done(struct tree_list *l);
void tree_list_sort(struct tree_list *l); /* into its order, after a change */
/* "added", "built", "installed-weak", ... as status prints it */
const char *tree_state_name(enum tree_state s);

/* The state of one module version on one kernel; with release and arch NULL, whether it
 * is known: unknown, broken or added. */
enum tree_state tree_state(
	const char *dkms_tree, const char *source_tree, struct version_on_kernel on);
static inline enum tree_state tree_version_state(const char *dkms_tree,
	const char *source_tree, const char *name, const char *version)
{
	return tree_state(
		dkms_tree, source_tree, version_on_kernel(name, version, NULL, NULL));
}
/* The version of a module that is installed on a kernel, whatever on.version is; caller
 * frees, NULL if none. */
char *tree_installed_version(const char *dkms_tree, struct version_on_kernel on);
/* The versions of name that have a directory, in any state, oldest first; the newest is
 * the last. Returns 0, also when there are none, or a negative errno. */
int tree_list_versions(const char *dkms_tree, const char *name, struct strv *ret);
/* All package names that have a directory, sorted. */
int tree_list_modules(const char *dkms_tree, struct strv *ret);

/* Refuses what cannot be one component of a path in the tree, with -EINVAL and status 3:
 * an empty name, one over 255 bytes, one that begins with a dot, has a slash or a control
 * character. what says what it is: "module name". */
int tree_check_name(const char *what, const char *s, struct error *err);
/* The same for a version, which lies beside the names above. */
int tree_check_version(const char *version, struct error *err);
/* The same for a kernel's release, which lies beside build/ and the like. */
int tree_check_release(const char *release, struct error *err);

/* Paths; callers free. The installed link and the original directory are the same for all
 * versions. */
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
