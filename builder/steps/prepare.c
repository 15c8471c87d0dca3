/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a build before the module's own commands: JOB_CHECKING, JOB_WAITING and
 * JOB_COPYING. builder/build/build.c describes the directories. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/dir-copy.h"
#include "base/file.h"
#include "base/walk.h"
#include "builder/run/private-tmp.h"
#include "builder/run/trace.h"
#include "builder/host/architecture.h"
#include "builder/host/distro.h"
#include "builder/host/header-mounts.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/build/constants.h"
#include "builder/build/debug-info.h"
#include "builder/build/places.h"
#include "builder/build/post-build.h"
#include "builder/reuse/cached.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/fleet.h"
#include "builder/reuse/probe-memo.h"
#include "builder/reuse/reuse.h"
#include "builder/steps/clean.h"
#include "builder/steps/prepare.h"

/* JOB_CHECKING */

/* Checks whether the modules in BUILD_DEPENDS are installed for the kernel. */
static int check_depends(struct job *job)
{
	const struct settings *s = job->shared->settings;

	if (job->request.depends_met || s->switches.force)
		return 0;
	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *version = tree_installed_version(
			s->trees.dkms, job_module_on_kernel(job, name));

		if (!version)
			return error_set(&job->outcome.error, -ENOENT, 13,
				"%s/%s needs %s, which is not installed for %s",
				job->name, job->version, name, job->kernel->release);
	}
	return 0;
}

static int check_source(struct job *job, const char *source)
{
	_cleanup_(strv_done) struct strv names = {0};
	int r = dir_list(source, &names);

	if (r < 0)
		return error_errno(&job->outcome.error, r, 8, "cannot read %s", source);
	if (names.n < 2)
		return error_set(&job->outcome.error, -ENOENT, 8,
			"there is no source to build in %s", source);
	return 0;
}

/* Sets the remedy for a path of sandbox_write that only its owner can write to. Nobody should
 * make a directory of the system one for everybody. */
static void advise_writable(struct error *err, const char *path, bool is_dir)
{
	static const char *const system[] = {
		"/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/run", "/sbin", "/sys", "/usr"};
	bool is_system = !strchr(path + 1, '/');

	for (size_t i = 0; i < ARRAY_SIZE(system) && !is_system; i++)
		is_system = path_is_in(path, system[i]);
	if (is_system || !is_dir)
		error_remedy(err, "name a directory that is there for this package alone, and: chmod 1777");
	else
		error_remedy(err, "chmod 1777 %s", path);
}

/* Checks whether the build can write to what sandbox_write lists. */
static int check_writable_paths(struct job *job)
{
	const char *paths = job->policy.sandbox.write;
	_cleanup_(strv_done) struct strv listed = {0};
	struct stat st;

	strv_split(&listed, paths ? paths : "");
	for (size_t i = 0; i < listed.n; i++) {
		const char *path = listed.items[i];

		if (stat(path, &st) < 0)
			return error_errno(&job->outcome.error, -errno, 1,
				"sandbox_write has %s, which builds cannot write to", path);
		if (!job_own_users(job) || st.st_mode & S_IWOTH)
			continue;
		error_set(&job->outcome.error, -EACCES, 1,
			"sandbox_write has %s, but only its owner can write to it, and builds do "
			"not run as root",
			path);
		advise_writable(&job->outcome.error, path, S_ISDIR(st.st_mode));
		return -EACCES;
	}
	return 0;
}

/* Sets how the build is confined, and checks whether the user that it runs as can read
 * what it needs. */
static int choose_sandbox(struct job *job)
{
	_cleanup_(strv_done) struct strv paths = {0};
	struct build *b = job->build;
	const struct sandbox box = {.kind = job_sandbox(job), .strict = true};

	b->sandbox = box.kind;
	if (check_writable_paths(job) < 0)
		return -EACCES;
	if (!job_own_users(job))
		return 0;
	strv_push(&paths, job->kernel->headers);
	if (box.kind != SANDBOX_KIND_UNTRUSTED)
		strv_push(&paths, b->paths.version_dir);
	job_list_sandbox_paths(job, &paths);
	for (size_t i = 0; i < paths.n; i++) {
		const char *path = paths.items[i];

		/* A file can be handed over. */
		if (path_is_file(path) || sandbox_user_can_read(&box, path))
			continue;
		error_set(&job->outcome.error, -EACCES, 1,
			"%s can be read only by its owner, and builds do not run as root",
			path);
		error_remedy(&job->outcome.error, "chmod -R go+rX %s", path);
		return -EACCES;
	}
	return 0;
}

