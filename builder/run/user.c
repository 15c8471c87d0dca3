/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which user does the job run its commands as? */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "builder/run/memory-group.h"
#include "builder/run/user.h"

/* The locks of users are here, because they hold for the machine and not for a tree. */
#define LOCK_TREE "/run/dkms"
/* systemd has a file for each user of a service here. */
#define DYNAMIC_USERS "/run/systemd/dynamic-uid"
/* Numbers that nobody uses, as the same page of systemd says. */
#define KILLER_FIRST 65520
#define KILLER_LAST 65533
#define FILES_MAX 4096 /* files that each process may have open */
#define USERS (USER_LAST - USER_FIRST + 1)

/* Whether a process runs as the user: one of a service, of a container, or of an account
 * that /etc/passwd does not have. */
static bool has_processes(uid_t uid)
{
	errno = 0;
	getpriority(PRIO_USER, uid);
	return errno == 0;
}

/* Whether /etc/passwd had the user when dkms began. To ask other sources may need the
 * network. */
static bool has_account(uid_t uid)
{
	static bool was_read, found[USERS];
	FILE *f = was_read ? NULL : fopen("/etc/passwd", "re");
	const struct passwd *account;

	while (f && (account = fgetpwent(f)))
		if (account->pw_uid >= USER_FIRST && account->pw_uid <= USER_LAST)
			found[account->pw_uid - USER_FIRST] = true;
	if (f)
		fclose(f);
	was_read = true;
	return found[uid - USER_FIRST];
}

static int lock_user(const char *tree, uid_t uid, struct user *ret, struct error *err)
{
	_cleanup_free_ char *name = xasprintf("/user-%u", uid);
	_cleanup_free_ char *dynamic = xasprintf(DYNAMIC_USERS "/%u", uid);
	_cleanup_(error_done) struct error first = {0};
	int r;

	if (path_exists(dynamic) || has_processes(uid) || has_account(uid))
		return -EAGAIN;
	r = lock_try(LOCK_TREE, name, &ret->lock, &first);
	if (r < 0 && r != -EAGAIN)
		r = lock_try(tree, name, &ret->lock, err);
	if (r == 0)
		ret->uid = uid;
	return r;
}

int user_take(const char *tree, struct user *ret, struct error *err)
{
	static unsigned int next;
	int r = -EAGAIN;

	/* Processes that start at the same time begin at different users. */
	if (!next)
		next = (unsigned int)getpid() * 37;
	for (unsigned int i = 0; i < USERS && r == -EAGAIN; i++)
		r = lock_user(tree, USER_FIRST + next++ % USERS, ret, err);
	if (r == -EAGAIN)
		error_set(err, r, 1, "all users from %d to %d are taken", USER_FIRST,
			USER_LAST);
	return r;
}

/* Returns a user who has no process. */
static uid_t find_killer(void)
{
	uid_t uid = KILLER_FIRST;

	while (uid < KILLER_LAST && has_processes(uid))
		uid++;
	return uid;
}

/* Kills all processes of a user. kill(2) with -1 signals everything that its caller may
 * signal, so a process with that effective user ID has to call it. Its other user IDs are
 * those of nobody: otherwise the processes could stop it first, and dkms would wait for it
 * without end. */
static void kill_processes(uid_t uid)
{
	uid_t killer = find_killer();
	pid_t pid = fork();

	if (pid == 0) {
		if (setresgid(uid, uid, uid) == 0 &&
			setresuid(killer, uid, killer) == 0)
			kill(-1, SIGKILL);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void user_end_processes(const struct user *u)
{
	if (u->uid && u->outside)
		kill_processes(u->uid);
}

void user_give(struct user *u)
{
	user_end_processes(u);
	memory_group_remove(u->memory_group);
	lock_release(&u->lock);
	*u = (struct user){0};
}

/* Appends an option of prlimit(1), which sets the limit, or keeps a lower one: to raise it
 * is not always permitted. */
static void add_limit(struct strv *argv, const char *option, int resource, rlim_t limit)
{
	struct rlimit now;

	if (getrlimit(resource, &now) == 0 && now.rlim_max < limit)
		limit = now.rlim_max;
	strv_pushf(argv, "--%s=%ju", option, (uintmax_t)limit);
}

void user_add_options(struct strv *argv, uid_t uid, unsigned int max_processes)
{
	if (!uid)
		return;
	strv_push(argv, "prlimit");
	add_limit(argv, "core", RLIMIT_CORE, 0);
	add_limit(argv, "nofile", RLIMIT_NOFILE, FILES_MAX);
	if (max_processes)
		add_limit(argv, "nproc", RLIMIT_NPROC, max_processes);
	strv_push(argv, "setpriv");
	strv_pushf(argv, "--reuid=%u", uid);
	strv_pushf(argv, "--regid=%u", uid);
	strv_push_all(argv, (const char *const[]){"--clear-groups", "--inh-caps=-all",
				    "--no-new-privs", NULL});
}
