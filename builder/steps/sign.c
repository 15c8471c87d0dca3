/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_PREPARING_SIGNATURES decides whether modules are signed, and makes copies of them
 * in a directory of their own. JOB_SIGNING runs one command for each copy, and renames
 * the signed copy over the module. So a program that fails half-way does not damage the
 * module.
 *
 * A failure is a warning, and the module stays unsigned. The commands run outside the
 * sandbox, because a build must not see the key. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "builder/host/keypair.h"
#include "builder/host/signer.h"
#include "builder/module/examine.h"
#include "builder/module/signature.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/steps/sign.h"

_Static_assert(COMMAND_FIRST_FD == 10, "KEYPAIR_PIN_SOURCE names the descriptor");

/* The time limit for a signature (s). Some tokens wait for a touch. */
#define SIGN_SECONDS 120

struct signing {
	char *tool, *hash; /* the program that signs; the name of the digest */
	struct keypair pair;
	char *dir;	    /* the directory of the copies */
	struct strv files;  /* the names of the module files, without directories */
	size_t next;	    /* the index of the file that is signed next */
	bool ready;	    /* the key pair and the copies exist */
	char *failed, *why; /* the first module that was not signed, and why; or NULL */
	size_t n_failed;    /* the number of modules that could not be signed */
};

void signing_free(struct signing *sg)
{
	if (!sg)
		return;
	keypair_done(&sg->pair);
	free(sg->tool);
	free(sg->hash);
	free(sg->dir);
	strv_done(&sg->files);
	free(sg->failed);
	free(sg->why);
	free(sg);
}

/* JOB_PREPARING_SIGNATURES */

/* Lists the modules that are to be signed: those of the dkms.conf, or what is built. */
static int list_files(struct job *job, struct strv *ret)
{
	_cleanup_(strv_done) struct strv names = {0};
	_cleanup_free_ char *dir = build_staged_path(job, "");
	int r;

	if (job->kind != JOB_SIGN) {
		for (size_t i = 0; i < job->conf->n_modules; i++)
			if (!job->conf->modules[i].excluded)
				strv_take(ret, conf_dest_file(&job->conf->modules[i]));
		return 0;
	}
	r = dir_list(dir, &names);
	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot read %s", dir);
	for (size_t i = 0; i < names.n; i++)
		if (has_suffix(names.items[i], ".ko"))
			strv_push(ret, names.items[i]);
	return 0;
}

/* Returns the name of the file that is signed next; NULL if there are no more. */
static const char *next_file(const struct job *job)
{
	const struct signing *sg = job->signing;

	return sg->next < sg->files.n ? sg->files.items[sg->next] : NULL;
}

/* Returns the path of the copy of a module file; the caller frees. */
static char *copy_path(const struct signing *sg, const char *file)
{
	return path_join(sg->dir, file);
}

static int copy_modules(const struct job *job, struct error *err)
{
	const struct signing *sg = job->signing;
	int r = dir_remove(sg->dir, err);

	if (r == 0)
		r = dir_make(sg->dir, err);
	for (size_t i = 0; i < sg->files.n && r == 0; i++) {
		_cleanup_free_ char *from = build_staged_path(job, sg->files.items[i]);
		_cleanup_free_ char *to = copy_path(sg, sg->files.items[i]);

		r = file_copy(from, to, err);
	}
	return r;
}

static void add_unsigned_notice(struct job *job, const char *why, const char *remedy)
{
	strv_pushf(&job->outcome.notices, "modules are not signed: %s%s%s", why,
		remedy ? "; " : "", remedy ? remedy : "");
}

/* Ends an attempt to sign. This is the failure of a job that does nothing else. */
static int give_up(struct job *job, const char *why, const char *remedy)
{
	if (job->kind != JOB_SIGN) {
		add_unsigned_notice(job, why, remedy);
		return 0;
	}
	error_set(&job->outcome.error, -EIO, 1, "not signed: %s", why);
	if (remedy)
		error_remedy(&job->outcome.error, "%s", remedy);
	return -EIO;
}

/* Says which files were made. The certificate is to be enrolled where modules are loaded from,
 * which private trees are not. */
static void add_made(struct job *job, enum keypair_made made)
{
	const struct keypair *pair = &job->signing->pair;
	struct str *output = &job->outcome.output;

	if (made == KEYPAIR_MADE_NOTHING)
		return;
	if (made == KEYPAIR_MADE_BOTH)
		str_addf(output, "made the key %s that signs modules", pair->key);
	else
		str_addf(output, "made the certificate %s of the key %s that signs modules",
			pair->certificate, pair->key);
	if (settings_are_of_machine(job->shared->settings))
		str_addf(output, "; to enroll %s: mokutil --import %s",
			made == KEYPAIR_MADE_BOTH ? "its certificate" : "it",
			pair->certificate);
	str_add(output, "\n");
}

