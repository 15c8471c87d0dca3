/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms match do? It installs on one kernel what is installed on another. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "scheduler/autoinstall.h"
#include "scheduler/plan-run.h"
#include "cli/match.h"
#include "cli/print.h"
#include "cli/session.h"

/* Adds a job that evaluates each version that is installed on the template kernel. */
static int add_matches(struct session *s)
{
	struct kernel *kernel = s->kernels[0];
	struct tree_filter filter = {
		.name = s->args->name,
		.version = s->args->version,
		.release = s->args->template_kernel,
		.arch = kernel->arch,
	};
	struct tree_list list;
	int r = tree_read(s->settings->trees.dkms, s->settings->trees.source, &filter,
		&list, &s->error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		const struct tree_entry *e = &list.entries[i];

		if (e->state == STATE_INSTALLED)
			plan_add_job(&s->plan, JOB_EVALUATE, kernel, e->name, e->version);
		else if (e->state == STATE_BROKEN)
			print_warning("%s/%s is broken and is skipped: its source is missing",
				e->name, e->version);
	}
	tree_list_done(&list);
	return 0;
}

static int check_match(struct session *s)
{
	struct arguments *args = s->args;
	_cleanup_free_ char *dir = NULL;

	if (is_empty(args->template_kernel)) {
		error_set(&s->error, -EINVAL, 1, "match needs --templatekernel");
		error_remedy(&s->error, "dkms match --templatekernel KVER -k KVER [NAME]");
		return -EINVAL;
	}
	if (s->n_kernels != 1)
		return error_set(&s->error, -EINVAL, 4, "match takes one -k, not %zu",
			s->n_kernels);
	if (streq(args->template_kernel, s->kernels[0]->release))
		return error_set(&s->error, -EINVAL, 2,
			"-k and --templatekernel are the same kernel, %s",
			args->template_kernel);
	dir = path_join(s->settings->trees.dkms, args->name ? args->name : "");
	if (args->name && !path_is_dir(dir))
		return error_set(&s->error, -ENOENT, 3, "%s is not in the tree %s",
			args->name, s->settings->trees.dkms);
	return 0;
}

int command_match(struct arguments *args)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, false) == 0 && check_match(&s) == 0 &&
		add_matches(&s) == 0 && plan_run(&s.plan, &s.error) == 0) {
		plan_add_installs(&s.plan, 0);
		if (session_run_installs(&s) == 0) {
			report_summary(&s.report, &s.plan);
			status = session_exit_status(&s);
		}
	}
	return session_done(&s, status);
}