/* Chooses what the build sees of its kernel, where, and its compiler. */
static int choose_view(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct toolchain *t = &job->build->toolchain;
	_cleanup_free_ char *remedy = NULL;
	int r;

	if (job->build->sandbox != SANDBOX_KIND_NONE)
		header_mounts_list(job->kernel, &job->build->header_mounts);
	places_choose(job);
	r = toolchain_choose_for_kernel(job->kernel,
		s->remote.only ? TOOLCHAIN_ALL : getenv("PATH"), t, &job->outcome.error);
	if (r < 0 || !t->missing)
		return r;
	error_set(&job->outcome.error, -ENOENT, 1,
		"%s, the compiler for kernels of %s, is not installed", t->missing,
		job->kernel->arch);
	remedy = distro_compiler_command(s->distro, t->missing);
	if (remedy)
		error_remedy(&job->outcome.error, "%s", remedy);
	return -ENOENT;
}

/* Returns whether no job gets further than to JOB_CHECKING. */
static bool ends_here(const struct settings *s)
{
	return s->switches.dry_run && !s->switches.explain;
}

enum transition check_enter(struct job *job)
{
	const struct kernel *kernel = job->kernel;

	if (job->outcome.state_before >= STATE_BUILT && !job->request.rebuild &&
		!(job->kind == JOB_BUILD && job->shared->settings->switches.force))
		return TRANSITION_NEXT;
	if (job->conf->excluded) {
		job->outcome.result = RESULT_EXCLUDED;
		return TRANSITION_STOP;
	}
	if (!kernel->has_headers) {
		_cleanup_free_ char *remedy = distro_headers_command(
			job->shared->settings->distro, kernel->release);

		error_set(&job->outcome.error, -ENOENT, 21,
			"no kernel headers for %s in %s", kernel->release,
			kernel->headers);
		if (remedy)
			error_remedy(&job->outcome.error, "%s", remedy);
		return TRANSITION_FAIL;
	}
	if ((!job->shared->settings->remote.only &&
		    architecture_check_headers(kernel, &job->outcome.error) < 0) ||
		check_depends(job) < 0)
		return TRANSITION_FAIL;
	job->build = build_new(job);
	job->reuse = reuse_new();
	if (choose_sandbox(job) < 0 || check_source(job, job->build->paths.source_dir) < 0)
		return TRANSITION_FAIL;
	if (ends_here(job->shared->settings))
		clean_free_build(job);
	else if (choose_view(job) < 0)
		return TRANSITION_FAIL;
	return TRANSITION_NEXT;
}

/* JOB_WAITING */

/* Locks the job's directory, and makes it. The kernel drops the lock of a process that
 * was killed; build_clear_job_dir() removes the files that it has left. */
static int lock_job_dir(struct job *job)
{
	struct build *b = job->build;
	int r = 0;

	if (!b->job_lock.path)
		r = job_try_lock(job, b->paths.job_dir, &b->job_lock);
	return r < 0 ? r : dir_make(b->paths.job_dir, &job->outcome.error);
}

/* Locks the version. Without namespaces the builds for all kernels share one build
 * directory, so only one of them can run at a time: see rename_to_build_dir(). */
static int lock_version(struct job *job)
{
	struct build *b = job->build;
	int r;

	if (b->sandbox != SANDBOX_KIND_NONE || b->version_lock.path)
		return 0;
	r = job_try_lock(job, b->paths.version_dir, &b->version_lock);
	if (r == 0)
		post_build_restore_place(b);
	return r;
}

/* Called when the locks are held. If another dkms process has built the version since
 * JOB_LOOKING, the job does not build it again. */
static enum transition check_built_meanwhile(struct job *job)
{
	const struct settings *s = job->shared->settings;
	enum tree_state state =
		tree_state(s->trees.dkms, s->trees.source, job_on_kernel(job));

	if (s->switches.force || job->outcome.state_before >= STATE_BUILT ||
		state < STATE_BUILT)
		return TRANSITION_NEXT;
	job->outcome.state_before = state;
	dir_remove(job->build->paths.job_dir, NULL);
	clean_free_build(job);
	if (job->kind == JOB_INSTALL && state < STATE_INSTALLED_WEAK)
		return TRANSITION_NEXT;
	job->outcome.result = RESULT_NOTHING;
	return TRANSITION_STOP;
}

