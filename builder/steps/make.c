/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states that run commands of the module, or on its source: JOB_PATCHING,
 * JOB_PRE_BUILD, JOB_MAKING, JOB_STRIPPING and JOB_POST_BUILD. bash runs each command in
 * the sandbox, and the output goes to make.log. JOB_CHECKING_OBJECTS looks at what make
 * has done. */
#include "config.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "base/beneath.h"
#include "base/file.h"
#include "builder/run/memory-group.h"
#include "builder/run/private-tmp.h"
#include "builder/host/keypair.h"
#include "builder/job/hooks.h"
#include "builder/build/advice.h"
#include "builder/build/btf.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/build/ccache.h"
#include "builder/build/confine.h"
#include "builder/build/places.h"
#include "builder/build/post-build.h"
#include "builder/build/probes.h"
#include "builder/reuse/check-objects.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/reuse.h"
#include "builder/steps/make.h"

/* bash functions. A make with a number of jobs of its own, in its arguments or in a
 * MAKEFLAGS that the line has set, would leave the jobserver, and each such make would take
 * as many CPUs. The functions take the number out, also behind a program that runs make.
 * Before the j of -kj8 there may be only letters of options without an argument: -Cobj1
 * names a directory. */
static const char make_without_jobs[] =
	"dkms_make() # WORDS-BEFORE-MAKE WORD...\n"
	"{\n"
	"	local args=(\"${@:2:$1+1}\") word\n"
	"	shift $(($1 + 2))\n"
	"	[[ ${MAKEFLAGS-} == *--jobserver-* ]] || local -x MAKEFLAGS=$dkms_makeflags\n"
	"	while (($#)); do\n"
	"		word=$1\n"
	"		shift\n"
	"		[[ $word != -- ]] || { args+=(-- \"$@\"); break; }\n"
	"		case $word in\n"
	"		-j | --jobs) [[ ! ${1-} =~ ^[0-9]+$ ]] || shift; continue ;;\n"
	"		-j[0-9]* | --jobs=*) continue ;;\n"
	"		esac\n"
	"		[[ ! $word =~ ^(-[BbdehikLnpqrRsStvw]+)j[0-9]*$ ]] || word=${BASH_REMATCH[1]}\n"
	"		args+=(\"$word\")\n"
	"	done\n"
	"	builtin command \"${args[@]}\"\n"
	"}\n"
	"dkms_run() # PROGRAM WORD...\n"
	"{\n"
	"	local i\n"
	"	for ((i = 2; i <= $#; i++)); do\n"
	"		[[ ${!i} =~ ^(.*/)?g?make$ ]] || continue\n"
	"		dkms_make $((i - 1)) \"$@\"\n"
	"		return\n"
	"	done\n"
	"	builtin command \"$@\"\n"
	"}\n"
	"hash make gmake 2> /dev/null\n"
	"for dkms_name in make gmake /{,usr/{,local/}}bin/{,g}make \"${BASH_CMDS[@]}\"; do\n"
	"	[[ $dkms_name == *[!A-Za-z0-9._/+-]* ]] ||\n"
	"		eval \"function $dkms_name { dkms_make 0 $dkms_name \\\"\\$@\\\"; }\"\n"
	"done\n"
	"for dkms_name in env nice ionice; do\n"
	"	eval \"function $dkms_name { dkms_run $dkms_name \\\"\\$@\\\"; }\"\n"
	"done\n"
	"command() { dkms_run command \"$@\"; }\n"
	"dkms_makeflags=$MAKEFLAGS\n";

/* Returns whether a line may call make with a number of jobs. */
static bool may_number_jobs(const char *line)
{
	return (strstr(line, "make") && strchr(line, 'j')) || strstr(line, "MAKEFLAGS");
}

/* Makes the job's command a bash that runs line in the build directory, with the places
 * of the sandbox in it for the paths of the trees. If make is true, the command may call
 * make: it gets job slots and compilers with ccache. */
