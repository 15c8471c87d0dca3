/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a build, from a fresh copy of the source to RELEASE/ARCH in the tree.
 *
 * A build works in NAME/VERSION/.job-RELEASE-ARCH, which is locked (flock) while it runs:
 *
 *   build/     the copy of the source; the only place that the module's commands may write
 *   staging/   module/ and log/, what will be renamed to NAME/VERSION/RELEASE/ARCH
 *   make.log
 *
 * The commands see build/ at NAME/VERSION/build, where a dkms.conf expects it: each job
 * has its own there, by a mount namespace. Without namespaces it is renamed to that place
 * while the job runs, so that only one kernel at a time can be built for. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "builder/build.h"
#include "builder/buildlog.h"
#include "builder/ccache.h"
#include "builder/compress.h"
#include "builder/distro.h"
#include "builder/modfile.h"
#include "builder/objects.h"
#include "builder/phases.h"
#include "builder/toolchain.h"
#include "builder/tree.h"

double build_elapsed_s(const struct build *b)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - b->started.tv_sec) +
	       (double)(now.tv_nsec - b->started.tv_nsec) / 1e9;
}

static struct build *build_new(const struct job *job)
{
	const char *release = job->kernel->release, *arch = job->kernel->arch;
	struct build *b = xcalloc(1, sizeof(*b));

	b->version_dir =
		tree_version_dir(job->shared->settings->dkms_tree, job->name, job->version);
	b->source = path_join(b->version_dir, "source");
	b->seen = path_join(b->version_dir, "build");
	b->dir = xasprintf("%s/.job-%s-%s", b->version_dir, release, arch);
	b->work = path_join(b->dir, "build");
	b->staging = path_join(b->dir, "staging");
	b->log = path_join(b->dir, "make.log");
	b->failed = xasprintf("%s/%s-%s", b->seen, release, arch);
	b->set_aside = path_join(b->version_dir, ".logs");
	b->lock_fd = b->log_fd = b->seen_lock_fd = -1;
	clock_gettime(CLOCK_MONOTONIC, &b->started);
	return b;
}

void build_free(struct build *b)
{
	if (!b)
		return;
	close_ptr(&b->lock_fd);
	close_ptr(&b->seen_lock_fd);
	close_ptr(&b->log_fd);
	key_done(&b->key);
	objects_free(b->objects);
	entry_done(&b->entry);
	free(b->version_dir);
	free(b->source);
	free(b->seen);
	free(b->dir);
	free(b->work);
	free(b->staging);
	free(b->log);
	free(b->failed);
	free(b->set_aside);
	toolchain_done(&b->toolchain);
	strv_done(&b->places);
	free(b);
}

char *build_path(const struct job *job, const char *name)
{
	return path_join(job->build->dir, name);
}

char *build_staged_path(const struct job *job, const char *file)
{
	return xasprintf("%s/module/%s", job->build->staging, file);
}

int build_log_fd(const struct job *job)
{
	return job->build->log_fd;
}

/* JOB_CHECKING */

static int check_depends(struct job *job)
{
	const struct settings *s = job->shared->settings;

	if (job->depends_met || s->force)
		return 0;
	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *version = tree_installed_version(s->dkms_tree, name,
			job->kernel->release, job->kernel->arch);

		if (!version)
			return error_set(&job->error, -ENOENT, 13,
				"%s/%s needs %s, which is not installed for %s", job->name,
				job->version, name, job->kernel->release);
	}
	return 0;
}

static int check_source(struct job *job, const char *source)
{
	_cleanup_(strv_done) struct strv names = {0};
	int r = dir_list(source, &names);

	if (r < 0)
		return error_errno(&job->error, r, 8, "cannot read %s", source);
	if (names.n < 2)
		return error_set(&job->error, -ENOENT, 8, "there is no source to build in %s",
			source);
	return 0;
}

/* A user who is nobody must be able to reach what the build needs. */
static void choose_sandbox(struct job *job)
{
	_cleanup_(strv_done) struct strv readable = {0};
	struct build *b = job->build;

	b->sandbox = job->shared->sandbox;
	if (b->sandbox != SANDBOX_KIND_UNTRUSTED)
		return;
	strv_push(&readable, b->version_dir);
	strv_push(&readable, job->kernel->headers);
	if (!sandbox_reachable(&readable))
		b->sandbox = SANDBOX_KIND_USERNS;
}

