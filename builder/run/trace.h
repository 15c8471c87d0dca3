/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_TRACE_H
#define BUILDER_RUN_TRACE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strv.h"

/* A record of the files and directories that sandboxed commands open and execute. The
 * kernel reports each open(2) and execve(2) on the mounts of a sandbox, however it is
 * made: through links, /proc/self/root or a descriptor of a directory, for mmap(2), by a
 * static program, or by io_uring(7). fanotify(7) is the interface; it needs CAP_SYS_ADMIN
 * in the first user namespace.
 *
 * Mounts that the commands can write to are left out, because what is there is their own
 * work: the build directory, /tmp, the directories of ccache. /proc is in. What the
 * sandbox itself runs before the command (sh, setpriv) is left out as well.
 *
 * stat(2), access(2), readlink(2), and opening a file that does not exist are not
 * reported. Nor is what happens in a mount namespace that a command makes: the commands
 * must have the filter of run/seccomp.h, which keeps them from that. */
struct trace;

struct traced_file {
	char *path;     /* as the command saw it */
	struct stat st; /* when it was first opened */
	bool executed;  /* by execve(2) */
	bool deleted;   /* it had no name any more when dkms looked */
};

/* Starts a record for the commands of one job, which run one after the other. Returns
 * NULL and err if the kernel does not permit it. trace_free() frees. */
struct trace *trace_new(struct error *err);
void trace_free(struct trace *t); /* NULL is allowed */

/* Adds the mounts that a process sees to those whose opens are reported, except for
 * writable ones. The process must have all of its mounts. Returns 0 or a negative errno;
 * after an error the record is incomplete. */
int trace_add_mounts(struct trace *t, pid_t pid);
/* Takes what the kernel has reported since the last call. Does not wait. To be called
 * often enough that the kernel's queue is never full. The record is incomplete if
 * something was mounted where the command can see it. */
void trace_read(struct trace *t);
/* Takes the rest, after the command has ended. */
void trace_end_command(struct trace *t);

/* Watches which of the files in dir the next command reads otherwise than to compile them;
 * readers.h says what that is, and what the names may be. */
void trace_watch(struct trace *t, const char *dir, const struct strv *names);
/* Appends the names of the files that it has read. Returns false if that is not known. */
bool trace_list_read(const struct trace *t, struct strv *ret);

/* Marks the record as incomplete for a reason, which must be static text. The first
 * reason stays. */
void trace_fail(struct trace *t, const char *reason);
/* Returns why the record is incomplete, or NULL if it is complete. Static text. */
const char *trace_problem(const struct trace *t);
/* Returns the recorded files and their number. They belong to the record and are valid
 * until trace_read() is called. A file with several hard links is there once for each
 * path; so are all files, if bind mounts show some of them at several paths. */
const struct traced_file *trace_files(const struct trace *t, size_t *ret_n);
/* Returns the time before which every input must have been changed for the last time
 * (CLOCK_REALTIME_COARSE, which is the clock of ctime): that of trace_new(). */
struct timespec trace_began(const struct trace *t);

#endif
