/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many job slots does a run have, and where do they come from? They are those of the
 * make that runs dkms, or else dkms makes a jobserver of its own, in a form that the
 * makes of the builds understand. */
#include "config.h"

#include "builder/conf/environment.h"
#include "scheduler/cpus.h"
#include "scheduler/estimate.h"
#include "scheduler/memory.h"
#include "scheduler/plan-slots.h"
#include "scheduler/run-command.h"
#include "scheduler/runner.h"

/* The number of slots for -j 0, which means no limit. */
#define SLOTS_UNLIMITED 1024

/* Returns whether make(1) supports a jobserver in a named pipe, as GNU make does since
 * version 4.4. Its --version begins with "GNU Make 4.4.1", for example. Returns false for
 * another make, or when there is none: then a plain pipe is used, which every make with a
 * jobserver supports. */
static bool make_supports_fifo(struct plan *p)
{
	unsigned int major = 0, minor = 0;
	struct outcome outcome = {0};
	struct command cmd;

	command_init(&cmd);
	strv_push_all(&cmd.argv, (const char *const[]){"make", "--version", NULL});
	/* Make evaluates what MAKEFLAGS and GNUMAKEFLAGS say even then. */
	environment_add_permitted(&cmd.env, NULL);
	cmd.timeout_s = 10;
	if (runner_run_command(p->loop, &cmd, &outcome) == 0 && outcome_ok(&outcome) &&
		outcome.out.data)
		sscanf(outcome.out.data, "GNU Make %u.%u", &major, &minor);
	outcome_done(&outcome);
	command_done(&cmd);
	return major > 4 || (major == 4 && minor >= 4);
}

/* Returns how many jobs may run in addition to those that hold a slot. A job uses a CPU
 * for about four fifths of its time; for the rest it waits for disks and for processes
 * that start and end. So when there are as many slots as CPUs, one more job runs, and
 * another one for every eight CPUs. When -j gave the number of slots, no further jobs
 * run. */
static unsigned int count_extra_jobs(const struct settings *s)
{
	return s->limits.slots > 1 && s->limits.slots == cpus_available() &&
			       !s->limits.slots_exact
		       ? 1 + s->limits.slots / 8
		       : 0;
}

/* Returns the number of slots: as many as asked for, or as many as fit into the memory.
 * Sets *ret_extra to the number of jobs that may run in addition. */
static unsigned int count_slots(const struct plan *p, unsigned int *ret_extra)
{
	const struct settings *s = p->shared.settings;
	unsigned int asked = s->limits.slots ? s->limits.slots : SLOTS_UNLIMITED,
		     extra = count_extra_jobs(s);
	unsigned int fit = asked + extra;

	if (plan_has_builds(p))
		fit = estimate_slots_that_fit(p->jobs + p->n_jobs_run,
			p->n_jobs - p->n_jobs_run, fit,
			s->limits.max_memory_bytes ? s->limits.max_memory_bytes
						   : memory_available());
	*ret_extra = fit > asked ? fit - asked : 0;
	return fit - *ret_extra;
}

static int choose_slots(struct plan *p)
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
			strv_push(&p->warnings, "the job slots of the make that runs "
						"dkms cannot be reached, "
						"so dkms uses its own: make passes them "
						"on if the line of the "
						"rule begins with + or contains $(MAKE)");
	}
	if (p->slots && p->slots->total == n && !p->slots->fifo_dir == !p->make_supports_fifo)
		return 0;
	if (p->slots)
		slots_done(p->slots);
	p->slots = &p->own_slots;
	if (p->make_supports_fifo)
		r = slots_init_fifo(p->slots, n);
	/* no fifo is wanted or possible, for example because /tmp is read-only */
	if (r < 0) {
		if (p->make_supports_fifo)
			slots_done(p->slots);
		p->make_supports_fifo = false;
		r = slots_init_pipe(p->slots, n);
	}
	return r;
}

int plan_choose_slots(struct plan *p)
{
	int r = choose_slots(p);

	if (r < 0)
		return r;
	for (size_t i = p->n_jobs_run; i < p->n_jobs; i++) {
		free(p->jobs[i]->jobserver_fifo);
		p->jobs[i]->jobserver_fifo = slots_fifo_path(p->slots, i);
	}
	return 0;
}

unsigned int plan_count_slots(const struct plan *p)
{
	unsigned int n = p->slots && p->slots->total ? p->slots->total
						     : p->shared.settings->limits.slots;

	return n < SLOTS_UNLIMITED ? n : 0;
}
