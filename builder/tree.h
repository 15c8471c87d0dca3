/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_H
#define BUILDER_TREE_H

#include "base/error.h"
#include "base/strv.h"

/* The dkms tree: which module versions are known, built and installed. A state is read
 * from directories and links and from nothing else, so trees are exchanged freely with
 * the other dkms. The layout:
 *
 *   NAME/VERSION/source                symlink to the source directory
 *   NAME/VERSION/build/                working directories and logs of builds
 *   NAME/VERSION/RELEASE/ARCH/module/  built modules
 *   NAME/VERSION/RELEASE/ARCH/log/make.log
 *   NAME/kernel-RELEASE-ARCH           symlink to VERSION/RELEASE/ARCH: installed
 *   NAME/original_module/RELEASE/ARCH/ modules that ours replaced
 *
 * Names that begin with a dot are ours and temporary. RELEASE/ARCH appears by one rename. */

enum state {
	STATE_UNKNOWN,	      /* not in the tree */
	STATE_BROKEN,	      /* source link dangles or is missing */
	STATE_ADDED,
	STATE_BUILT,
	STATE_INSTALLED_WEAK, /* installed from another kernel by weak-modules */
	STATE_INSTALLED,
};

struct tree_entry {
	char *name, *version;
	char *release, *arch; /* NULL when added or broken */
	char *weak_release;   /* the kernel it was built for, when STATE_INSTALLED_WEAK */
	enum state state;
};

struct tree_list {
	struct tree_entry *entries; /* by name, version in version order, release, arch */
	size_t n;
};

/* Which entries; NULL means any. */
struct tree_filter {
	const char *name, *version, *release, *arch;
};

/* What is known below dkms_tree and passes the filter. A version with no kernel that
 * passes (but known) is one entry added or broken. A missing tree is empty. source_tree
 * serves to recognise a broken entry whose link is gone. tree_list_done frees. */
int tree_read(const char *dkms_tree, const char *source_tree, const struct tree_filter *filter,
	struct tree_list *ret, struct error *err);
void tree_list_done(struct tree_list *l);

/* The state of one module version on one kernel. */
enum state tree_state(const char *dkms_tree, const char *source_tree, const char *name,
	const char *version, const char *release, const char *arch);
/* The version of a package that is installed on a kernel; caller frees, NULL if none. */
char *tree_installed_version(const char *dkms_tree, const char *name, const char *release,
	const char *arch);
/* Known versions of name, oldest first; the newest is the last. */
int tree_versions(const char *dkms_tree, const char *name, struct strv *ret);
/* All known package names, sorted. */
int tree_names(const char *dkms_tree, struct strv *ret);

/* Paths; callers free. */
char *tree_version_dir(const char *dkms_tree, const char *name, const char *version);
char *tree_built_dir(const char *dkms_tree, const char *name, const char *version,
	const char *release, const char *arch); /* .../RELEASE/ARCH */
char *tree_installed_link(const char *dkms_tree, const char *name, const char *release,
	const char *arch); /* NAME/kernel-RELEASE-ARCH */
char *tree_original_dir(const char *dkms_tree, const char *name, const char *release,
	const char *arch); /* NAME/original_module/RELEASE/ARCH */

/* Registers NAME/VERSION: makes its directory and the source link. -EEXIST (status 3)
 * when it is there and not broken. */
int tree_add(const char *dkms_tree, const char *name, const char *version, const char *source,
	struct error *err);
/* Forgets NAME/VERSION, and NAME when nothing else is left of it. */
int tree_forget(const char *dkms_tree, const char *name, const char *version,
	struct error *err);
/* Moves a finished directory (module/, log/) to RELEASE/ARCH by one rename, replacing
 * an older one. */
int tree_publish(const char *dkms_tree, const char *name, const char *version,
	const char *release, const char *arch, const char *finished, struct error *err);
/* Removes RELEASE/ARCH, first making it invisible by one rename. */
int tree_unpublish(const char *dkms_tree, const char *name, const char *version,
	const char *release, const char *arch, struct error *err);
/* Sets or removes the link that says "installed". */
int tree_set_installed(const char *dkms_tree, const char *name, const char *version,
	const char *release, const char *arch, bool installed, struct error *err);

#endif
