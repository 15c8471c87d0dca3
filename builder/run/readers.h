/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_READERS_H
#define BUILDER_RUN_READERS_H

#include "base/strv.h"

/* Which files of the build directory can have decided what a build does, and which were
 * only compiled? A file that make, a shell or any other program opens may be a script, or
 * hold a word that becomes part of a command. A source that only the C compiler opens
 * decides what is in its own object, and nothing else.
 *
 * The kernel reports, in their order, each program that is executed and each of the files
 * that is opened, with the process that did it. So it is known which program a process
 * was when it opened a file, even if it has ended long ago. A file counts as read unless
 * its name ends in .c, .h or .S and only these programs of the system have opened it: the
 * C compiler, and kbuild's fixdep and modpost, which look for the names of options and
 * compute a checksum.
 *
 * What the compiler makes of a source can decide something as well: a program of the
 * build's own, a library, a text. So all files count as read if the build executes a
 * file that it has made itself, or opens one that kbuild does not make for each
 * module. The compiler's output to a pipe is not seen here; see
 * builder/reuse/fixed-files.c. */
struct readers;

/* Starts to watch the files, whose names are relative to dir. They must be regular files,
 * and no two of them the same one. Returns NULL if the kernel does not permit it.
 * readers_free() frees. */
struct readers *readers_new(const char *dir, const struct strv *names);
void readers_free(struct readers *r); /* NULL is allowed */

/* Adds a mount of the sandbox: path leads to it from here. Returns 0 or a negative errno.
 * After readers_stop(), it does nothing. */
int readers_add_mount(struct readers *r, const char *path, bool writable);
/* Takes what the kernel has reported since the last call. Does not wait. */
void readers_read(struct readers *r);
/* Takes the rest, and watches no more. */
void readers_stop(struct readers *r);

/* Makes all files count as read. */
void readers_fail(struct readers *r);
/* Appends the names of the files that count as read. */
void readers_list(const struct readers *r, struct strv *ret);

/* Whether kbuild makes a file of this name for every module. */
bool readers_is_kbuild_product(const char *name);

#endif