enum phase check_enter(struct job *job)
{
	const struct kernel *kernel = job->kernel;

	if (job->was >= STATE_BUILT && !job->rebuild &&
		!(job->kind == JOB_BUILD && job->shared->settings->force))
		return PHASE_NEXT;
	if (job->conf->excluded) {
		job->result = RESULT_EXCLUDED;
		return PHASE_STOP;
	}
	if (!kernel->has_headers) {
		_cleanup_free_ char *remedy =
			distro_headers_command(job->shared->settings->distro, kernel->release);

		error_set(&job->error, -ENOENT, 21, "no kernel headers for %s in %s",
			kernel->release, kernel->headers);
		if (remedy)
			error_remedy(&job->error, "%s", remedy);
		return PHASE_FAIL;
	}
	if (check_depends(job) < 0)
		return PHASE_FAIL;
	job->build = build_new(job);
	choose_sandbox(job);
	if (job->build->sandbox != SANDBOX_KIND_NONE)
		kernel_places(kernel, &job->build->places);
	toolchain_of_kernel(job->kernel, getenv("PATH"), &job->build->toolchain);
	return check_source(job, job->build->source) < 0 ? PHASE_FAIL : PHASE_NEXT;
}

/* JOB_WAITING */

/* Makes the job's directory and locks it; -EBUSY when another process has it. A lock that a dead process left is none, since
 * the kernel drops it; what such a process left in the directory is removed. */
static int lock_dir(struct job *job)
{
	struct build *b = job->build;
	struct stat mine, there;
	int r;

	for (;;) {
		r = dir_make(b->dir, &job->error);
		if (r < 0)
			return r;
		close_ptr(&b->lock_fd);
		b->lock_fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (b->lock_fd < 0 && errno == ENOENT)
			continue;
		if (b->lock_fd < 0)
			return error_errno(&job->error, -errno, 1, "cannot open %s", b->dir);
		if (flock(b->lock_fd, LOCK_EX | LOCK_NB) < 0) {
			close_ptr(&b->lock_fd);
			b->lock_fd = -1;
			return -EBUSY;
		}
		/* The other one may have removed it between our open and our lock. */
		if (fstat(b->lock_fd, &mine) == 0 && stat(b->dir, &there) == 0 &&
			mine.st_ino == there.st_ino)
			return 0;
	}
}

/* Without namespaces the builds of all kernels have one directory: see rename_to_seen. */
static int lock_seen(struct build *b)
{
	close_ptr(&b->seen_lock_fd);
	b->seen_lock_fd = open(b->version_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->seen_lock_fd >= 0 && flock(b->seen_lock_fd, LOCK_EX | LOCK_NB) < 0 &&
		errno == EWOULDBLOCK)
		return -EBUSY;
	return 0;
}

/* What another dkms has done since we looked is not done again. */
static enum phase look_again(struct job *job)
{
	const struct settings *s = job->shared->settings;
	enum state state = tree_state(s->dkms_tree, s->source_tree, job->name, job->version,
		job->kernel->release, job->kernel->arch);

	if (s->force || job->was >= STATE_BUILT || state < STATE_BUILT)
		return PHASE_NEXT;
	job->was = state;
	dir_remove(job->build->dir, NULL);
	build_free(TAKE_PTR(job->build));
	if (job->kind == JOB_INSTALL && state < STATE_INSTALLED_WEAK)
		return PHASE_NEXT;
	job->result = RESULT_NOTHING;
	return PHASE_STOP;
}

/* The lock is waited for by a command, flock(1), which takes no thread from the jobs that
 * the other process may be waiting for, and which ends like every other one. */
enum phase wait_enter(struct job *job)
{
	static const char script[] = "exec 9< \"$1\" && exec flock 9";
	struct build *b = job->build;
	const char *busy;
	int r;

