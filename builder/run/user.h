/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_USER_H
#define BUILDER_RUN_USER_H

#include <sys/types.h>

#include "base/lock.h"
#include "base/strv.h"

/* The users that commands of modules run as when dkms is run by root. Each job has a user
 * of its own, who owns nothing else and whom nobody else is meanwhile: neither another
 * job, nor a daemon that runs as nobody, can change the files of a build or send signals
 * to its processes.
 *
 * The users have no names. Their numbers are in the range that systemd uses for services
 * with DynamicUser=, so that no account and no file has them; see "Special Distribution
 * UID ranges" in https://systemd.io/UIDS-GIDS/. */
#define USER_FIRST 61184
#define USER_LAST 65519

/* A user who is taken. Zero-initialised is none: uid 0. */
struct user {
	uid_t uid; /* its group has the same number */
	bool outside; /* its processes are in no PID namespace: see user_end_processes() */
	char *memory_group; /* that its commands run in: run/memory-group.h; or NULL */
	struct lock lock;
	const char *lock_tree; /* that lock is in, borrowed */
	struct lock service; /* the one by which systemd takes the user for a service */
};

/* Takes a user who is no account, and whom no other job, no service of systemd and no
 * process has, and whom none gets until user_give(). tree is the dkms tree, which has the
 * locks if /run cannot be written; it is borrowed. Returns 0 or a negative errno; -EAGAIN
 * if all users are taken. Call it in the thread of the event loop, or with a lock. */
int user_take(const char *tree, struct user *ret, struct error *err);
/* Ends all processes of the user, if they are in no PID namespace: what a command has left
 * could change files while root looks at them, or would be there when another job has the
 * user. To be called when the command has ended. Returns 0, or a negative errno and err
 * if that is not possible; nothing that the commands have made may be used then. */
int user_end_processes(const struct user *u, struct error *err);
/* Gives the user back, if there is one, and ends its processes as user_end_processes()
 * does. */
void user_give(struct user *u);
/* Appends prlimit(1), whose limits hold for each process or, that of processes (0: no
 * limit), for the user; and setpriv(1), which changes to the user and drops what root may
 * do. Does nothing if uid is 0. */
void user_add_options(struct strv *argv, uid_t uid, unsigned int max_processes);

#endif
