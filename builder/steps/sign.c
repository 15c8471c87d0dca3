/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_PREPARING_SIGNATURES and JOB_SIGNING: whether, with what, and one command for each
 * module. A module is signed as a copy, in a directory of its own, which takes the
 * module's place when that has worked: a program that fails half-way harms nothing.
 *
 * Whatever goes wrong is a warning, and the modules stay as they are. The commands run
 * outside of the sandbox, since the key is nothing for a build to see. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/host/keypair.h"
#include "builder/job/phase.h"
#include "builder/build/buildlog.h"
#include "builder/steps/sign.h"

/* What a signature may take; a token may want to be touched. */
#define SIGN_SECONDS 120

/* What the kernel looks for at the end of a signed module (linux/module_signature.h). */
#define SIGNATURE_END "~Module signature appended~\n"

struct signing {
	char *tool, *hash;
	struct keypair pair;
	char *dir;	    /* holds the copies */
	size_t next;	    /* module to sign */
	bool ready;	    /* the key pair and the copies are there */
	char *failed, *why; /* the first module that could not be signed */
	size_t n_failed;
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

void list_secrets(const struct job *job, struct strv *ret)
{
	struct keypair pair;

	keypair_choose(job->shared->settings, job->kernel->release, &pair);
	strv_push(ret, pair.key);
	keypair_done(&pair);
}

/* Whether and with what */

/* Compares two paths by what they lead to: 1 the same, 0 not, else a negative errno. */
static int is_same(const char *dir, const char *a, const char *b)
{
	_cleanup_free_ char *path_a = path_join(dir, a);
	_cleanup_free_ char *path_b = path_join(dir, b);
	const unsigned int mask = STATX_INO | STATX_MNT_ID;
	struct statx st_a, st_b;

	if (statx(AT_FDCWD, path_a, 0, mask, &st_a) < 0 ||
		statx(AT_FDCWD, path_b, 0, mask, &st_b) < 0)
		return -errno;
	/* A bind mount of the root has its inode number; the mount tells. */
	if (st_a.stx_mask & st_b.stx_mask & STATX_MNT_ID && st_a.stx_mnt_id != st_b.stx_mnt_id)
		return 0;
	return st_a.stx_dev_major == st_b.stx_dev_major &&
	       st_a.stx_dev_minor == st_b.stx_dev_minor && st_a.stx_ino == st_b.stx_ino;
}

bool sign_in_chroot(const char *proc)
{
	_cleanup_free_ char *self = path_join(proc, "self");

	if (!path_exists(self))
		return true;
	return is_same(proc, "1/root", "self/root") == 0 ||
	       is_same(proc, "1/ns/mnt", "self/ns/mnt") == 0;
}

/* The hash without the quotes that a .config has; caller frees; NULL when unset. */
static char *config_hash(struct kernel *k)
{
	const char *value = kernel_config(k, "CONFIG_MODULE_SIG_HASH");
	char *hash;

	if (!value)
		return NULL;
	value += *value == '"';
	hash = xstrndup(value, strcspn(value, "\""));
	if (*hash)
		return hash;
	free(hash);
	return NULL;
}

const char *sign_unwanted(const struct settings *s, struct kernel *k, const char *proc)
{
	const char *mode = s->signing.when ? s->signing.when : "not_in_chroot";
	_cleanup_free_ char *hash = config_hash(k);

	if (streq(mode, "false"))
		return "try_sign_modules is false";
	if (!hash)
		return "the kernel has no CONFIG_MODULE_SIG_HASH";
	if (!streq(mode, "true") && sign_in_chroot(proc))
		return "this is a chroot or a mount namespace, and try_sign_modules is not true";
	return NULL;
}

static bool is_program(const char *path)
{
	return path_is_file(path) && access(path, X_OK) == 0;
}

/* "6.1" of "6.1.0-56-amd64"; caller frees. */
static char *major_minor(const char *release)
{
	size_t len = strcspn(release, ".");

	if (release[len])
		len += 1 + strspn(release + len + 1, "0123456789");
	return xstrndup(release, len);
}

/* Where the distribution has the program; caller frees; may not exist. */
static char *distro_tool(enum distro distro, const char *release, const char *root,
	const char *search)
{
	_cleanup_free_ char *version = NULL;
	char *found;

	switch (distro) {
	case DISTRO_DEBIAN:
		version = major_minor(release);
		return xasprintf("%s/usr/lib/linux-kbuild-%s/scripts/sign-file", root, version);
	case DISTRO_UBUNTU:
		found = path_find_program("kmodsign", search);
		if (found)
			return found;
		return xasprintf(
			"%s/usr/src/linux-headers-%s/scripts/sign-file", root, release);
	case DISTRO_GENTOO:
		return xasprintf("%s/usr/src/linux-%s/scripts/sign-file", root, release);
	default:
		return NULL;
	}
}

int sign_find_tool(const struct settings *s, const struct kernel *k, const char *root,
	const char *search, char **ret, struct error *err)
{
	_cleanup_free_ char *tool = NULL;

	if (!is_empty(s->signing.program)) {
		tool = settings_expand_kernelver(s->signing.program, k->release);
	} else {
		tool = distro_tool(s->distro, k->release, root, search);
		if (!tool || !is_program(tool)) {
			free(tool);
			tool = path_join(k->headers, "scripts/sign-file");
		}
	}
	if (!is_program(tool))
		return error_set(err, -ENOENT, 1, "%s is %s", tool,
			path_is_file(tool) ? "not executable" : "missing");
	*ret = TAKE_PTR(tool);
	return 0;
}

bool sign_is_signed(const char *path)
{
	static const char end[] = SIGNATURE_END;
	char found[sizeof(end) - 1];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && lseek(fd, -(off_t)sizeof(found), SEEK_END) >= 0 &&
	       read(fd, found, sizeof(found)) == (ssize_t)sizeof(found) &&
	       memcmp(found, end, sizeof(found)) == 0;
}

/* JOB_PREPARING_SIGNATURES */

/* The next module that is built, from sg->next on; NULL at the end. */
static const struct conf_module *next_module(const struct job *job)
{
	struct signing *sg = job->signing;

	while (sg->next < job->conf->n_modules && job->conf->modules[sg->next].excluded)
		sg->next++;
	return sg->next < job->conf->n_modules ? &job->conf->modules[sg->next] : NULL;
}

/* The copy of a module; caller frees. */
static char *copy_path(const struct signing *sg, const struct conf_module *m)
{
	return xasprintf("%s/%s.ko", sg->dir, m->dest_name);
}

static int copy_modules(const struct job *job, struct error *err)
{
	const struct signing *sg = job->signing;
	int r = dir_remove(sg->dir, err);

	if (r == 0)
		r = dir_make(sg->dir, err);
	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = xasprintf("%s.ko", m->dest_name);
		_cleanup_free_ char *from = build_staged_path(job, name);
		_cleanup_free_ char *to = copy_path(sg, m);

		if (!m->excluded)
			r = file_copy(from, to, err);
	}
	return r;
}

