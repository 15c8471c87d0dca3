/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_PACKING: writes a version, its source and its built modules, to a tarball.
 * package.c makes packages. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "builder/archive/tarball-write.h"
#include "builder/pack/output.h"
#include "builder/pack/pack.h"
#include "builder/pack/package.h"

/* The longest list of kernels that is part of the name of a file (bytes). */
#define KERNEL_LIST_MAX 200

/* Returns the default name of a tarball, with all its kernels if the list is not too
 * long: "NAME-VERSION-kernelRELEASE-ARCH-kernelRELEASE-ARCH.dkms.tar.gz". The caller
 * frees. */
static char *default_name(const struct job *job)
{
	_cleanup_(str_done) struct str list = {0};

	if (job->pack->source_only)
		return xasprintf(
			"%s-%s-source-only.dkms.tar.gz", job->name, job->version);
	for (size_t i = 0; i < job->pack->kernels.n; i++) {
		const struct kernel_name *k = &job->pack->kernels.items[i];

		str_addf(&list, "%skernel%s-%s", i ? "-" : "", k->release, k->arch);
	}
	return xasprintf("%s-%s-%s.dkms.tar.gz", job->name, job->version,
		list.len > KERNEL_LIST_MAX ? "manykernels" : list.data);
}

/* Checks whether the version is built for all kernels that are packed. */
static int check_built(struct job *job)
{
	const struct settings *s = job->shared->settings;

	if (job->pack->source_only)
		return 0;
	if (job->pack->kernels.n == 0)
		return error_set(&job->outcome.error, -ENOENT, 6,
			"%s/%s is built for no kernel", job->name, job->version);
	for (size_t i = 0; i < job->pack->kernels.n; i++) {
		const struct kernel_name *k = &job->pack->kernels.items[i];

		if (tree_state(s->trees.dkms, s->trees.source,
			    version_on_kernel(job->name, job->version, k->release,
				    k->arch)) >= STATE_BUILT)
			continue;
		error_set(&job->outcome.error, -ENOENT, 6,
			"%s/%s is not built for %s (%s)", job->name, job->version,
			k->release, k->arch);
		error_remedy(&job->outcome.error, "dkms build %s/%s -k %s/%s", job->name,
			job->version, k->release, k->arch);
		return -ENOENT;
	}
	return 0;
}

static int pack_work(struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct kernel_names none = {0};
	_cleanup_free_ char *version_dir =
		tree_version_dir(s->trees.dkms, job->name, job->version);
	_cleanup_free_ char *source = path_join(version_dir, "source");
	_cleanup_free_ char *name = default_name(job);
	struct tarball_content content = {
		.name = job->name,
		.version = job->version,
		.source = source,
		.conf = job->pack->binaries_only ? job->conf_path : NULL,
		.version_dir = version_dir,
		.kernels = job->pack->source_only ? &none : &job->pack->kernels,
		.date = s->source_date,
	};
	int r;

	job->pack->archive = output_path(job, "tarball", name);
	r = output_make_dir(job);
	if (r < 0)
		return r;
	return tarball_write(job->pack->archive, &content, &job->shared->stop.signal,
		&job->outcome.warnings, &job->outcome.error);
}

enum transition pack_enter(struct job *job)
{
	if (check_built(job) < 0)
		return TRANSITION_FAIL;
	job->ask.work = pack_work;
	if (job->pack->format != PACK_TARBALL) {
		job->pack->package = package_new();
		job->ask.work = package_assemble;
	}
	return TRANSITION_WORK;
}
