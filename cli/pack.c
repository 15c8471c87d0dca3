/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are archives and packages of a module made? The commands mktarball, mkdeb and mkrpm. */
#include "config.h"

#include <errno.h>

#include "builder/steps/check-needed.h"
#include "scheduler/plan-run.h"
#include "cli/command-row.h"
#include "cli/default-kernel.h"
#include "cli/pack.h"
#include "cli/print.h"
#include "cli/session.h"

/* Adds a job that packs the module with what is built for n kernels of the session, from index
 * first on. */
static void add_pack_job(struct session *s, enum pack_format format, size_t first, size_t n)
{
	struct arguments *args = s->args;
	_cleanup_free_ char *release = default_kernel_release(args, false);
	_cleanup_free_ char *arch = kernel_running_arch();
	struct kernel *kernel = n ? s->kernels[first] : plan_get_kernel(&s->plan, release, arch);
	struct job *job = plan_add_job(&s->plan, JOB_PACK, kernel, args->name, args->version);

	job->conf_path = xstrdup(args->conf);
	job->pack->format = format;
	job->pack->path = xstrdup(args->archive);
	job->pack->source_only = args->source_only;
	job->pack->binaries_only = args->binaries_only;
	for (size_t i = first; i < first + n; i++)
		kernel_names_push(&job->pack->kernels, s->kernels[i]->release,
			s->kernels[i]->arch);
}

/* Packs everything into one tarball, the source into one package, or the built modules into one
 * package for each kernel. */
static int run_pack(struct session *s, enum pack_format format)
{
	struct arguments *args = s->args;

	if (format == PACK_TARBALL || !args->binaries_only || !s->n_kernels) {
		add_pack_job(s, format, 0, s->n_kernels);
		return plan_run(&s->plan, &s->error);
	}
	if (args->archive && s->n_kernels > 1)
		return error_set(&s->error, -EINVAL, 2,
			"--archive names one package, but there is one for each of %zu kernels",
			s->n_kernels);
	for (size_t i = 0; i < s->n_kernels; i++)
		add_pack_job(s, format, i, 1);
	return plan_run(&s->plan, &s->error);
}

static int make_archive(struct arguments *args, enum pack_format format)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, true) == 0 &&
		check_added(s.settings, args->name, args->version, &s.error) == 0 &&
		run_pack(&s, format) == 0)
		status = session_exit_status(&s);
	return session_done(&s, status);
}

int command_mktarball(struct arguments *args)
{
	return make_archive(args, PACK_TARBALL);
}

/* A package has either the source, which serves every kernel, or built modules. */
static int make_package(struct arguments *args, enum pack_format format)
{
	if (!args->binaries_only && !args->source_only && (args->kernels.n || args->all))
		print_warning("%s packs only the source, for all kernels; --binaries-only packs "
			      "the built modules", args->command->name);
	args->source_only = !args->binaries_only;
	return make_archive(args, format);
}

int command_mkdeb(struct arguments *args)
{
	return make_package(args, PACK_DEB);
}

int command_mkrpm(struct arguments *args)
{
	return make_package(args, PACK_RPM);
}
