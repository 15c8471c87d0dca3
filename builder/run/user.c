/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which user does the job run its commands as? */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
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

	if (!was_read && !f && errno != ENOENT)
		return true; /* nobody is taken while that is not known */
	while (f && (account = fgetpwent(f)))
		if (account->pw_uid >= USER_FIRST && account->pw_uid <= USER_LAST)
			found[account->pw_uid - USER_FIRST] = true;
	if (f)
		fclose(f);
	was_read = true;
	return found[uid - USER_FIRST];
}

/* Takes the lock of systemd for the user, so that no service gets it meanwhile. systemd
 * holds it, in a file of that name, as long as the service runs; see DynamicUser= in
 * systemd.exec(5). Returns 0, or -EAGAIN if a service has the user. Without systemd there
 * is no such directory. */
static int lock_service(uid_t uid, struct lock *ret)
{
	_cleanup_free_ char *path = xasprintf(DYNAMIC_USERS "/%u", uid);
	_cleanup_close_ int fd = lock_file_within(path, false, 0);
	struct stat st;

	if (fd < 0)
		return fd == -EAGAIN || path_exists(path) ? -EAGAIN : 0;
	if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		return -EAGAIN;
	*ret = (struct lock){TAKE_PTR(path), take_fd(&fd)};
	return 0;
}

/* Unlike lock_release(), keeps the directory. */
static void unlock_service(struct lock *l)
{
	if (!l->path)
		return;
	unlink(l->path);
	close(l->fd);
	free(l->path);
	*l = (struct lock){0};
}

static int lock_user(const char *tree, uid_t uid, struct user *ret, struct error *err)
{
	_cleanup_free_ char *name = xasprintf("/user-%u", uid);
	_cleanup_(error_done) struct error first = {0};
	int r;

	if (has_processes(uid) || has_account(uid))
		return -EAGAIN;
	ret->lock_tree = LOCK_TREE;
	r = lock_try(LOCK_TREE, name, &ret->lock, &first);
	if (r < 0 && r != -EAGAIN) {
		ret->lock_tree = tree;
		r = lock_try(tree, name, &ret->lock, err);
	}
	if (r == 0)
		r = lock_service(uid, &ret->service);
	if (r == 0)
		ret->uid = uid;
	else
		lock_release(&ret->lock);
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

/* Takes a user who has no process, and whom nobody else takes until the lock is released.
 * Returns its number or a negative errno. */
static int take_killer(const char *tree, struct lock *ret, struct error *err)
{
	static const struct timespec pause = {.tv_nsec = 1000 * 1000};

	/* The others are taken for less than a millisecond each. */
	for (int i = 0; i < 5000; i++) {
		uid_t uid = KILLER_FIRST +
			    (uid_t)i % (KILLER_LAST - KILLER_FIRST + 1);
		_cleanup_free_ char *name = xasprintf("/killer-%u", uid);
		int r = lock_try(tree, name, ret, err);

		if (r < 0 && r != -EAGAIN)
			return r;
		if (r == 0 && !has_processes(uid))
			return (int)uid;
		lock_release(ret);
		nanosleep(&pause, NULL);
	}
	return error_set(err, -EAGAIN, 1, "all users from %d to %d have processes",
		KILLER_FIRST, KILLER_LAST);
}

/* The system calls change the user of this thread alone; setresuid(3) would change that of
 * all threads. */
static int set_thread_user(uid_t real, uid_t effective, uid_t saved)
{
#ifdef SYS_setresuid32
	long r = syscall(SYS_setresuid32, real, effective, saved);
#else
	long r = syscall(SYS_setresuid, real, effective, saved);
#endif

	return r < 0 ? -errno : 0;
}

/* Kills all processes of a user. kill(2) with -1 signals everything that its caller may
 * signal, so this thread, which the kernel does not count as one of them, becomes that user
 * for a moment. No process is started for it: they might have left no room for one. The
 * other user IDs of the thread are those of a user who has no processes, and of root, so
 * that the processes cannot signal dkms meanwhile. */
static int kill_processes(uid_t uid, uid_t killer)
{
	int dumpable = prctl(PR_GET_DUMPABLE);
	int r = set_thread_user(killer, uid, 0);

	if (r == 0 && kill(-1, SIGKILL) < 0 && errno != ESRCH)
		r = -errno;
	if (geteuid() != 0 && set_thread_user(0, 0, 0) < 0)
		abort(); /* the thread must not go on as somebody else */
	if (dumpable >= 0)
		prctl(PR_SET_DUMPABLE, dumpable);
	return r;
}

int user_end_processes(const struct user *u, struct error *err)
{
	static const struct timespec pause = {.tv_nsec = 1000 * 1000};
	struct lock lock = {0};
	int r;

	if (!u->uid || !u->outside)
		return 0;
	r = take_killer(u->lock_tree, &lock, err);
	if (r >= 0)
		r = kill_processes(u->uid, (uid_t)r);
	lock_release(&lock);
	if (r < 0)
		return error_errno(
			err, r, 1, "cannot end the processes that the build has left");
	/* They end soon, but in a container they may stay there as zombies. */
	for (int i = 0; i < 1000 && has_processes(u->uid); i++)
		nanosleep(&pause, NULL);
	return 0;
}

void user_give(struct user *u)
{
	(void)user_end_processes(u, NULL);
	memory_group_remove(u->memory_group);
	lock_release(&u->lock);
	unlock_service(&u->service);
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
