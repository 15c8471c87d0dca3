/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which module is in a directory? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/kernel.h"
#include "scheduler/plan-run.h"
#include "cli/default-kernel.h"
#include "cli/directory.h"

static int evaluate(struct plan *p, struct arguments *args, struct error *err)
{
	_cleanup_free_ char *release = default_kernel_release(args, false);
	_cleanup_free_ char *arch = kernel_running_arch();
	struct job *job = plan_add_job(
		p, JOB_EVALUATE, plan_get_kernel(p, release, arch), NULL, NULL);
	int r;

	job->conf_path = path_join(args->directory, "dkms.conf");
	r = plan_run(p, err);
	if (r < 0)
		return r;
	if (job->outcome.result != RESULT_DONE) {
		error_move(err, &job->outcome.error);
		return error_set(err, -EINVAL, 8, "cannot evaluate %s", job->conf_path);
	}
	str_replace(&args->name, job->conf->package_name);
	str_replace(&args->version, job->conf->package_version);
	return 0;
}

int directory_resolve(struct arguments *args, struct error *err)
{
	struct plan plan;
	uv_loop_t loop;
	int r;

	if (uv_loop_init(&loop) < 0)
		return error_set(err, -EMFILE, 1, "commands cannot be started");
	plan_init(&plan, &loop, &args->settings);
	r = evaluate(&plan, args, err);
	plan_done(&plan);
	uv_loop_close(&loop);
	return r;
}