static enum transition run_in_build(struct job *job, const char *line, bool make)
{
	const struct settings *s = job->shared->settings;
	struct build *b = job->build;
	struct command *cmd = &job->ask.command;
	struct sandbox box = {.kind = b->sandbox};
	_cleanup_free_ char *seen = places_text(b, line);
	struct str script = {0};
	int r = 0;

	if (s->build_environment) {
		str_add(&script, ". ");
		str_add_quoted(&script, s->build_environment);
		str_add(&script, " || exit\n");
	}
	if (make && job->state == JOB_MAKING && may_number_jobs(seen))
		str_add(&script, make_without_jobs);
	str_add(&script, seen);
	strv_push_all(&cmd->argv, (const char *const[]){BASH_PROGRAM, "-c", NULL});
	strv_take(&cmd->argv, str_take(&script));
	build_fill_environment(job, &cmd->env);
	cmd->cwd = xstrdup(b->paths.build_dir);
	cmd->log_fd = b->log_fd;
	cmd->log_max_bytes = s->limits.max_log_bytes;
	cmd->uses_jobserver = make;
	cmd->jobserver_fifo = box.jobserver_fifo = make ? job->jobserver_fifo : NULL;
	build_fill_sandbox(job, &box);
	if (make) {
		_cleanup_free_ char *digest =
			s->cache.ccache && job->shared->key_texts
				? fingerprint_package(job->shared->key_texts, job)
				: NULL;

		ccache_wrap_compilers(job, digest, cmd, &box);
		btf_wrap_pahole(job, cmd, &box);
		r = probes_wrap_compilers(job, cmd, &box, &job->outcome.error);
	}
	keypair_list_secrets(s, job->kernel->release, &box.secret_files);
	cmd->trace = b->trace;
	if (job->state == JOB_PRE_BUILD || job->state == JOB_POST_BUILD)
		cmd->timeout_s = s->limits.script_timeout_s;
	if (job->state == JOB_POST_BUILD)
		post_build_show(job, &box);
	if (r == 0)
		r = sandbox_wrap_command(cmd, &box, &job->outcome.error);
	sandbox_done(&box);
	if (r == 0 && b->sandbox == SANDBOX_KIND_UNTRUSTED)
		r = private_tmp_check(
			b->paths.tmp_dir, &cmd->argv, &job->outcome.error);
	if (r < 0)
		return TRANSITION_FAIL;
	buildlog_add_command(b->log_fd, seen);
	return TRANSITION_COMMAND;
}

/* A file system with less free space than this counts as full (bytes). It is not 0,
 * because a compiler that fails has not used the last byte. */
#define DISK_FULL_BYTES (64 * 1024)

static bool disk_is_full(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 &&
	       (uint64_t)st.f_bavail * st.f_frsize < DISK_FULL_BYTES;
}

/* The command has ended well, but while it ran the disk was full. kbuild asks the compiler
 * for options, and takes each failure for an answer: what it has made may be wrong. */
static enum transition fail_without_room(struct job *job, const char *what, int status)
{
	error_set(&job->outcome.error, -ENOSPC, status,
		"%s may have gone wrong: meanwhile, %s could not be written: %s", what,
		job->build->paths.version_dir, strerror(ENOSPC));
	error_remedy(&job->outcome.error, "make room, and build it again");
	return TRANSITION_FAIL;
}

/* The same may be so for other reasons, which are no error: the machine may always be short of
 * them. The result is not given to other builds. */
static void note_doubt(struct job *job, const struct outcome *outcome)
{
	if (outcome->disk_low)
		job->build->doubt = "there was so little room on the disk that a compiler may "
				    "have failed unnoticed";
	else if (outcome->memory_low || memory_group_was_full(job->build->user.memory_group))
		job->build->doubt = "meanwhile the kernel ended a process for lack of memory, "
				    "which may have been a compiler";
}

/* Adds the outcome of a command to the log. Returns TRANSITION_NEXT if it succeeded.
 * Otherwise sets an error with that status, which has what ("make"), how it ended, the
 * lines of the log that explain it, and advice if there is any, and returns
 * TRANSITION_FAIL. */