static int prepare_signatures_work(struct job *job)
{
	struct signing *sg = job->signing;
	const struct settings *s = job->shared->settings;
	_cleanup_(error_done) struct error err = {0};
	enum keypair_made made = KEYPAIR_MADE_NOTHING;
	int r;

	if (!has_prefix(sg->pair.key, "pkcs11:") && !keypair_is_complete(&sg->pair) &&
		!signer_may_make_key(s, "/proc"))
		r = error_set(&err, -ENOENT, 1,
			"there is no %s %s, and none is made where an image may be built; to make "
			"it: dkms generate_mok",
			path_is_file(sg->pair.key) ? "certificate" : "key",
			path_is_file(sg->pair.key) ? sg->pair.certificate : sg->pair.key);
	else
		r = keypair_ensure(&sg->pair, s->trees.dkms, &made, &err);
	if (r == -EAGAIN && !err.what)
		return job_note_locked(job, sg->pair.key);
	add_made(job, made);
	if (r == 0 && !has_prefix(sg->pair.key, "pkcs11:") &&
		access(sg->pair.key, R_OK) < 0)
		r = error_errno(&err, -errno, 1, "cannot read %s", sg->pair.key);
	if (r == 0 && !has_prefix(sg->pair.key, "pkcs11:"))
		r = keypair_check_passphrase(&sg->pair, &err);
	if (r == 0)
		r = copy_modules(job, &err);
	sg->ready = r == 0;
	return r < 0 ? give_up(job, err.what ? err.what : strerror(-r), err.remedy) : 0;
}

/* Ends a job that signs again where nothing is to be signed. */
static enum transition end_unwanted(struct job *job, const char *why)
{
	strv_pushf(&job->outcome.warnings, "not signed: %s", why);
	job->outcome.result = RESULT_NOTHING;
	return TRANSITION_STOP;
}

/* Says which of the modules that were built before, and are installed now, is unsigned,
 * although it could be signed. */
static int note_unsigned_work(struct job *job)
{
	_cleanup_free_ char *dir = tree_module_dir(
		job->shared->settings->trees.dkms, job_on_kernel(job));
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);
		_cleanup_free_ char *name = module_name_of_file(path);

		if (!name || examine_may_be_signed(path))
			continue;
		strv_pushf(&job->outcome.warnings,
			"%s was built without a signature, and there is a key now; to sign it: "
			"dkms sign %s/%s -k %s",
			names.items[i], job->name, job->version, job->kernel->release);
		break;
	}
	return 0;
}

/* For an install of what was built before. */
static enum transition look_for_unsigned(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_(keypair_done) struct keypair pair = {0};
	_cleanup_free_ char *tool = NULL;

	if (job->kind != JOB_INSTALL || job->outcome.state_before < STATE_BUILT ||
		signer_unwanted_reason(s, job->kernel, "/proc"))
		return TRANSITION_NEXT;
	keypair_choose(s, job->kernel->release, &pair);
	if ((!has_prefix(pair.key, "pkcs11:") && !keypair_is_complete(&pair)) ||
		signer_find_program(s, job->kernel, "", getenv("PATH"), &tool, NULL) < 0)
		return TRANSITION_NEXT;
	job->ask.work = note_unsigned_work;
	return TRANSITION_WORK;
}

enum transition prepare_signatures_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_(error_done) struct error err = {0};
	struct signing *sg;
	const char *unwanted;

	if (!job->build)
		return look_for_unsigned(job);
	if (kernel_read_config(job->kernel, &job->outcome.error) < 0)
		return TRANSITION_FAIL;
	unwanted = signer_unwanted_reason(s, job->kernel, "/proc");
	if (unwanted) {
		if (job->kind == JOB_SIGN)
			return end_unwanted(job, unwanted);
		buildlog_add_note(build_log_fd(job), "# not signed: %s", unwanted);
		return TRANSITION_NEXT;
	}
	signing_free(job->signing);
	sg = job->signing = xcalloc(1, sizeof(*sg));
	sg->dir = build_job_path(job, "sign");
	sg->hash = signer_hash(job->kernel);
	keypair_choose(s, job->kernel->release, &sg->pair);
	if (signer_find_program(s, job->kernel, "", getenv("PATH"), &sg->tool, &err) <
		0) {
		return give_up(job, err.what, err.remedy) < 0 ? TRANSITION_FAIL
							      : TRANSITION_NEXT;
	}
	if (list_files(job, &sg->files) < 0)
		return TRANSITION_FAIL;
	if (!next_file(job))
		return TRANSITION_NEXT;
	job->ask.work = prepare_signatures_work;
	return TRANSITION_WORK;
}

/* JOB_SIGNING */

