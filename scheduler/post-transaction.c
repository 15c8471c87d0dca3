/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When and how does the command post_transaction of framework.conf run? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "scheduler/post-transaction.h"
#include "scheduler/run-command.h"
#include "scheduler/runner.h"

/* Returns whether a job has changed what is built or installed for the kernel, and no job
 * on it failed. */
static bool has_changed(const struct plan *p, const struct kernel *kernel)
{
	bool changed = false;

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];

		if (job->kernel != kernel || job->kind == JOB_ADD)
			continue;
		if (!job_succeeded(job))
			return false;
		changed |= job->outcome.installed || job->outcome.uninstalled ||
			   job->outcome.unbuilt || job->outcome.signed_again;
	}
	return changed;
}

/* Returns whether a job has removed a version from the dkms tree. */
static bool has_removed_version(const struct plan *p)
{
	for (size_t i = 0; i < p->n_jobs; i++)
		if (p->jobs[i]->kind == JOB_FORGET &&
			p->jobs[i]->outcome.result == RESULT_DONE)
			return true;
	return false;
}

/* Runs the command for one kernel. log is the name of the open file log_fd, for the
 * warning. */
static void run(struct plan *p, const struct kernel *kernel, const char *log, int log_fd)
{
	struct outcome outcome = {0};
	struct command cmd;
	int r;

	command_init(&cmd);
	strv_push_all(&cmd.argv, (const char *const[]){BASH_PROGRAM, "-c",
					 p->shared.settings->post_transaction, NULL});
	strv_push_all(&cmd.env, (const char *const *)environ);
	strv_setenv(&cmd.env, "kernelver", kernel->release);
	cmd.log_fd = log_fd;
	cmd.runs_when_cancelled = true; /* it must not stop halfway */
	cmd.timeout_s = p->shared.settings->limits.script_timeout_s;
	r = runner_run_command(p->loop, &cmd, &outcome);
	if (r < 0) {
		strv_pushf(&p->warnings, "post_transaction: %s", strerror(-r));
	} else if (!outcome_ok(&outcome)) {
		_cleanup_free_ char *how = outcome_describe(&outcome, &cmd);

		strv_pushf(&p->warnings, "post_transaction for %s %s; its output is in %s",
			kernel->release, how, log);
	}
	outcome_done(&outcome);
	command_done(&cmd);
}

void post_transaction_run(struct plan *p, struct kernel *kernel)
{
	const struct settings *s = p->shared.settings;
	_cleanup_free_ char *log = path_join(s->trees.dkms, "post_transaction.log");
	_cleanup_close_ int fd = -1;
	bool any = false;

	if (is_empty(s->post_transaction) || p->shared.stop.signal || s->switches.dry_run)
		return;
	for (size_t i = 0; i <= p->n_kernels; i++) {
		struct kernel *k = i < p->n_kernels ? p->kernels[i] : kernel;

		/* The kernel of the caller comes last, and only if the command has run
		 * for no other. */
		if (i < p->n_kernels ? !has_changed(p, k)
				     : any || !k || !has_removed_version(p))
			continue;
		if (fd < 0)
			fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
		if (fd < 0) {
			strv_pushf(&p->warnings, "cannot write %s, so post_transaction did "
				"not run: %s", log, strerror(errno));
			return;
		}
		run(p, k, log, fd);
		any = true;
	}
}