	if (!b)
		return PHASE_NEXT;
	busy = b->dir;
	r = dir_make(b->seen, &job->error);
	if (r == 0)
		r = lock_dir(job);
	if (r == 0 && b->sandbox == SANDBOX_KIND_NONE) {
		busy = b->version_dir;
		r = lock_seen(b);
	}
	if (r == 0)
		return look_again(job);
	if (r != -EBUSY)
		return PHASE_FAIL;
	strv_push_all(&job->command.argv,
		(const char *const[]){BASH_PROGRAM, "-c", script, "dkms", busy, NULL});
	job->command.idle = true;
	return PHASE_COMMAND;
}

enum phase wait_leave(struct job *job, const struct outcome *outcome)
{
	/* 1: the directory is gone; above: bash did not find flock. */
	if (!outcome->error && !outcome->signal && !outcome->timed_out &&
		!outcome->cancelled && outcome->exit_status <= 1)
		return PHASE_AGAIN;
	error_set(&job->error, -EBUSY, 1, "another dkms is building %s/%s for %s", job->name,
		job->version, job->kernel->release);
	return PHASE_FAIL;
}

/* JOB_COPYING */

int build_clear_dir(struct job *job)
{
	int r = dir_remove(job->build->work, &job->error);

	return r < 0 ? r : dir_remove(job->build->staging, &job->error);
}

/* Who repeats a command by hand needs the variables, too. */
static void log_toolchain(const struct build *b)
{
	_cleanup_(strv_done) struct strv variables = {0};
	_cleanup_free_ char *line = NULL;

	toolchain_environment(&b->toolchain, &variables);
	line = strv_join(&variables, " ");
	if (*line)
		buildlog_note(b->log_fd, "# environment: %s", line);
}

static int open_log(struct job *job)
{
	struct build *b = job->build;

	unlink(b->log);
	close_ptr(&b->log_fd);
	b->log_fd = open(b->log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
	if (b->log_fd < 0)
		return error_errno(&job->error, -errno, 1, "cannot create %s", b->log);
	buildlog_begin(b->log_fd, job->name, job->version, job->kernel->release,
		job->kernel->arch);
	log_toolchain(b);
	return 0;
}

/* Copies a file or a directory over what may be there. */
static int overlay(const char *from, const char *to, uid_t uid, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	int r;

	if (!path_is_dir(from))
		r = file_copy(from, to, err);
	else if (mkdir(to, 0755) < 0 && errno != EEXIST)
		r = error_errno(err, -errno, 1, "cannot make %s", to);
	else if ((r = dir_list(from, &names)) < 0)
		r = error_errno(err, r, 1, "cannot read %s", from);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		_cleanup_free_ char *a = path_join(from, names.items[i]);
		_cleanup_free_ char *b = path_join(to, names.items[i]);

		r = overlay(a, b, uid, err);
	}
	if (r == 0 && uid != (uid_t)-1 && lchown(to, uid, uid) < 0)
		r = error_errno(err, -errno, 1, "cannot change %s", to);
	return r;
}

/* The administrator's patches lie over those of the package. */
static int overlay_patches(struct job *job, uid_t uid)
{
	_cleanup_free_ char *from =
		xasprintf("%s/%s/patches", job->shared->settings->config_dir, job->name);
	_cleanup_free_ char *to = path_join(job->build->work, "patches");

	if (!job->conf->patches.n || !path_is_dir(from))
		return 0;
	return overlay(from, to, uid, &job->error);
}

/* Without namespaces: what is at seen makes room, and comes back in restore_seen. */
static int rename_to_seen(struct job *job)
{
	struct build *b = job->build;

	/* A process that was killed may have left it aside. */
	if (path_exists(b->set_aside)) {
		dir_remove(b->seen, NULL);
		rename(b->set_aside, b->seen);
	}
	if (rename(b->seen, b->set_aside) < 0 || rename(b->work, b->seen) < 0)
		return error_errno(&job->error, -errno, 1, "cannot rename %s to %s", b->work,
			b->seen);
	str_replace(&b->work, b->seen);
	b->renamed = true;
	return 0;
}

