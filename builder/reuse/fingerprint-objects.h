/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FINGERPRINT_OBJECTS_H
#define BUILDER_REUSE_FINGERPRINT_OBJECTS_H

#include "builder/job/job.h"
#include "builder/reuse/key-texts.h"

/* What the files of a kernel's headers contain. Borrowed from the key texts. */
struct kernel_index {
	const struct line_index *headers; /* finds a line of the headers' listings by its
					   * path */
	const struct line_index *options; /* for kbuild_option_value() */
};

/* Makes the key of the objects that the job's make is about to compile, after
 * fingerprint_build(). It is only one half of what objects depend on; the other half is
 * the inputs that are listed with each of them (builder/reuse/objects.h). The parts:
 *
 *   format       the version of this key's format
 *   package      the name of the package, so that no package can make objects for another
 *   family       of the kernel: kbuild_describe_family()
 *   names        the names of the files in the build directory, as given; the key has no
 *                such part if names is NULL
 *   make         the make command, without the release of the kernel
 *   environment, sandbox
 *                as in fingerprint.h, but without the variables that describe the kernel
 *   debug-info   whether the compilers make it
 *
 * If builds are not traced, also the parts that only they have (fingerprint.h). If they
 * are, what the build that compiled the objects has looked at is in its manifest.
 *
 * The key and *ret_kernel borrow from the texts, which must live longer. From any thread.
 * Returns 0 or a negative errno. */
int fingerprint_objects(struct key_texts *texts, const struct job *job, const char *names,
	struct kernel_index *ret_kernel, struct key *ret);

#endif