enum transition wait_enter(struct job *job)
{
	struct build *b = job->build;
	int r;

	if (!b)
		return TRANSITION_NEXT;
	r = dir_make(b->paths.real_build_dir, &job->outcome.error);
	if (r == 0)
		r = lock_job_dir(job);
	if (r == 0)
		r = lock_version(job);
	if (r == 0)
		return check_built_meanwhile(job);
	return r == -EAGAIN ? TRANSITION_WAIT : TRANSITION_FAIL;
}

/* JOB_COPYING */

/* Adds the variables that choose the compiler to the log, for somebody who repeats a
 * command by hand. */
static void log_toolchain(const struct build *b)
{
	_cleanup_(strv_done) struct strv variables = {0};
	_cleanup_free_ char *line = NULL;

	toolchain_set_environment(&b->toolchain, &variables);
	line = strv_join(&variables, " ");
	if (*line)
		buildlog_add_environment(b->log_fd, line);
}

/* Adds to the log where the commands see the trees, for the same purpose. */
static void log_places(const struct build *b)
{
	for (size_t i = 0; i + 1 < b->places.n; i += 2)
		if (!streq(b->places.items[i], b->places.items[i + 1]))
			buildlog_add_place(b->log_fd, b->places.items[i + 1],
				b->places.items[i]);
}