static int copy_work(struct job *job)
{
	struct build *b = job->build;
	uid_t uid = (uid_t)-1;
	int r;

	r = build_clear_dir(job);
	if (r < 0)
		return r;
	if (b->sandbox == SANDBOX_KIND_UNTRUSTED)
		uid = SANDBOX_UID;
	r = dir_copy(b->source, b->work, uid, uid, &job->error);
	if (r == 0)
		r = overlay_patches(job, uid);
	if (r == 0 && b->sandbox == SANDBOX_KIND_NONE)
		r = rename_to_seen(job);
	if (r == 0)
		r = open_log(job);
	return r;
}

enum phase copy_enter(struct job *job)
{
	if (!is_building(job))
		return PHASE_NEXT;
	job->work = copy_work;
	return PHASE_WORK;
}

/* Commands of the module: through bash, in the sandbox, output to the log. */

static bool is_session_variable(const char *text)
{
	static const char *const names[] = {"_", "COLORTERM", "COLUMNS", "DBUS_SESSION_BUS_ADDRESS",
		"DEBUGINFOD_URLS", "DESKTOP_SESSION", "DISPLAY", "EDITOR", "HOSTNAME", "HUSHLOGIN",
		"INVOCATION_ID", "JOURNAL_STREAM", "LANG", "LANGUAGE", "LINES", "LOGNAME",
		"LS_COLORS", "LS_OPTIONS", "MAIL", "MAILTO", "MANAGERPID", "MANPATH",
		"NOTIFY_SOCKET", "OLDPWD", "PAGER", "PROMPT_COMMAND", "PS1", "PWD", "SHELL",
		"SHLVL", "STY", "TERM", "TMUX", "TZ", "USER", "USERNAME", "VISUAL", "WINDOWID"};
	static const char *const prefixes[] = {"APT_", "CCACHE_", "DEBCONF_", "DEBIAN_", "DPKG_", "GPG_",
		"HIST", "INSIDE_", "LC_", "LESS", "SSH_", "SUDO_", "SYSTEMD_", "TERM_", "UCF_",
		"VTE_", "XAUTH", "XDG_"};
	size_t len = strcspn(text, "=");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && strncmp(text, names[i], len) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (has_prefix(text, prefixes[i]))
			return true;
	return false;
}

void build_environment(const struct job *job, struct strv *env)
{
	static const char *const homes[] = {"HOME", "TMPDIR", "TMP", "TEMP"};
	const struct conf_request request = {.path = job->conf_path, .name = job->name,
		.version = job->version, .kernel = job->kernel,
		.settings = job->shared->settings};

	for (char **variable = environ; *variable; variable++)
		if (!is_session_variable(*variable))
			strv_push(env, *variable);
	conf_environment(&request, env);
	toolchain_environment(&job->build->toolchain, env);
	/* Messages in the words that we and everybody know. */
	strv_setenv(env, "LC_ALL", "C");
	/* The sandbox has its own. */
	for (size_t i = 0; job->build->sandbox != SANDBOX_KIND_NONE && i < ARRAY_SIZE(homes);
		i++)
		strv_setenv(env, homes[i], NULL);
}

/* Packages that this one is built with: their symbols and their source. */
static void show_depends(const struct job *job, struct sandbox *box)
{
	const char *tree = job->shared->settings->dkms_tree;
	const struct kernel *k = job->kernel;

	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *version =
			tree_installed_version(tree, name, k->release, k->arch);
		_cleanup_free_ char *dir = NULL, *built = NULL;

		if (!version)
			continue;
		dir = tree_version_dir(tree, name, version);
		built = tree_built_dir(tree, name, version, k->release, k->arch);
		strv_pushf(&box->readable, "%s/source", dir);
		strv_pushf(&box->readable, "%s/module/Module.symvers", built);
		strv_take(&box->links, tree_installed_link(tree, name, k->release, k->arch));
		strv_push(&box->links, built);
	}
}

/* Makefiles look for headers in /lib/modules whatever dkms was told. */
static void link_headers(const struct kernel *k, struct sandbox *box)
{
	static const char *const names[] = {"build", "source"};
	_cleanup_free_ char *usual = realpath("/lib/modules", NULL);
	_cleanup_free_ char *own = xasprintf("%s/%s", usual, k->release);

	if (!usual || streq(own, k->dir))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(k->dir, names[i]);
		_cleanup_free_ char *real = realpath(path, NULL);

		if (!real)
			continue;
		strv_pushf(&box->links, "%s/%s", own, names[i]);
		strv_push(&box->links, real);
	}
}

