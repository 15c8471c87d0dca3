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

#include "base/file.h"
#include "builder/host/keypair.h"
#include "builder/host/signer.h"
#include "builder/module/signature.h"
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
	size_t next;	    /* the index of the module that is signed next */
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
	free(sg->failed);
	free(sg->why);
	free(sg);
}

/* JOB_PREPARING_SIGNATURES */

/* Advances sg->next to the next module that is not excluded, and returns that; NULL if
 * there are no more. */
static const struct conf_module *next_module(const struct job *job)
{
	struct signing *sg = job->signing;

	while (sg->next < job->conf->n_modules && job->conf->modules[sg->next].excluded)
		sg->next++;
	return sg->next < job->conf->n_modules ? &job->conf->modules[sg->next] : NULL;
}

/* Returns the path of the copy of a module; the caller frees. */
static char *copy_path(const struct signing *sg, const struct conf_module *m)
{
	_cleanup_free_ char *file = conf_dest_file(m);

	return path_join(sg->dir, file);
}

static int copy_modules(const struct job *job, struct error *err)
{
	const struct signing *sg = job->signing;
	int r = dir_remove(sg->dir, err);

	if (r == 0)
		r = dir_make(sg->dir, err);
	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = conf_dest_file(m);
		_cleanup_free_ char *from = build_staged_path(job, name);
		_cleanup_free_ char *to = copy_path(sg, m);

		if (!m->excluded)
			r = file_copy(from, to, err);
	}
	return r;
}

static void add_unsigned_notice(struct job *job, const char *why, const char *remedy)
{
	strv_pushf(&job->outcome.notices, "modules are not signed: %s%s%s", why,
		remedy ? "; " : "", remedy ? remedy : "");
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
	if (made == KEYPAIR_MADE_BOTH)
		str_addf(&job->outcome.output,
			"made the key %s that signs modules; to enroll its certificate: "
			"mokutil --import %s\n",
			sg->pair.key, sg->pair.certificate);
	if (made == KEYPAIR_MADE_CERTIFICATE)
		str_addf(&job->outcome.output,
			"made the certificate %s of the key %s that signs modules; to enroll it: "
			"mokutil --import %s\n",
			sg->pair.certificate, sg->pair.key, sg->pair.certificate);
	if (r == 0 && !has_prefix(sg->pair.key, "pkcs11:") &&
		access(sg->pair.key, R_OK) < 0)
		r = error_errno(&err, -errno, 1, "cannot read %s", sg->pair.key);
	if (r == 0)
		r = copy_modules(job, &err);
	if (r < 0)
		add_unsigned_notice(job, err.what ? err.what : strerror(-r), err.remedy);
	sg->ready = r == 0;
	return 0;
}

enum transition prepare_signatures_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_(error_done) struct error err = {0};
	struct signing *sg;
	const char *unwanted;

	if (!job->build)
		return TRANSITION_NEXT;
	unwanted = signer_unwanted_reason(s, job->kernel, "/proc");
	if (unwanted) {
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
		add_unsigned_notice(job, err.what, err.remedy);
		return TRANSITION_NEXT;
	}
	if (!next_module(job))
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
	const struct conf_module *m;
	_cleanup_free_ char *path = NULL;

	if (!job->build || !sg || !sg->ready)
		return TRANSITION_NEXT;
	m = next_module(job);
	if (!m) {
		add_failure_warning(job);
		return TRANSITION_NEXT;
	}
	path = copy_path(sg, m);
	strv_push_all(&job->ask.command.argv,
		(const char *const[]){sg->tool, sg->hash, sg->pair.key,
			sg->pair.certificate, path, NULL});
	job->ask.command.cwd = xstrdup(sg->dir);
	job->ask.command.timeout_s = SIGN_SECONDS;
	if (sg->pair.pin && pass_pin(sg->pair.pin, &job->ask.command) < 0) {
		add_unsigned_notice(job, "the PIN cannot be passed on", NULL);
		return TRANSITION_NEXT;
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
	const struct conf_module *m = next_module(job);
	_cleanup_free_ char *name = conf_dest_file(m);
	_cleanup_free_ char *path = copy_path(sg, m);
	_cleanup_free_ char *staged = build_staged_path(job, name);
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
		sg->failed = TAKE_PTR(name);
		sg->why = TAKE_PTR(why);
	}
	sg->next++;
	return TRANSITION_AGAIN;
}
