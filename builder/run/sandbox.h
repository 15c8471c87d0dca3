/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_SANDBOX_H
#define BUILDER_RUN_SANDBOX_H

#include "base/error.h"
#include "builder/run/command.h"

/* How commands that come from a module can be confined on this machine. */
enum sandbox_kind {
	SANDBOX_KIND_UNKNOWN,
	SANDBOX_KIND_NONE,   /* namespaces do not work here, or the sandbox is off */
	SANDBOX_KIND_USERNS, /* bubblewrap is run by the user of the command */
	/* bubblewrap is run by root, who can show what the user of the command cannot
	 * reach; it changes to that user in the sandbox */
	SANDBOX_KIND_UNTRUSTED
};

/* The descriptors of a traced command: see sandbox_wrap_command(). */
enum {
	SANDBOX_INFO_FD = 5, /* bwrap writes {"child-pid": PID, ...} there */
	SANDBOX_READY_FD,    /* gets a line once all mounts are made, before the command */
	SANDBOX_GO_FD,       /* the command starts when a line can be read from it */
	SANDBOX_FDS
};

/* What a confined command may see and write. Strings are borrowed; sandbox_done() frees
 * the vectors. */
struct sandbox {
	enum sandbox_kind kind;
	/* The user and group that the command runs as, see run/user.h; 0: those of
	 * dkms. */
	uid_t uid;
	/* How many processes and threads that user may have; 0: no limit. */
	unsigned int max_processes;
	const char *memory_group; /* of the command: run/memory-group.h; or NULL */
	bool unfiltered; /* all system calls are permitted, see run/seccomp.h */
	/* Pairs of a directory that the command may write to, and where it sees it: in a
	 * directory that exists outside of the sandbox as well, or that is emptied. */
	struct strv writable_dirs;
	/* The directory that the command sees at /tmp, for files that one command of a
	 * job leaves to the next. It must belong to the user who runs bubblewrap, and be
	 * mode 1777. NULL: each command has an empty /tmp. */
	const char *tmp_dir;
	const char *jobserver_fifo; /* named pipe of make's jobserver in /tmp, or NULL */
	bool network;                 /* the command may use the network */
	struct strv readable_paths;   /* paths that the command must see, hidden or not */
	struct strv secret_files;     /* files that the command must not read */
	/* Hides more: other kernels' and other modules' files, and most of /etc and
	 * /var. Without strict nothing but bwrap_options is used of the rest. */
	bool strict;
	struct strv hidden_dirs; /* directories to hide besides the built-in ones */
	/* Pairs of a real path and the place where it is shown, which is in a hidden
	 * directory. If the path itself is hidden, a link at it leads to the place. */
	struct strv moved_paths;
	/* Pairs of a place in a hidden directory and the target of the symbolic link to
	 * make there. The directories of moved_paths and of these are as in the sandbox,
	 * by sandbox_place(): links that the system has there do not count. */
	struct strv placed_links;
	/* Options of bwrap(1) that show directories in /run: "--bind", what, where. */
	struct strv bwrap_options;
	/* Pairs of a path in a hidden directory and the target of the symbolic link to
	 * make there. */
	struct strv symlinks;
	/* Pairs of a file and the place where it is shown, also over another file and
	 * also in /proc. The build finds it in place of what is there. */
	struct strv shown_files;
	/* Pairs of a text and the path of the file that has it for the command, at most
	 * COMMAND_FDS - 1. */
	struct strv data_files;
};

/* Frees the vectors of box. */
void sandbox_done(struct sandbox *box);

/* Changes cmd so that bubblewrap runs it. The system is read-only; /tmp, /var/tmp, /run
 * and home directories are empty except for what readable_paths shows; the command has
 * PID, IPC, UTS and network namespaces of its own. SANDBOX_KIND_NONE changes
 * only its user and sets cmd->filter. If cmd->trace is set, cmd must be given the descriptors
 * named above, and it waits for SANDBOX_GO_FD before it starts. Returns 0, or a negative errno
 * and err if a part of the sandbox cannot be made; cmd must not be run then. */
int sandbox_wrap_command(
	struct command *cmd, const struct sandbox *box, struct error *err);

/* Returns whether a strict sandbox hides path, unless path is made readable. */
bool sandbox_hides_path(const char *path);

/* Returns where a strict sandbox has path, which is one of the directories that it
 * empties or in one (/etc, /lib/modules, /usr/src, /var, ...): path with the links in the name of
 * that directory resolved, as mounts need it. The caller frees it. NULL if path is no
 * such directory and in none, or if this machine does not have the directory. */
char *sandbox_place(const char *path);

/* The files of /etc that a strict sandbox shows and that can change what a build makes,
 * so that they belong in a cache key. NULL-terminated. */
extern const char *const sandbox_visible_etc[];
/* The same for /boot; the kernel release is to be appended to each. */
extern const char *const sandbox_visible_boot[2];

/* Returns whether the user of a command, who owns nothing, may read the file at path, or
 * enter the directory. With SANDBOX_KIND_UNTRUSTED and strict, directories above it that
 * the sandbox hides do not matter. */
bool sandbox_user_can_read(const struct sandbox *box, const char *path);

/* Fills cmd, which command_done() frees, with a command that exits 0 if kind works on
 * this machine, with commands that run as uid (0: the user of dkms) and, unless unfiltered,
 * with the filter of system calls. Returns what sandbox_wrap_command() does. */
int sandbox_fill_probe(enum sandbox_kind kind, uid_t uid, bool unfiltered,
	struct command *cmd, struct error *err);

#endif
