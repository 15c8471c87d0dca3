/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The job slots of a plan: those of a make above us, else our own in the form that the
 * makes below understand. */
#include "config.h"

#include "scheduler/cpus.h"
#include "scheduler/estimate.h"
#include "scheduler/memory.h"
#include "scheduler/plan-slots.h"
#include "scheduler/runner.h"

/* What -j 0, no limit, comes to. */
#define SLOTS_UNLIMITED 1024

/* "GNU Make 4.4.1": since 4.4 a jobserver may be a named pipe. Others, and no make at all,
 * are left with what all understand. */
static bool make_supports_fifo(struct plan *p)
{
	unsigned int major = 0, minor = 0;
	struct outcome outcome = {0};
	struct command cmd;

	command_init(&cmd);
	strv_push_all(&cmd.argv, (const char *const[]){"make", "--version", NULL});
	cmd.timeout_s = 10;
	if (runner_run_command(p->loop, &cmd, &outcome) == 0 && outcome_ok(&outcome) &&
		outcome.out.data)
		sscanf(outcome.out.data, "GNU Make %u.%u", &major, &minor);
	outcome_done(&outcome);
	command_done(&cmd);
	return major > 4 || (major == 4 && minor >= 4);
}

/* A job keeps a CPU busy for four fifths of its time: it waits for disks and for processes
 * that begin and end. So where there are as many slots as CPUs, some jobs run besides. */
static unsigned int count_extra_jobs(const struct settings *s)
{
	return s->limits.slots > 1 && s->limits.slots == cpus_available() &&
			       !s->limits.slots_exact
		       ? 1 + s->limits.slots / 8
		       : 0;
}

/* What was asked for, or what there is memory for. */
static unsigned int count_slots(const struct plan *p, unsigned int *ret_spare)
{
	const struct settings *s = p->shared.settings;
	unsigned int asked = s->limits.slots ? s->limits.slots : SLOTS_UNLIMITED,
		     spare = count_extra_jobs(s);
	unsigned int fit = asked + spare;

	if (plan_has_builds(p))
		fit = estimate_slots_that_fit(p->jobs + p->n_jobs_run,
			p->n_jobs - p->n_jobs_run, fit,
			s->limits.max_memory_bytes ? s->limits.max_memory_bytes
						   : memory_available());
	*ret_spare = fit > asked ? fit - asked : 0;
	return fit - *ret_spare;
}

int plan_choose_slots(struct plan *p)
{
	unsigned int n = count_slots(p, &p->n_extra);
	int r = -1;

	if (p->slots && p->slots != &p->own_slots) {
		p->n_extra = 0;
		return 0;
	}
	if (!p->has_asked_make && plan_has_builds(p) &&
		!p->shared.settings->switches.dry_run) {
		p->has_asked_make = true;
		p->make_supports_fifo = make_supports_fifo(p);
		if (p->make_slots_unreachable)
			strv_push(&p->warnings,
				"the job slots of the make that runs dkms cannot be reached, "
				"and it uses its own: a rule passes them on when its line "
				"begins with + or names $(MAKE)");
	}
	if (p->slots && p->slots->total == n && !p->slots->fifo == !p->make_supports_fifo)
		return 0;
	if (p->slots)
		slots_done(p->slots);
	p->slots = &p->own_slots;
	if (p->make_supports_fifo)
		r = slots_init_fifo(p->slots, n);
	if (r < 0) { /* a /tmp that cannot be written, for one */
		if (p->make_supports_fifo)
			slots_done(p->slots);
		p->make_supports_fifo = false;
		r = slots_init_pipe(p->slots, n);
	}
	p->shared.slots_fifo = p->slots->fifo;
	return r;
}

unsigned int plan_count_slots(const struct plan *p)
{
	unsigned int n = p->slots && p->slots->total ? p->slots->total
						     : p->shared.settings->limits.slots;

	return n < SLOTS_UNLIMITED ? n : 0;
}