static enum transition check_command(
	struct job *job, const struct outcome *outcome, const char *what, int status)
{
	_cleanup_free_ char *how = NULL, *why = NULL, *full = NULL, *advice = NULL;
	int r;

	r = buildlog_add_result(job->build->log_fd, outcome, &job->ask.command);
	if (r == 0 && (outcome->disk_full || disk_is_full(job->build->paths.version_dir)))
		r = -ENOSPC;
	/* Root may use what is reserved. */
	if (outcome_ok(outcome) && outcome->disk_full && (job->build->user.uid || geteuid() != 0))
		return fail_without_room(job, what, status);
	note_doubt(job, outcome);
	if (outcome_ok(outcome))
		return TRANSITION_NEXT;
	how = outcome_describe(outcome, &job->ask.command);
	why = buildlog_explain_failure(
		job->build->paths.log, job->build->paths.build_dir);
	if (r < 0)
		full = xasprintf(", and %s cannot be written: %s",
			job->build->paths.version_dir, strerror(-r));
	error_set(&job->outcome.error, -EIO, status, "%s %s%s%s%s", what, how,
		full ? full : "", why ? "\n" : "", why ? why : "");
	advice = advice_find(job, false);
	if (advice)
		error_remedy(&job->outcome.error, "%s", advice);
	return TRANSITION_FAIL;
}

/* JOB_PATCHING */

enum transition patch_enter(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *path = NULL;
	struct str line = {0};
	enum transition transition;
	const char *name;

	if (!build_is_needed(job) || b->next_patch == job->conf->patches.n)
		return TRANSITION_NEXT;
	name = job->conf->patches.items[b->next_patch];
	path = xasprintf("%s/patches/%s", b->work_dir, name);
	if (path_has_dot_dot(name) || !path_is_file(path)) {
		error_set(&job->outcome.error, -ENOENT, 5, "%s: the patch patches/%s %s",
			job->conf_path, name,
			path_has_dot_dot(name) ? "has .. in its path" : "is missing");
		return TRANSITION_FAIL;
	}
	str_add(&line, "patch -p1 -i ");
	free(path);
	path = xasprintf("patches/%s", name);
	str_add_quoted(&line, path);
	transition = run_in_build(job, line.data, false);
	str_done(&line);
	return transition;
}

enum transition patch_leave(struct job *job, const struct outcome *outcome)
{
	_cleanup_free_ char *what = xasprintf(
		"the patch %s", job->conf->patches.items[job->build->next_patch]);

	if (check_command(job, outcome, what, 6) == TRANSITION_FAIL)
		return TRANSITION_FAIL;
	job->build->next_patch++;
	return TRANSITION_AGAIN;
}

/* JOB_PRE_BUILD, JOB_POST_BUILD */

static enum transition build_script_enter(
	struct job *job, const char *what, const char *script)
{
	_cleanup_free_ char *line = NULL;

	if (!build_is_needed(job) || is_empty(script))
		return TRANSITION_NEXT;
	line = hook_command_line(job, what, script, job->build->work_dir,
		job->build->paths.real_build_dir);
	if (!line)
		return TRANSITION_NEXT;
	if (job->state == JOB_POST_BUILD)
		buildlog_add_local(job->build->log_fd);
	return run_in_build(job, line, true);
}

static enum transition build_script_leave(struct job *job, const struct outcome *outcome,
	const char *what)
{
	return check_command(
		job, outcome, what, outcome->exit_status ? outcome->exit_status : 1);
}

enum transition pre_build_enter(struct job *job)
{
	return build_script_enter(job, "PRE_BUILD", job->conf->pre_build);
}

enum transition pre_build_leave(struct job *job, const struct outcome *outcome)
{
	return build_script_leave(job, outcome, "PRE_BUILD");
}

enum transition post_build_enter(struct job *job)
{
	return build_script_enter(job, "POST_BUILD", job->conf->post_build);
}

enum transition post_build_leave(struct job *job, const struct outcome *outcome)
{
	return build_script_leave(job, outcome, "POST_BUILD");
}

