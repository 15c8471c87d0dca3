/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <sys/types.h>

#include "base/error.h"

/* Locks between processes of dkms. A lock is a file that only dkms's own user can open,
 * because flock(2) needs no more than the permission to read: whoever may read a file can
 * lock it, and could block dkms for ever.
 *
 * The files are in the directory .locks of the dkms tree, which has mode 0700, and not in
 * /run, because processes in several containers may share a tree. A file exists while
 * somebody holds its lock, and has the number of the process that holds it. After a
 * process was killed, the file stays, but the kernel has released the lock. The directory
 * exists while there are files in it.
 *
 * No function waits. A caller that must wait tries again later, and waits in the event
 * loop meanwhile (TRANSITION_WAIT), where it can be cancelled.
 *
 * A process that needs several locks takes them in this order, and so does not wait for
 * one that waits for it:
 *   1. the job: NAME/VERSION/.job-RELEASE-ARCH in the dkms tree
 *   2. the version: NAME/VERSION in the dkms tree (builds without a sandbox)
 *   3. the source tree, then the script POST_ADD of a version
 *   4. the kernel: its directory in the install tree. Within a process, the mutex of
 *      struct kernel comes first.
 *   5. the directory of the key pair for signing
 *   6. the cache, which has its lock files in its own directory */

/* A lock. Zero-initialised is a lock that is not held. */
struct lock {
	char *path; /* of the lock file; NULL: not held */
	int fd;
};

/* Tries to lock what, a path that need not exist: two paths that lead to the same
 * directory or file have the same lock. tree is the dkms tree, which is made if it is
 * missing. Returns 0, or -EAGAIN if another thread or process holds the lock, or another
 * negative errno. Does not set err for -EAGAIN. */
int lock_try(const char *tree, const char *what, struct lock *ret, struct error *err);
/* Returns the process that holds the lock of what, after lock_try() has returned -EAGAIN:
 * for messages. Returns 0 if it is not known. */
pid_t lock_holder(const char *tree, const char *what);
/* Releases the lock if it is held. */
void lock_release(struct lock *l);
/* Returns whether there are lock files that killed processes have left in the tree. */
bool lock_has_leftovers(const char *tree);
/* Removes the lock files that killed processes have left in the tree. */
void lock_remove_leftovers(const char *tree);

/* Opens and locks a lock file elsewhere, and makes it with mode 0600 if it is missing.
 * Waits for the lock for at most that many seconds: for locks that are held for a moment
 * only. Returns a descriptor, whose closing releases the lock; -EAGAIN if it was locked
 * all the time; or another negative errno. */
int lock_file_within(const char *path, bool shared, unsigned int seconds);

#endif
