/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms sign do? It signs again what is built and installed. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "builder/steps/check-needed.h"
#include "scheduler/depmods.h"
#include "scheduler/plan-run.h"
#include "scheduler/post-transaction.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/sign.h"

/* Returns whether the command line means the kernel of an entry. */
static bool means_kernel(const struct session *s, const struct tree_entry *e)
{
	if (s->args->all)
		return true;
	for (size_t i = 0; i < s->n_kernels; i++)
		if (streq(s->kernels[i]->release, e->release) &&
			streq(s->kernels[i]->arch, e->arch))
			return true;
	return false;
}

/* Whether the entry came with an archive, and nobody has asked for it by its name: a signature
 * would say that what somebody else has built is trusted. */
static bool is_foreign(const struct session *s, const struct tree_entry *e)
{
	if (s->args->name ||
		!tree_is_from_archive(s->settings->trees.dkms, tree_entry_on_kernel(e)))
		return false;
	print_warning("%s/%s for %s (%s) is not signed: it came with an archive, and was not "
		      "built here. If you trust it: dkms sign %s/%s -k %s/%s",
		e->name, e->version, e->release, e->arch, e->name, e->version, e->release,
		e->arch);
	return true;
}

/* Adds a job for all that is built of the modules that are named. */
static int add_jobs(struct session *s)
{
	const struct arguments *args = s->args;
	struct tree_filter filter = {.name = args->name, .version = args->version};
	struct tree_list list;
	int r = tree_read(s->settings->trees.dkms, s->settings->trees.source, &filter, &list,
		&s->error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		const struct tree_entry *e = &list.entries[i];

		if (e->state == STATE_BROKEN)
			print_warning("%s/%s is broken and is skipped: its source is missing",
				e->name, e->version);
		else if (e->state >= STATE_BUILT && means_kernel(s, e) &&
			 !is_foreign(s, e))
			plan_add_job(&s->plan, JOB_SIGN,
				plan_get_kernel(&s->plan, e->release, e->arch), e->name,
				e->version);
	}
	/* Says of a version that is named that it is not built. */
	for (size_t i = 0; args->version && !s->plan.n_jobs && i < s->n_kernels; i++)
		plan_add_job(&s->plan, JOB_SIGN, s->kernels[i], args->name, args->version);
	tree_list_done(&list);
	return 0;
}

static int check_module(struct session *s)
{
	const struct arguments *args = s->args;

	if (args->name && args->version)
		return check_added(s->settings, args->name, args->version, &s->error);
	if (args->name || !args->version)
		return 0;
	return error_set(&s->error, -EINVAL, 1, "sign needs the name of the module, too");
}

int command_sign(struct arguments *args)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, false) == 0 && check_module(&s) == 0 &&
		add_jobs(&s) == 0) {
		plan_add_depmods(&s.plan);
		if (plan_run(&s.plan, &s.error) == 0) {
			post_transaction_run(&s.plan, NULL);
			report_summary(&s.report, &s.plan);
			status = session_exit_status(&s);
		}
	}
	return session_done(&s, status);
}
