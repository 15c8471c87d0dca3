/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_SANDBOX_H
#define BUILDER_RUN_SANDBOX_H

#include "builder/run/command.h"

/* How commands of a module can be confined on this machine. */
enum sandbox_kind {
	SANDBOX_KIND_UNKNOWN,
	SANDBOX_KIND_NONE,     /* no namespaces here, or switched off */
	SANDBOX_KIND_USERNS,   /* our own user, in a user namespace without capabilities */
	SANDBOX_KIND_UNTRUSTED /* we are root and become SANDBOX_UID inside */
};

/* nobody: the user and group that a module's commands run as under
 * SANDBOX_KIND_UNTRUSTED, and that own the build directory. */
#define SANDBOX_UID 65534

struct sandbox {
	enum sandbox_kind kind;
	const char *writable;	 /* the one directory that may be written; NULL: none */
	const char *writable_at; /* where the command sees it; must exist outside, too */
	const char *install_tree; /* is seen as /lib/modules too, if that exists; or NULL */
	bool network;
	const char *fifo; /* a named pipe below /tmp that the command uses, or NULL */
	struct strv readable; /* paths that the command needs, wherever they are */
	struct strv secret;   /* files that it must not read */
	/* Also hides what a build has no business in: other kernels' and modules' files,
	 * most of /etc and /var. Only readable itself is shown then, not what is beside
	 * it. */
	bool strict;
	struct strv hide;     /* with strict: directories to hide as well */
	struct strv places;   /* with strict: pairs of a hidden directory and where it is to
			       * be seen, below a hidden one, too; links lead there from its
			       * path, and from its name beside that place */
	struct strv binds;    /* with strict: options of bwrap(1) that show directories in
			       * /run: "--bind", what, where */
	struct strv links;    /* with strict: pairs of a path and the target of the link
			       * that is to be there; in a hidden directory */
};

void sandbox_done(struct sandbox *box);

/* Changes the command so that bubblewrap runs it: the system read-only, /tmp, /run and
 * home directories hidden (except where readable needs them), its own PID, IPC, UTS and
 * network namespaces. With SANDBOX_KIND_NONE the command stays as it is. */
void sandbox_wrap(struct command *cmd, const struct sandbox *box);

/* Whether a strict sandbox hides what is not made readable at path. */
bool sandbox_hides(const char *path);

/* Files of /etc that a strict sandbox shows, and that can change what a build makes: for
 * the key of a cache. NULL-terminated. */
extern const char *const sandbox_etc[];
/* The same in /boot, without the kernel's release. */
extern const char *const sandbox_boot[2];

/* Whether SANDBOX_UID could reach all of readable; if not, kind must be USERNS. */
bool sandbox_reachable(const struct strv *readable);

/* A command that exits 0 when kind works on this machine. */
void sandbox_probe(enum sandbox_kind kind, struct command *cmd);

#endif