/* Adds the command to the log, without the PKCS #11 URI. */
static void log_command(const struct job *job, const char *path)
{
	const struct signing *sg = job->signing;
	bool token = has_prefix(sg->pair.key, "pkcs11:");
	const char *const words[] = {sg->tool, sg->hash,
		token ? "pkcs11:..." : sg->pair.key, sg->pair.certificate, path};
	_cleanup_(str_done) struct str line = {0};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		str_add(&line, i ? " " : "");
		str_add_quoted(&line, words[i]);
	}
	buildlog_add_command(build_log_fd(job), line.data);
}

static void add_failure_warning(struct job *job)
{
	struct signing *sg = job->signing;

	if (sg->n_failed == 1)
		strv_pushf(&job->outcome.warnings, "%s is not signed: %s", sg->failed,
			sg->why);
	else if (sg->n_failed)
		strv_pushf(&job->outcome.warnings,
			"%s and %zu more modules are not signed: %s", sg->failed,
			sg->n_failed - 1, sg->why);
	sg->n_failed = 0;
}

/* Hands the PIN to the program that signs, in the two ways that these know: OpenSSL's
 * engine for PKCS #11 is given the environment variable, and its provider reads the file
 * that the URI names. Returns 0 or a negative errno. */
static int pass_pin(const char *pin, struct command *cmd)
{
	int fd = memfd_create("pin", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	cmd->fds[cmd->n_fds++] = fd;
	if (fchmod(fd, 0400) < 0)
		return -errno;
	strv_push_all(&cmd->env, (const char *const *)environ);
	strv_setenv(&cmd->env, "KBUILD_SIGN_PIN", pin);
	return write_all(fd, pin, strlen(pin));
}

enum transition sign_enter(struct job *job)
{
	struct signing *sg = job->signing;
	const char *file;
	_cleanup_free_ char *path = NULL;

	if (!job->build || !sg || !sg->ready)
		return TRANSITION_NEXT;
	file = next_file(job);
	if (!file && sg->n_failed && job->kind == JOB_SIGN) {
		error_set(&job->outcome.error, -EIO, 1, "%s is not signed: %s", sg->failed,
			sg->why);
		return TRANSITION_FAIL;
	}
	if (!file) {
		add_failure_warning(job);
		return TRANSITION_NEXT;
	}
	path = copy_path(sg, file);
	strv_push_all(&job->ask.command.argv,
		(const char *const[]){sg->tool, sg->hash, sg->pair.key,
			sg->pair.certificate, path, NULL});
	job->ask.command.cwd = xstrdup(sg->dir);
	job->ask.command.timeout_s = SIGN_SECONDS;
	if (sg->pair.pin && pass_pin(sg->pair.pin, &job->ask.command) < 0) {
		return give_up(job, "the PIN cannot be passed on", NULL) < 0
			       ? TRANSITION_FAIL
			       : TRANSITION_NEXT;
	}
	log_command(job, path);
	return TRANSITION_COMMAND;
}

/* Returns why the module was not signed, after its command has ended; the caller frees.
 * NULL if it was signed. */
static char *describe_failure(
	const struct job *job, const struct outcome *outcome, const char *path)
{
	const struct signing *sg = job->signing;
	const char *name = path_base(sg->tool);

	if (!outcome_ok(outcome)) {
		_cleanup_free_ char *how = outcome_describe(outcome, &job->ask.command);
		const struct str *said = outcome->err.len ? &outcome->err : &outcome->out;
		int len = said->len ? (int)strcspn(said->data, "\n") : 0;

		return xasprintf("%s %s%s%.*s", name, how, len ? ": " : "", len,
			len ? said->data : "");
	}
	if (!signature_is_appended(path))
		return xasprintf("%s left no signature", name);
	return NULL;
}

enum transition sign_leave(struct job *job, const struct outcome *outcome)
{
	struct signing *sg = job->signing;
	const char *file = next_file(job);
	_cleanup_free_ char *path = copy_path(sg, file);
	_cleanup_free_ char *staged = build_staged_path(job, file);
	_cleanup_free_ char *why = NULL;
	int fd = build_log_fd(job);

	if (outcome->out.len)
		buildlog_add_note(fd, "%s", outcome->out.data);
	if (outcome->err.len)
		buildlog_add_note(fd, "%s", outcome->err.data);
	buildlog_add_result(fd, outcome, &job->ask.command);
	if (outcome->cancelled)
		return TRANSITION_FAIL;
	why = describe_failure(job, outcome, path);
	if (!why && rename(path, staged) < 0)
		why = xasprintf("cannot rename %s: %s", path, strerror(errno));
	if (why && !sg->n_failed++) {
		sg->failed = xstrdup(file);
		sg->why = TAKE_PTR(why);
	}
	sg->next++;
	return TRANSITION_AGAIN;
}