static int open_log(struct job *job)
{
	struct build *b = job->build;

	unlink(b->paths.log);
	close_ptr(&b->log_fd);
	b->log_fd = open(
		b->paths.log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
	if (b->log_fd < 0)
		return error_errno(
			&job->outcome.error, -errno, 1, "cannot create %s", b->paths.log);
	buildlog_begin(b->log_fd, job->name, job->version, job->kernel->release,
		job->kernel->arch);
	log_toolchain(b);
	log_places(b);
	return 0;
}

/* Copies the file that a walk through the directory from has found to the directory name
 * below the build directory. */
static int copy_patch(const struct walk_entry *e, const char *from, struct job *job,
	const char *name, uid_t uid)
{
	const char *work_dir = job->build->work_dir;
	_cleanup_free_ char *a = path_join(from, e->path), *b = path_join(name, e->path);
	_cleanup_free_ char *dir = path_parent(b);
	_cleanup_close_ int fd =
		beneath_make_dir(work_dir, dir, uid, &job->outcome.error);
	int r = fd < 0 ? fd : beneath_put_file(a, fd, e->name, uid);

	return r < 0 ? error_errno(&job->outcome.error, r, 1, "cannot copy %s to %s/%s", a,
			       work_dir, b)
		     : 0;
}

/* Makes the directory name below the build directory, unless it exists. */
static int make_patch_dir(struct job *job, const char *name, uid_t uid)
{
	_cleanup_close_ int fd = beneath_make_dir(
		job->build->work_dir, name, uid, &job->outcome.error);

	return fd < 0 ? fd : 0;
}

/* Copies the content of the directory from into the directory name below the build
 * directory, which need not exist. Replaces files of the same names. Follows the links in
 * from, and those below the build directory that stay in it: others could lead root to
 * any directory. The copies belong to uid unless it is -1. */
static int copy_over(const char *from, struct job *job, const char *name, uid_t uid)
{
	struct error *err = &job->outcome.error;
	_cleanup_close_ int fd = beneath_make_dir(job->build->work_dir, name, uid, err);
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = fd < 0 ? fd : walk_begin(&w, from, WALK_SORTED);

	if (fd >= 0 && r < 0)
		return error_errno(err, r, 1, "cannot read %s", from);
	while (r == 0 && (e = walk_next(&w))) {
		_cleanup_free_ char *a = path_join(from, e->path),
				    *b = path_join(name, e->path);

		if (e->error)
			r = error_errno(err, e->error, 1, "cannot read %s", a);
		else if (e->type == DT_DIR)
			r = make_patch_dir(job, b, uid);
		else if (e->type == DT_LNK && path_is_dir(a))
			r = copy_over(a, job, b, uid);
		else
			r = copy_patch(e, from, job, name, uid);
	}
	return r;
}

/* Copies the administrator's patches, in /etc/dkms/NAME/patches, over those of the
 * package. */
static int copy_config_patches(struct job *job, uid_t uid)
{
	_cleanup_free_ char *from =
		xasprintf("%s/%s/patches", job->shared->settings->config_dir, job->name);
	int r = job->conf->patches.n ? path_look(from) : 0;

	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot look at %s", from);
	if (r == 0)
		return 0;
	r = copy_over(from, job, "patches", uid);
	if (r == -EXDEV)
		error_remedy(&job->outcome.error,
			"replace the link by a directory, or remove %s", from);
	return r;
}

/* Without namespaces: moves the content of real_build_dir to displaced_dir, and the
 * copy of the source to real_build_dir. restore_build_dir() in clean.c undoes this. */
static int rename_to_build_dir(struct job *job)
{
	struct build *b = job->build;

	/* A process that was killed may have left displaced_dir. */
	if (path_exists(b->paths.displaced_dir)) {
		dir_remove(b->paths.real_build_dir, NULL);
		rename(b->paths.displaced_dir, b->paths.real_build_dir);
	}
	if (rename(b->paths.real_build_dir, b->paths.displaced_dir) < 0 ||
		rename(b->work_dir, b->paths.real_build_dir) < 0)
		return error_errno(&job->outcome.error, -errno, 1,
			"cannot rename %s to %s", b->work_dir, b->paths.real_build_dir);
	b->work_dir = b->paths.real_build_dir;
	return 0;
}

/* Keeps other users out of the job's directory: programs with the set-user-ID bit that a
 * build has made must not be run. Where root does not make the sandbox, the user of the
 * build has to get in. */
static int close_job_dir(struct job *job)
{
	const struct build *b = job->build;
	const char *dir = b->paths.job_dir;
	bool by_group = b->user.uid && b->sandbox != SANDBOX_KIND_UNTRUSTED;

	if ((by_group && lchown(dir, 0, b->user.uid) < 0) ||
		chmod(dir, by_group ? 0710 : 0700) < 0)
		return error_errno(
			&job->outcome.error, -errno, 1, "cannot change %s", dir);
	return 0;
}

/* Copies the source. Notes that the result must not be kept where others than root could
 * show this copy something else than the key was made of. */
static int copy_source(struct job *job, uid_t uid)
{
	const struct build *b = job->build;
	bool by_others = false;
	int r = dir_copy_guarded(b->paths.source_dir, b->work_dir, uid, uid, &by_others,
		&job->outcome.error);

	if (r == 0 && by_others && !fingerprint_is_of_source(job, b->work_dir))
		job->reuse->other_source = true;
	return r;
}

static int copy_work(struct job *job)
{
	struct build *b = job->build;
	uid_t uid = b->user.uid ? b->user.uid : (uid_t)-1;
	int r;

	build_look_at_inputs(job);
	trace_free(b->trace);
	b->trace = job->reuse->key.n_parts && fingerprint_is_traced(job) ? trace_new(NULL)
									 : NULL;
	r = build_clear_job_dir(job);
	if (r < 0)
		return r;
	r = close_job_dir(job);
	if (r < 0)
		return r;
	r = copy_source(job, uid);
	if (r == 0 && chmod(b->work_dir, 0700) < 0)
		r = error_errno(
			&job->outcome.error, -errno, 1, "cannot change %s", b->work_dir);
	if (r == 0)
		r = private_tmp_make(b->paths.tmp_dir,
			b->sandbox == SANDBOX_KIND_UNTRUSTED ? (uid_t)-1 : uid,
			&job->outcome.error);
	if (r == 0)
		r = copy_config_patches(job, uid);
	if (r == 0 && b->sandbox == SANDBOX_KIND_NONE)
		r = rename_to_build_dir(job);
	if (r == 0 && b->sandbox != SANDBOX_KIND_NONE)
		r = constants_write(job);
	if (r == 0)
		r = open_log(job);
	if (r == 0) {
		debug_info_is_left_out(job); /* reads, on this thread */
		probe_memo_find(job);
	}
	return r;
}

enum transition copy_enter(struct job *job)
{
	if (!build_is_needed(job))
		return TRANSITION_NEXT;
	if (fleet_forbids_build(job))
		return TRANSITION_FAIL;
	if (job_take_user(job, &job->build->user) < 0)
		return TRANSITION_FAIL;
	job->build->user.outside = job->build->sandbox == SANDBOX_KIND_NONE;
	job->ask.work = copy_work;
	return TRANSITION_WORK;
}