static void not_signed(struct job *job, const char *why)
{
	strv_pushf(&job->outcome.notices, "modules are not signed: %s", why);
}

static int prepare_signatures_work(struct job *job)
{
	struct signing *sg = job->signing;
	_cleanup_(error_done) struct error err = {0};
	bool made = false;
	int r = keypair_ensure(&sg->pair, &made, &err);

	if (made)
		str_addf(&job->outcome.output,
			"made the key %s that signs modules; to enroll its certificate: "
			"mokutil --import %s\n",
			sg->pair.key, sg->pair.certificate);
	if (r == 0 && !has_prefix(sg->pair.key, "pkcs11:") && access(sg->pair.key, R_OK) < 0)
		r = error_errno(&err, -errno, 1, "cannot read %s", sg->pair.key);
	if (r == 0)
		r = copy_modules(job, &err);
	if (r < 0)
		not_signed(job, err.what ? err.what : strerror(-r));
	sg->ready = r == 0;
	return 0;
}

enum phase prepare_signatures_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_(error_done) struct error err = {0};
	struct signing *sg;
	const char *unwanted;

	if (!job->build)
		return PHASE_NEXT;
	unwanted = sign_unwanted(s, job->kernel, "/proc");
	if (unwanted) {
		buildlog_note(build_log_fd(job), "# not signed: %s", unwanted);
		return PHASE_NEXT;
	}
	signing_free(job->signing);
	sg = job->signing = xcalloc(1, sizeof(*sg));
	sg->dir = build_path(job, "sign");
	sg->hash = config_hash(job->kernel);
	keypair_choose(s, job->kernel->release, &sg->pair);
	if (sign_find_tool(s, job->kernel, "", getenv("PATH"), &sg->tool, &err) < 0) {
		not_signed(job, err.what);
		return PHASE_NEXT;
	}
	if (!next_module(job))
		return PHASE_NEXT;
	job->ask.work = prepare_signatures_work;
	return PHASE_WORK;
}

