/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How can the commands of modules be confined on this machine? Tries bubblewrap to find
 * out. */
#include "config.h"

#include <errno.h>

#include "builder/run/trace.h"
#include "scheduler/plan-sandbox.h"
#include "scheduler/runner.h"

/* Returns whether a command can be run in a sandbox of that kind. */
static bool sandbox_works(struct plan *p, enum sandbox_kind kind)
{
	struct outcome outcome = {0};
	struct command cmd;
	bool works;

	sandbox_fill_probe(kind, &cmd);
	works = runner_run_command(p->loop, &cmd, &outcome) == 0 && outcome_ok(&outcome);
	outcome_done(&outcome);
	command_done(&cmd);
	return works;
}

/* Finds out whether builds can be traced. If not, --verbose says why. */
static void choose_tracing(struct plan *p)
{
	_cleanup_(error_done) struct error err = {0};
	struct trace *trace;

	if (!p->shared.cache || p->shared.sandbox == SANDBOX_KIND_NONE ||
		p->tried_tracing)
		return;
	p->tried_tracing = true;
	trace = trace_new(&err);
	p->shared.can_trace = trace != NULL;
	if (!trace && p->shared.settings->verbose)
		strv_pushf(&p->warnings,
			"%s; what a build might read decides whether it is in the cache",
			err.what);
	trace_free(trace);
}

static int choose_kind(struct plan *p, struct error *err)
{
	enum sandbox_mode mode = p->shared.settings->sandbox.mode;

	p->shared.sandbox = SANDBOX_KIND_NONE;
	if (mode == SANDBOX_OFF)
		return 0;
	if (geteuid() == 0 && sandbox_works(p, SANDBOX_KIND_UNTRUSTED))
		p->shared.sandbox = SANDBOX_KIND_UNTRUSTED;
	else if (sandbox_works(p, SANDBOX_KIND_USERNS))
		p->shared.sandbox = SANDBOX_KIND_USERNS;
	else if (mode == SANDBOX_REQUIRE)
		return error_set(err, -EPERM, 1,
			"bubblewrap cannot make a sandbox here, and --sandbox=require "
			"asks for one");
	else
		strv_push(&p->warnings, "no sandbox: bubblewrap is not installed or namespaces "
					"are not permitted here; builds run without one");
	return 0;
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
