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
#include <glob.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "builder/host/distro.h"
#include "builder/host/toolchain.h"
#include "builder/host/unpackaged.h"
#include "builder/module/compress.h"
#include "builder/module/modfile.h"
#include "builder/tree/tree.h"
#include "builder/job/phase.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/build/ccache.h"
#include "builder/reuse/objects.h"

double build_elapsed_s(const struct build *b)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - b->started.tv_sec) +
	       (double)(now.tv_nsec - b->started.tv_nsec) / 1e9;
}

struct build *build_new(const struct job *job)
{
	const char *release = job->kernel->release, *arch = job->kernel->arch;
	struct build *b = xcalloc(1, sizeof(*b));

	b->version_dir = tree_version_dir(
		job->shared->settings->trees.dkms, job->name, job->version);
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
	error_done(&b->no_key);
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
	conf_set_environment(&request, env);
	toolchain_set_environment(&job->build->toolchain, env);
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
	const char *tree = job->shared->settings->trees.dkms;
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
	_cleanup_free_ char *own = usual ? path_join(usual, k->release) : NULL;

	if (!own || streq(own, k->dir))
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

bool build_has_network(const struct job *job)
{
	const char *names = job->shared->settings->sandbox.network_modules;
	_cleanup_(strv_done) struct strv words = {0};

	strv_split(&words, names ? names : "");
	return strv_contains(&words, job->name);
}

/* People's own directories in /, unless the make command names one: dkms would show it. */
static void hide_outside(const struct job *job, struct sandbox *box)
{
	if (unpackaged_is_mentioned(job->conf->make))
		return;
	unpackaged_list_hidden(&box->hide);
	unpackaged_list_tool_dirs(getenv("PATH"), &box->readable);
}

/* What packages of other kernels have beside those of compilers, and symbols of kernels for
 * debuggers. */
static void hide_kernels(struct sandbox *box)
{
	static const char *const patterns[] = {
		"/usr/lib/debug", "/usr/lib/linux-image-*", "/usr/lib/linux-kbuild-*"};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++)
			if (!strv_contains(&box->readable, found.gl_pathv[j]))
				strv_push(&box->hide, found.gl_pathv[j]);
		globfree(&found);
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
	box->network = build_has_network(job);
	hide_outside(job, box);
	strv_split(&box->readable, s->sandbox.paths ? s->sandbox.paths : "");
	strv_push(&box->hide, s->trees.dkms);
	strv_push(&box->hide, s->trees.install);
	strv_push(&box->hide, s->trees.source);
	strv_push(&box->readable, b->source);
	strv_push(&box->readable, k->headers);
	strv_pushf(&box->readable, "%s/source", k->dir);
	strv_pushf(&box->readable, "%s/modules.builtin", k->dir);
	strv_pushf(&box->readable, "%s/modules.order", k->dir);
	header_trees_list(k, &box->readable);
	hide_kernels(box);
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
	struct command *cmd = &job->ask.command;
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
	_cleanup_free_ char *how = NULL, *why = NULL, *full = NULL, *advice = NULL;
	int r;

	r = buildlog_result(job->build->log_fd, outcome, &job->ask.command);
	if (r == 0 && disk_is_full(job->build->version_dir))
		r = -ENOSPC;
	if (outcome_ok(outcome))
		return PHASE_NEXT;
	how = outcome_describe(outcome, &job->ask.command);
	why = buildlog_explain(job->build->log, job->build->seen);
	if (r < 0)
		full = xasprintf(", and %s cannot be written: %s", job->build->version_dir,
			strerror(-r));
	error_set(&job->outcome.error, -EIO, status, "%s %s%s%s%s", what, how,
		full ? full : "", why ? "\n" : "", why ? why : "");
	advice = build_advice(job);
	if (advice)
		error_remedy(&job->outcome.error, "%s", advice);
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
		error_set(&job->outcome.error, -ENOENT, 5, "%s: the patch patches/%s %s",
			job->conf_path, name,
			has_parent_component(name) ? "has .. in its path" : "is missing");
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

char *build_made_path(const struct job *job, const struct conf_module *m)
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
		_cleanup_free_ char *path = build_made_path(job, m);

		if (m->excluded || is_built(job->build, path))
			continue;
		error_set(&job->outcome.error, -ENOENT, 7,
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
