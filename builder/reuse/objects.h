/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_OBJECTS_H
#define BUILDER_REUSE_OBJECTS_H

#include "cache/entry.h"
#include "cache/manifest.h"
#include "cache/pieces.h"
#include "builder/job/job.h"
#include "builder/reuse/inputs.h"

/* Object files that need not be compiled, because an earlier build compiled the same
 * ones: a build of the package for another kernel, or of a source in which other files
 * differ.
 *
 * store-objects.c: After a build, each object that kbuild compiled is stored together
 * with its .cmd file and the list of its inputs. The inputs are each file that the
 * compiler read, with its content, each CONFIG option that these files mention, with its
 * value, and the files of the package that decided what the build did (fixed-files.c).
 *
 * restore-objects.c: Before another build with the same key (fingerprint_objects()) runs
 * make, the objects whose inputs are all the same are put into its build directory.
 * kbuild links those that are newer than all files that they depend on and have the same
 * command line, and compiles all others. So an object is used only if both the cache and
 * kbuild agree to it.
 *
 * check-objects.c: The build starts again without objects from the cache if make was
 * given some and fails, or if it leaves other files than the build that compiled them
 * did, or if it changes files that they depend on.
 *
 * This requires that paths are the same for all kernels, so it requires a sandbox and a
 * known layout of the headers (host/header-mounts.c). These objects are never stored, but
 * left to the compiler and to ccache:
 *
 *   - objects that depend on a file that make generated, or that is reached through a
 *     link that make created, or that is neither in the build directory nor in the
 *     kernel's headers;
 *   - objects of sources that can read more than the list says: has_unlisted_inputs();
 *   - objects that kbuild did not compile, and those that kbuild compiles from its own
 *     source for each module (.module-common.o) and that contain the kernel release;
 *   - objects whose command line reads more than the list says, and objects that were
 *     changed after they had been compiled: kbuild_objects_find(). */

struct objects {
	struct inputs inputs; /* the build directory before make, and the kernel */
	/* When the inputs were read (CLOCK_REALTIME). A file in the build directory with
	 * a later ctime was changed by make, or is a restored object. */
	struct timespec began;
	struct key key;
	struct entry origin; /* the objects came from this entry; no files: none did */
	struct pieces origin_pieces; /* the pieces of this entry */
	struct manifest origin_manifest; /* and what its build had looked at */
	struct strv restored;        /* names of the object files that make was given */
	struct stat *restored_stats; /* of these files, when they were put there */
	struct entry new_entry;      /* to be published with the build; no files: none */
	size_t n_reused, n_compiled; /* objects that make took, and that it compiled */
};

/* NULL is allowed. */
void objects_free(struct objects *o);

/* The titles of entries with objects begin with this. The rest is as in entries with
 * modules: "NAME/VERSION RELEASE ARCH". */
#define OBJECTS_TITLE "objects "

/* Lines of make.log about objects begin with this. */
#define OBJECTS_NOTE "# objects from the cache"

/* Returns why no objects of the build are stored or looked for, or NULL if they are.
 * Static text. */
const char *objects_find_obstacle(const struct job *job);
/* Whether make was given objects. */
bool objects_were_restored(const struct job *job);
/* Returns the release of the kernel that an entry with objects was made for, from its
 * title; NULL if the title has another form. The caller frees. */
char *objects_origin_release(const struct entry *e);

/* Returns whether the build of an entry with objects has looked at the same compilers,
 * other tools and libraries as the job's would. If not, sets *ret_change, unless it is
 * NULL, to a line such as "file: /usr/bin/as differs", which the caller frees. Builds that
 * are not traced have these in their key. */
bool objects_may_use(const struct job *job, const struct entry *e, char **ret_change);

/* Returns a digest of what the package and the administrator gave to patches and scripts
 * to work on: source, overrides and depends in the key of the build. It is the second
 * word of the note of pieces. The caller frees. */
char *objects_digest_preparation(const struct job *job);
/* Whether this digest was the same when these pieces were stored. */
bool objects_had_same_preparation(const struct job *job, const struct pieces *p);

#endif