void build_sandbox(const struct job *job, struct sandbox *box)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;
	struct build *b = job->build;

	box->strict = true;
	box->writable = b->work;
	box->writable_at = b->seen;
	strv_push(&box->hide, s->dkms_tree);
	strv_push(&box->hide, s->install_tree);
	strv_push(&box->hide, s->source_tree);
	strv_push(&box->readable, b->source);
	strv_push(&box->readable, k->headers);
	strv_pushf(&box->readable, "%s/source", k->dir);
	strv_pushf(&box->readable, "%s/modules.builtin", k->dir);
	strv_pushf(&box->readable, "%s/modules.order", k->dir);
	kernel_trees(k, &box->readable);
	if (k->config_path)
		strv_push(&box->readable, k->config_path);
	for (size_t i = 0; i < ARRAY_SIZE(sandbox_boot); i++)
		strv_pushf(&box->readable, "%s%s", sandbox_boot[i], k->release);
	strv_pushf(&box->readable, "%s/%s", s->config_dir, job->name);
	if (s->build_environment)
		strv_push(&box->readable, s->build_environment);
	strv_extend(&box->places, &b->places);
	show_depends(job, box);
	link_headers(k, box);
}

static enum phase run(struct job *job, const char *line, bool make)
{
	const struct settings *s = job->shared->settings;
	struct build *b = job->build;
	struct command *cmd = &job->command;
	struct sandbox box = {.kind = b->sandbox};
	struct str script = {0};

	if (s->build_environment) {
		str_add(&script, ". ");
		str_add_quoted(&script, s->build_environment);
		str_add(&script, " || exit\n");
	}
	str_add(&script, line);
	strv_push_all(&cmd->argv, (const char *const[]){BASH_PROGRAM, "-c", NULL});
	strv_take(&cmd->argv, str_take(&script));
	build_environment(job, &cmd->env);
	cmd->cwd = xstrdup(b->seen);
	cmd->log_fd = b->log_fd;
	cmd->jobserver = make;
	box.fifo = make ? job->shared->slots_fifo : NULL;
	build_sandbox(job, &box);
	if (make)
		ccache_use(job, cmd, &box);
	list_secrets(job, &box.secret);
	sandbox_wrap(cmd, &box);
	sandbox_done(&box);
	buildlog_command(b->log_fd, line);
	return PHASE_COMMAND;
}

/* Less than this left is a full disk (bytes): no compiler got that far. */
#define DISK_FULL_BYTES (64 * 1024)

static bool disk_is_full(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 &&
	       (uint64_t)st.f_bavail * st.f_frsize < DISK_FULL_BYTES;
}

/* PHASE_NEXT when the command went well; else an error with the given status, which says
 * what ("make") exited how, and what the log says about it. */
static enum phase ran(struct job *job, const struct outcome *outcome, const char *what,
	int status)
{
	_cleanup_free_ char *how = NULL;
	_cleanup_free_ char *why = NULL;
	_cleanup_free_ char *full = NULL;
	int r;

	r = buildlog_result(job->build->log_fd, outcome, &job->command);
	if (r == 0 && disk_is_full(job->build->version_dir))
		r = -ENOSPC;
	if (outcome_ok(outcome))
		return PHASE_NEXT;
	how = outcome_describe(outcome, &job->command);
	why = buildlog_explain(job->build->log);
	if (r < 0)
		full = xasprintf(", and %s cannot be written: %s", job->build->version_dir,
			strerror(-r));
	error_set(&job->error, -EIO, status, "%s %s%s%s%s", what, how, full ? full : "",
		why ? "\n" : "", why ? why : "");
	return PHASE_FAIL;
}

/* JOB_PATCHING */

static bool has_parent_component(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return true;
	return false;
}

