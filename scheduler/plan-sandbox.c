/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How can the commands of modules be confined on this machine? Tries bubblewrap to find
 * out. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/build/others.h"
#include "builder/run/seccomp.h"
#include "builder/run/trace.h"
#include "builder/run/user.h"
#include "builder/conf/policy.h"
#include "scheduler/plan-sandbox.h"
#include "scheduler/run-command.h"
#include "scheduler/runner.h"

/* Returns 1 if a command can be run in a sandbox of that kind, as uid or, if that is 0, as
 * the user of dkms; 0 if not; a negative errno if that is not known: a machine that is too
 * busy must not lead to less of a sandbox. */
static int sandbox_works(
	struct plan *p, enum sandbox_kind kind, uid_t uid, struct error *err)
{
	struct outcome outcome = {0};
	struct command cmd;
	int r;

	r = sandbox_fill_probe(
		kind, uid, p->shared.settings->sandbox.unfiltered, &cmd, err);
	if (r < 0) {
		command_done(&cmd);
		return r;
	}
	r = runner_run_command(p->loop, &cmd, &outcome);
	if (r < 0 || outcome.timed_out || outcome.cancelled) {
		_cleanup_free_ char *how = outcome_describe(&outcome, &cmd);

		r = error_set(err, r < 0 ? r : -ETIMEDOUT, 1,
			"cannot try the sandbox for builds: %s %s", cmd.argv.items[0],
			r < 0 ? strerror(-r) : how);
	} else {
		r = outcome_ok(&outcome);
	}
	outcome_done(&outcome);
	command_done(&cmd);
	return r;
}

/* Finds out whether builds can be traced. If not, --verbose says why. */
static void choose_tracing(struct plan *p)
{
	_cleanup_(error_done) struct error err = {0};
	const struct settings *s = p->shared.settings;
	bool is_verbose = s->verbose || s->switches.verbose;
	struct trace *trace;

	if (p->shared.sandbox == SANDBOX_KIND_NONE ||
		s->sandbox.unfiltered || !p->can_filter ||
		p->tried_tracing)
		return;
	p->tried_tracing = p->shared.cache != NULL; /* it may be opened later */
	trace = trace_new(&err);
	p->shared.can_trace = trace && p->shared.cache;
	/* Without a cache, too: a build sees the same whether its result is kept or not. */
	p->shared.shows_others = trace && p->shared.own_users &&
				 p->shared.sandbox == SANDBOX_KIND_UNTRUSTED &&
				 others_are_few(s->trees.source, is_verbose ? &p->warnings : NULL);
	if (!trace && p->shared.cache && is_verbose)
		strv_pushf(&p->warnings,
			"%s; what a build might read decides whether it is in the cache",
			err.what);
	trace_free(trace);
}

/* Finds out whether the system calls of builds can be filtered, and warns if this machine
 * cannot. Returns 0, or a negative errno and err if that is not known. */
static int warn_without_filter(struct plan *p, struct error *err)
{
	bool is_wanted = !p->shared.settings->sandbox.unfiltered;
	int fd = seccomp_open_filter(err);
	int r = fd < 0 ? fd : 0;

	p->can_filter = fd >= 0;
	close_ptr(&fd);
	if (r == -EOPNOTSUPP && is_wanted)
		strv_pushf(&p->warnings, "the system calls of builds are not filtered: %s",
			err->what);
	if (r == -EOPNOTSUPP || !is_wanted) {
		error_done(err);
		return 0;
	}
	return r;
}

/* Sets the first kind that works with commands that run as uid. Returns 1, 0 if none does,
 * or a negative errno and err. */
static int try_kinds(struct plan *p, uid_t uid, struct error *err)
{
	static const enum sandbox_kind kinds[] = {
		SANDBOX_KIND_UNTRUSTED, SANDBOX_KIND_USERNS, SANDBOX_KIND_NONE};

	/* Without a user, root has no use for the first, and any user can do the last. */
	for (size_t i = uid ? 0 : 1; i < ARRAY_SIZE(kinds) - (uid ? 0 : 1); i++) {
		int r = sandbox_works(p, kinds[i], uid, err);

		if (r == 0)
			continue;
		p->shared.sandbox = r > 0 ? kinds[i] : SANDBOX_KIND_UNKNOWN;
		p->shared.own_users = uid;
		return r;
	}
	return 0;
}

/* A container may have root as its only user, so that commands cannot run as another. */
static int try_users(struct plan *p, struct error *err)
{
	struct user user = {0};
	int r = 0;

	if (geteuid() == 0)
		r = user_take(p->shared.settings->trees.dkms, &user, err);
	if (r == 0 && user.uid)
		r = try_kinds(p, user.uid, err);
	if (r == 0)
		r = try_kinds(p, 0, err);
	user_give(&user);
	return r < 0 ? r : 0;
}

/* Returns why there is no sandbox; static. */
static const char *why_no_sandbox(void)
{
	if (!path_exists("/proc/self/fd"))
		return "/proc is not mounted";
	return "bubblewrap is not installed or namespaces are not permitted here";
}

/* Whether a package may need a sandbox although they are off. With --sandbox=off that is so only
 * as long as the name of a package, whose dkms.conf is evaluated, is not known. */
static bool may_need_sandbox(const struct plan *p)
{
	bool has_nameless = !p->shared.settings->sandbox.mode_given;

	for (size_t i = 0; i < p->n_jobs && !has_nameless; i++)
		has_nameless = !p->jobs[i]->name;
	return has_nameless && policy_is_possible(p->shared.settings);
}

static int choose_kind(struct plan *p, struct error *err)
{
	enum sandbox_mode mode = p->shared.settings->sandbox.mode;
	int r;

	p->shared.sandbox = SANDBOX_KIND_NONE;
	/* A single package may have one. */
	if (mode == SANDBOX_OFF && !may_need_sandbox(p))
		return 0;
	r = try_users(p, err);
	if (r < 0)
		return r;
	if (p->shared.sandbox != SANDBOX_KIND_NONE)
		return warn_without_filter(p, err);
	if (mode == SANDBOX_OFF)
		return 0;
	if (mode == SANDBOX_REQUIRE)
		return error_set(err, -EPERM, 1,
			"bubblewrap cannot make a sandbox here, and --sandbox=require "
			"asks for one: %s",
			why_no_sandbox());
	strv_pushf(&p->warnings, "no sandbox: %s; builds run without one",
		why_no_sandbox());
	return warn_without_filter(p, err);
}

int plan_choose_sandbox(struct plan *p, struct error *err)
{
	int r = 0;

	if (p->shared.sandbox == SANDBOX_KIND_UNKNOWN)
		r = choose_kind(p, err);
	if (r == 0)
		choose_tracing(p);
	return r;
}
