/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The job slots of a plan: those of a make above us, else our own in the form that the
 * makes below understand. */
#include "config.h"

#include "scheduler/plan.h"

/* What -j 0, no limit, comes to. */
#define SLOTS_UNLIMITED 1024

static bool has_builds(const struct plan *p)
{
	for (size_t i = p->n_run; i < p->n_jobs; i++)
		if (p->jobs[i]->kind == JOB_BUILD || p->jobs[i]->kind == JOB_INSTALL)
			return true;
	return false;
}

/* "GNU Make 4.4.1": since 4.4 a jobserver may be a named pipe. Others, and no make at all,
 * are left with what all understand. */
static bool make_opens_fifo(struct plan *p)
{
	unsigned int major = 0, minor = 0;
	struct outcome outcome = {0};
	struct command cmd;

	command_init(&cmd);
	strv_push_all(&cmd.argv, (const char *const[]){"make", "--version", NULL});
	cmd.timeout_s = 10;
	if (runner_command(p->loop, &cmd, &outcome) == 0 && outcome_ok(&outcome) &&
		outcome.out.data)
		sscanf(outcome.out.data, "GNU Make %u.%u", &major, &minor);
	outcome_done(&outcome);
	command_done(&cmd);
	return major > 4 || (major == 4 && minor >= 4);
}

int plan_choose_slots(struct plan *p)
{
	unsigned int n = p->shared.settings->slots;
	bool fifo = false;
	int r = -1;

	if (p->slots && p->slots != &p->own_slots)
		return 0;
	if (!p->asked_make && has_builds(p) && !p->shared.settings->dry_run) {
		p->asked_make = true;
		fifo = make_opens_fifo(p);
		if (p->slots_lost)
			strv_push(&p->warnings,
				"the job slots of the make that runs dkms cannot be reached, "
				"and it uses its own: a rule passes them on when its line "
				"begins with + or names $(MAKE)");
	}
	if (p->slots && !fifo)
		return 0;
	n = n ? n : SLOTS_UNLIMITED;
	if (p->slots)
		slots_done(p->slots);
	p->slots = &p->own_slots;
	if (fifo)
		r = slots_init_fifo(p->slots, n);
	if (r < 0) { /* a /tmp that cannot be written, for one */
		if (fifo)
			slots_done(p->slots);
		r = slots_init(p->slots, n);
	}
	p->shared.slots_fifo = p->slots->fifo;
	return r;
}

unsigned int plan_n_slots(const struct plan *p)
{
	bool outer = p->slots && p->slots != &p->own_slots;

	return outer && p->slots->total ? p->slots->total : p->shared.settings->slots;
}