enum phase patch_enter(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *path = NULL;
	struct str line = {0};
	enum phase phase;
	const char *name;

	if (!is_building(job) || b->patch == job->conf->patches.n)
		return PHASE_NEXT;
	name = job->conf->patches.items[b->patch];
	path = xasprintf("%s/patches/%s", b->work, name);
	if (has_parent_component(name) || !path_is_file(path)) {
		error_set(&job->error, -ENOENT, 5, "%s: the patch patches/%s %s", job->conf_path,
			name, has_parent_component(name) ? "has .. in its path" : "is missing");
		return PHASE_FAIL;
	}
	str_add(&line, "patch -p1 -i ");
	free(path);
	path = xasprintf("patches/%s", name);
	str_add_quoted(&line, path);
	phase = run(job, line.data, false);
	str_done(&line);
	return phase;
}

enum phase patch_leave(struct job *job, const struct outcome *outcome)
{
	_cleanup_free_ char *what =
		xasprintf("the patch %s", job->conf->patches.items[job->build->patch]);

	if (ran(job, outcome, what, 6) == PHASE_FAIL)
		return PHASE_FAIL;
	job->build->patch++;
	return PHASE_AGAIN;
}

/* JOB_PRE_BUILD, JOB_POST_BUILD */

static enum phase build_script_enter(struct job *job, const char *what, const char *script)
{
	_cleanup_free_ char *line = NULL;

	if (!is_building(job) || is_empty(script))
		return PHASE_NEXT;
	line = script_line(job, what, script, job->build->work, job->build->seen);
	return line ? run(job, line, true) : PHASE_NEXT;
}

static enum phase build_script_leave(struct job *job, const struct outcome *outcome,
	const char *what)
{
	return ran(job, outcome, what, outcome->exit_status ? outcome->exit_status : 1);
}

enum phase pre_build_enter(struct job *job)
{
	return build_script_enter(job, "PRE_BUILD", job->conf->pre_build);
}

enum phase pre_build_leave(struct job *job, const struct outcome *outcome)
{
	return build_script_leave(job, outcome, "PRE_BUILD");
}

enum phase post_build_enter(struct job *job)
{
	return build_script_enter(job, "POST_BUILD", job->conf->post_build);
}

enum phase post_build_leave(struct job *job, const struct outcome *outcome)
{
	return build_script_leave(job, outcome, "POST_BUILD");
}

/* JOB_MAKING */

/* Where make left a module; caller frees. */
static char *built_path(const struct job *job, const struct conf_module *m)
{
	return xasprintf("%s/%s%s.ko", job->build->work, m->built_location, m->built_name);
}

enum phase make_enter(struct job *job)
{
	_cleanup_free_ char *line = NULL;

	if (!is_building(job))
		return PHASE_NEXT;
	line = conf_make_command(job->conf, job->kernel->release);
	return run(job, line, true);
}

/* A regular file inside of the build directory: what is read from there is read as our own
 * user, and a link could lead to what the module may not see. */
static bool is_built(const struct build *b, const char *path)
{
	_cleanup_free_ char *dir = realpath(b->work, NULL);
	_cleanup_free_ char *real = realpath(path, NULL);
	struct stat st;

	return dir && real && has_prefix(real, dir) && real[strlen(dir)] == '/' &&
	       lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Whatever may be due to the objects that make was given is tried again without. */
static bool is_doubtful(const struct job *job, const struct outcome *outcome)
{
	if (!objects_are_used(job) || outcome->cancelled || outcome->timed_out)
		return false;
	return !outcome_ok(outcome) || !objects_fit(job);
}

enum phase make_leave(struct job *job, const struct outcome *outcome)
{
	if (is_doubtful(job, outcome)) {
		job->build->from_scratch = true;
		job->build->patch = 0;
		return PHASE_RESTART;
	}
	if (ran(job, outcome, "make", 10) == PHASE_FAIL)
		return PHASE_FAIL;
	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *path = built_path(job, m);

		if (m->excluded || is_built(job->build, path))
			continue;
		error_set(&job->error, -ENOENT, 7,
			"make succeeded and did not build %s%s.ko, which %s names",
			m->built_location, m->built_name, job->conf_path);
		return PHASE_FAIL;
	}
	return PHASE_NEXT;
}

/* JOB_STRIPPING */

enum phase strip_enter(struct job *job)
{
	struct str line = {0};
	bool any = false;
	enum phase phase = PHASE_NEXT;