/* JOB_MAKING */

enum transition make_enter(struct job *job)
{
	_cleanup_free_ char *line = NULL;

	if (!build_is_needed(job))
		return TRANSITION_NEXT;
	line = conf_make_command(job->conf, job->kernel->release);
	return run_in_build(job, line, true);
}

/* Returns 0 if the module is a file that dkms may take out of the build directory, or a
 * negative errno and job->outcome.error. */
static int check_built_module(struct job *job, const struct conf_module *m)
{
	_cleanup_free_ char *file = conf_built_file(m);
	_cleanup_(error_done) struct error why = {0};
	int r = beneath_open(
		job->build->work_dir, file, BUILD_MODULE_MAX, NULL, &why);

	if (r >= 0) {
		close(r);
		return 0;
	}
	if (r == -ENOENT || r == -ENOTDIR)
		return error_set(&job->outcome.error, r, 7,
			"make succeeded and did not build %s, which %s names", file,
			job->conf_path);
	return error_set(&job->outcome.error, r, 7,
		"make succeeded and did not build %s, which %s names: %s", file,
		job->conf_path, why.what);
}

static int check_built_modules(struct job *job)
{
	int r = 0;

	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++)
		if (!job->conf->modules[i].excluded)
			r = check_built_module(job, &job->conf->modules[i]);
	return r;
}

/* Lets the job build again, without objects from the cache. */
static void do_without_objects(struct job *job)
{
	job->reuse->without_objects = true;
	job->build->next_patch = 0;
}

/* Fails because a module was not built. */
static enum transition fail_without_module(struct job *job)
{
	_cleanup_free_ char *advice = advice_find(job, true);

	if (advice)
		error_remedy(&job->outcome.error, "%s", advice);
	return TRANSITION_FAIL;
}

enum transition make_leave(struct job *job, const struct outcome *outcome)
{
	if (!outcome_ok(outcome) && !outcome->cancelled && !outcome->timed_out &&
		!outcome->log_full && objects_were_restored(job)) {
		do_without_objects(job);
		return TRANSITION_RESTART;
	}
	if (check_command(job, outcome, "make", 10) == TRANSITION_FAIL)
		return TRANSITION_FAIL;
	job->outcome.compiler_warnings = buildlog_count_warnings(job->build->paths.log);
	if (objects_were_restored(job))
		return TRANSITION_NEXT;
	return check_built_modules(job) < 0 ? fail_without_module(job) : TRANSITION_NEXT;
}

/* JOB_CHECKING_OBJECTS */

/* Returns -ERESTART if what make has built may be wrong because of the objects from the
 * cache. */
static int check_objects_work(struct job *job)
{
	if (objects_are_valid(job) && check_built_modules(job) == 0)
		return 0;
	error_done(&job->outcome.error);
	do_without_objects(job);
	return -ERESTART;
}

enum transition check_objects_enter(struct job *job)
{
	if (!build_is_needed(job) || !objects_were_restored(job))
		return TRANSITION_NEXT;
	job->ask.work = check_objects_work;
	return TRANSITION_WORK;
}

/* JOB_STRIPPING */

enum transition strip_enter(struct job *job)
{
	_cleanup_free_ char *program = NULL;
	struct str line = {0};
	bool any = false;
	enum transition transition = TRANSITION_NEXT;

	if (!build_is_needed(job))
		return TRANSITION_NEXT;
	program = toolchain_program(&job->build->toolchain, "strip");
	str_add_quoted(&line, program);
	str_add(&line, " -g");
	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *file = conf_built_file(m);
		_cleanup_free_ char *path = path_join(".", file);

		if (m->excluded || !m->strip)
			continue;
		str_add(&line, " ");
		str_add_quoted(&line, path);
		any = true;
	}
	if (any)
		transition = run_in_build(job, line.data, false);
	str_done(&line);
	return transition;
}

enum transition strip_leave(struct job *job, const struct outcome *outcome)
{
	return check_command(job, outcome, "strip", 10);
}
