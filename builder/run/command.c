/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child process as data: which program to run, and how it ended. */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "builder/run/command.h"

void command_init(struct command *c)
{
	*c = (struct command){.log_fd = -1};
}

void command_done(struct command *c)
{
	strv_done(&c->argv);
	strv_done(&c->env);
	free(c->cwd);
	for (size_t i = 0; i < c->n_fds; i++)
		close(c->fds[i]);
	for (size_t i = 0; i < c->n_kept; i++)
		close(c->kept[i]);
	free(c->kept);
	command_init(c);
}

void outcome_done(struct outcome *o)
{
	str_done(&o->out);
	str_done(&o->err);
	*o = (struct outcome){0};
}

bool outcome_ok(const struct outcome *o)
{
	return !o->error && !o->signal && !o->timed_out && !o->log_full && !o->cancelled &&
	       o->exit_status == 0;
}

char *outcome_describe(const struct outcome *o, const struct command *c)
{
	if (o->error)
		return xasprintf("could not be started: %s", strerror(-o->error));
	if (o->log_full && c->log_max_bytes < 1 << 20)
		return xasprintf("wrote more than %" PRIu64 " bytes to its log", c->log_max_bytes);
	if (o->log_full)
		return xasprintf("wrote more than %" PRIu64 " MiB to its log",
			c->log_max_bytes >> 20);
	if (o->timed_out)
		return xasprintf("ran longer than %u s", c->timeout_s);
	if (o->cancelled)
		return xstrdup("was cancelled");
	if (o->signal)
		return xasprintf("was killed by signal %d", o->signal);
	/* A shell or a sandbox between dkms and the killed process exits with this
	 * status. */
	if (o->exit_status == 128 + SIGKILL || o->exit_status == 128 + SIGSEGV)
		return xasprintf("exited %d: killed by signal %d", o->exit_status,
			o->exit_status - 128);
	return xasprintf("exited %d", o->exit_status);
}

char *command_line(const struct command *c)
{
	struct str s = {0};

	for (size_t i = 0; i < c->argv.n; i++) {
		if (i)
			str_add(&s, " ");
		str_add_quoted(&s, c->argv.items[i]);
	}
	return str_take(&s);
}