	if (!is_building(job))
		return PHASE_NEXT;
	str_add(&line, "strip -g");
	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *path =
			xasprintf("./%s%s.ko", m->built_location, m->built_name);

		if (m->excluded || !m->strip)
			continue;
		str_add(&line, " ");
		str_add_quoted(&line, path);
		any = true;
	}
	if (any)
		phase = run(job, line.data, false);
	str_done(&line);
	return phase;
}

enum phase strip_leave(struct job *job, const struct outcome *outcome)
{
	return ran(job, outcome, "strip", 10);
}

/* JOB_COLLECTING */

/* The symbols that a module may use besides those of its own package. */
static void list_symvers(const struct job *job, struct strv *ret)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;

	strv_pushf(ret, "%s/Module.symvers", k->headers);
	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *link =
			tree_installed_link(s->dkms_tree, name, k->release, k->arch);

		strv_pushf(ret, "%s/module/Module.symvers", link);
	}
}

void build_check_staged(struct job *job)
{
	_cleanup_free_ char *symvers = build_staged_path(job, "Module.symvers");
	_cleanup_(strv_done) struct strv paths = {0};
	_cleanup_(strv_done) struct strv all_symvers = {0};
	_cleanup_(error_done) struct error err = {0};

	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = xasprintf("%s.ko", m->dest_name);

		if (!m->excluded)
			strv_take(&paths, build_staged_path(job, name));
	}
	if (path_exists(symvers))
		strv_push(&all_symvers, symvers);
	list_symvers(job, &all_symvers);
	/* What it finds, also that a file is no module, is for a person to judge. */
	if (modfile_check(&paths, job->kernel->release, &all_symvers, &job->warnings, &err) < 0)
		strv_push(&job->warnings, err.what);
}

static int collect_work(struct job *job)
{
	_cleanup_free_ char *module_dir = build_staged_path(job, "");
	_cleanup_free_ char *symvers = path_join(job->build->work, "Module.symvers");
	struct stat st;
	int r = dir_make(module_dir, &job->error);

	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *from = built_path(job, m);
		_cleanup_free_ char *name = xasprintf("%s.ko", m->dest_name);
		_cleanup_free_ char *to = build_staged_path(job, name);

		if (m->excluded)
			continue;
		r = file_copy(from, to, &job->error);
		if (r == 0 && chmod(to, 0644) < 0)
			r = error_errno(&job->error, -errno, 1, "cannot change %s", to);
	}
	if (r == 0 && lstat(symvers, &st) == 0 && S_ISREG(st.st_mode)) {
		_cleanup_free_ char *to = build_staged_path(job, "Module.symvers");

		r = file_copy(symvers, to, &job->error);
	}
	if (r == 0)
		build_check_staged(job);
	return r;
}

enum phase collect_enter(struct job *job)
{
	if (!is_building(job))
		return PHASE_NEXT;
	job->work = collect_work;
	return PHASE_WORK;
}

/* JOB_FINISHING */

static const char *compress_options(const struct settings *s, enum compression how)
{
	switch (how) {
	case COMPRESSION_GZIP:
		return s->compress_gzip_opts;
	case COMPRESSION_XZ:
		return s->compress_xz_opts;
	case COMPRESSION_ZSTD:
		return s->compress_zstd_opts;
	case COMPRESSION_NONE:
		break;
	}
	return NULL;
}

static int finish_work(struct job *job)
{
	enum compression how;
	int r;

	pthread_mutex_lock(&job->kernel->lock);
	r = kernel_modules(job->kernel, &job->error);
	how = kernel_compression(job->kernel);
	pthread_mutex_unlock(&job->kernel->lock);
	if (r < 0 || how == COMPRESSION_NONE)
		return r;
	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = xasprintf("%s.ko", m->dest_name);
		_cleanup_free_ char *from = build_staged_path(job, name);
		_cleanup_free_ char *to = xasprintf("%s%s", from, compression_suffix(how));

		if (m->excluded)
			continue;
		r = compress_file(from, to, how, compress_options(job->shared->settings, how),
			&job->error);
		if (r == 0)
			unlink(from);
	}
	return r;
}