/* JOB_SIGNING */

/* The command for the log, where a token's PIN has no business. */
static void log_command(const struct job *job, const char *path)
{
	const struct signing *sg = job->signing;
	bool token = has_prefix(sg->pair.key, "pkcs11:");
	const char *const words[] = {
		sg->tool, sg->hash, token ? "pkcs11:..." : sg->pair.key, sg->pair.certificate, path};
	_cleanup_(str_done) struct str line = {0};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		str_add(&line, i ? " " : "");
		str_add_quoted(&line, words[i]);
	}
	buildlog_command(build_log_fd(job), line.data);
}

static void tell_failures(struct job *job)
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

enum phase sign_enter(struct job *job)
{
	struct signing *sg = job->signing;
	const struct conf_module *m;
	_cleanup_free_ char *path = NULL;

	if (!job->build || !sg || !sg->ready)
		return PHASE_NEXT;
	m = next_module(job);
	if (!m) {
		tell_failures(job);
		return PHASE_NEXT;
	}
	path = copy_path(sg, m);
	strv_push_all(&job->ask.command.argv, (const char *const[]){sg->tool, sg->hash,
						  sg->pair.key, sg->pair.certificate, path, NULL});
	job->ask.command.cwd = xstrdup(sg->dir);
	job->ask.command.timeout_s = SIGN_SECONDS;
	log_command(job, path);
	return PHASE_COMMAND;
}

/* Why a module is not signed after its command: caller frees; NULL when it is. */
static char *failure(const struct job *job, const struct outcome *outcome, const char *path)
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
	if (!sign_is_signed(path))
		return xasprintf("%s left no signature", name);
	return NULL;
}

enum phase sign_leave(struct job *job, const struct outcome *outcome)
{
	struct signing *sg = job->signing;
	const struct conf_module *m = next_module(job);
	_cleanup_free_ char *name = xasprintf("%s.ko", m->dest_name);
	_cleanup_free_ char *path = copy_path(sg, m);
	_cleanup_free_ char *staged = build_staged_path(job, name);
	_cleanup_free_ char *why = NULL;
	int fd = build_log_fd(job);

	if (outcome->out.len)
		buildlog_note(fd, "%s", outcome->out.data);
	if (outcome->err.len)
		buildlog_note(fd, "%s", outcome->err.data);
	buildlog_result(fd, outcome, &job->ask.command);
	if (outcome->cancelled)
		return PHASE_FAIL;
	why = failure(job, outcome, path);
	if (!why && rename(path, staged) < 0)
		why = xasprintf("cannot rename %s: %s", path, strerror(errno));
	if (why && !sg->n_failed++) {
		sg->failed = TAKE_PTR(name);
		sg->why = TAKE_PTR(why);
	}
	sg->next++;
	return PHASE_AGAIN;
}