enum phase finish_enter(struct job *job)
{
	if (!job->build)
		return PHASE_NEXT;
	job->work = finish_work;
	return PHASE_WORK;
}

/* JOB_PUBLISHING */

/* The versions that it was built against, in .dep_NAME beside module/: what
 * BUILD_DEPENDS_REBUILD looks at. A forced build leaves no trace, as ever. */
static int write_dependencies(struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct strv *names = &job->conf->build_depends;
	int r = 0;

	if (!job->conf->build_depends_rebuild || s->force)
		return 0;
	for (size_t i = 0; i < names->n && r == 0; i++) {
		_cleanup_free_ char *version = tree_installed_version(s->dkms_tree,
			names->items[i], job->kernel->release, job->kernel->arch);
		_cleanup_free_ char *path =
			xasprintf("%s/.dep_%s", job->build->staging, names->items[i]);
		_cleanup_free_ char *line = xasprintf("%s\n", version ? version : "");

		if (version)
			r = file_write(path, line, strlen(line), 0644, &job->error);
	}
	return r;
}

static int publish_work(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *log_dir = path_join(b->staging, "log");
	_cleanup_free_ char *log = path_join(log_dir, "make.log");
	_cleanup_free_ char *built = NULL;
	int r;

	job->build_s = build_elapsed_s(b);
	r = dir_make(log_dir, &job->error);
	if (r == 0)
		r = file_copy(b->log, log, &job->error);
	if (r == 0)
		r = write_dependencies(job);
	if (r == 0)
		r = tree_publish(job->shared->settings->dkms_tree, job->name, job->version,
			job->kernel->release, job->kernel->arch, b->staging, &job->error);
	if (r < 0)
		return r;
	job->built = true;
	cached_commit(job);
	built = tree_built_dir(job->shared->settings->dkms_tree, job->name, job->version,
		job->kernel->release, job->kernel->arch);
	job->log_path = path_join(built, "log/make.log");
	return 0;
}

enum phase publish_enter(struct job *job)
{
	if (!job->build)
		return PHASE_NEXT;
	job->work = publish_work;
	return PHASE_WORK;
}

/* JOB_CLEANING */

static void restore_seen(struct build *b)
{
	if (!b->renamed)
		return;
	free(b->work);
	b->work = path_join(b->dir, "build");
	rename(b->seen, b->work);
	rename(b->set_aside, b->seen);
	b->renamed = false;
}

/* The log of a failed build stays where people look for it; see LOOK of the tree in
 * builder/tree.h: build/RELEASE-ARCH/make.log, and build/make.log is the latest. */
static void keep_log(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *log = path_join(b->failed, "make.log");
	_cleanup_free_ char *latest = path_join(b->seen, "make.log");
	_cleanup_free_ char *target = xasprintf("%s/make.log", path_base(b->failed));

	dir_remove(b->failed, NULL);
	if (job->shared->settings->keep_build)
		rename(b->work, b->failed);
	else
		mkdir(b->failed, 0755);
	dir_remove(log, NULL); /* the module may have made one */
	if (rename(b->log, log) == 0 && link_write(latest, target, NULL) == 0)
		job->log_path = TAKE_PTR(log);
}

/* After a success nothing tells of the failure before it. */
static void forget_log(struct build *b)
{
	_cleanup_free_ char *latest = path_join(b->seen, "make.log");
	struct stat st;

	dir_remove(b->failed, NULL);
	if (lstat(latest, &st) == 0 && stat(latest, &st) < 0)
		unlink(latest);
}

static int clean_work(struct job *job)
{
	struct build *b = job->build;

	restore_seen(b);
	if (b->lock_fd < 0)
		return 0; /* the directory is another's */
	if (job->result == RESULT_FAILED && !job->built && !job->shared->cancelled &&
		b->log_fd >= 0)
		keep_log(job);
	else if (job->built)
		forget_log(b);
	dir_remove(b->dir, NULL);
	build_free(TAKE_PTR(job->build));
	return 0;
}

enum phase clean_enter(struct job *job)
{
	if (!job->build)
		return PHASE_NEXT;
	job->work = clean_work;
	return PHASE_WORK;
}
