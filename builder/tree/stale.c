/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what is built older than what it was built from? */
#include "config.h"

#include "base/file.h"
#include "builder/tree/file-check.h"
#include "builder/tree/stale.h"

/* The headers of a kernel, or that they are not known. */
struct stale_kernel {
	char *release, *arch;
	bool known;
	struct file_stats headers;
};

void stale_check_done(struct stale_check *c)
{
	for (size_t i = 0; i < c->n_kernels; i++) {
		free(c->kernels[i].release);
		free(c->kernels[i].arch);
	}
	free(c->kernels);
	free(c->name);
	free(c->version);
	free(c->version_dir);
	strv_done(&c->overrides);
	*c = (struct stale_check){0};
}

static const struct stale_kernel *find_kernel(
	struct stale_check *c, const char *release, const char *arch)
{
	struct stale_kernel *found;
	struct kernel *k;

	for (size_t i = 0; i < c->n_kernels; i++)
		if (streq(c->kernels[i].release, release) && streq(c->kernels[i].arch, arch))
			return &c->kernels[i];
	c->kernels = xrealloc_array(c->kernels, c->n_kernels + 1, sizeof(*c->kernels));
	found = &c->kernels[c->n_kernels++];
	*found = (struct stale_kernel){.release = xstrdup(release), .arch = xstrdup(arch)};
	k = kernel_new(c->settings, release, arch);
	found->known = k->has_headers && build_inputs_look_at_headers(k, &found->headers);
	kernel_free(k);
	return found;
}

/* Begins with another version, unless it is the one that the check is at. */
static void set_version(struct stale_check *c, const char *name, const char *version)
{
	_cleanup_free_ char *dir = NULL;

	if (c->name && streq(c->name, name) && streq(c->version, version))
		return;
	str_replace(&c->name, name);
	str_replace(&c->version, version);
	dir = path_join(c->settings->trees.dkms, name);
	free(c->version_dir);
	c->version_dir = path_join(dir, version);
	c->source_read = false;
}

/* Returns what stat(2) says of the source, or NULL if that is not known. */
static const struct file_stats *find_source(struct stale_check *c)
{
	_cleanup_free_ char *path = NULL;

	if (!c->source_read) {
		path = path_join(c->version_dir, "source");
		c->source_known = build_inputs_look_at_source(path, &c->source);
		c->source_read = true;
	}
	return c->source_known ? &c->source : NULL;
}

static bool have_overrides_changed(
	struct stale_check *c, struct version_on_kernel on, const struct file_stats *then)
{
	struct file_stats now;

	if (!c->overrides_known)
		dir_list(c->settings->config_dir, &c->overrides);
	c->overrides_known = true;
	build_inputs_look_at_overrides(c->settings, &c->overrides, on, &now);
	return file_stats_differ(then, &now);
}

/* A compiler that is gone is no reason to build with another one. */
static bool has_compiler_changed(const struct build_inputs *then)
{
	struct file_stats now;

	return then->compiler_path &&
	       build_inputs_look_at_compiler(then->compiler_path, &now) &&
	       file_stats_differ(&then->compiler, &now);
}

const char *stale_find(struct stale_check *c, struct version_on_kernel on)
{
	_cleanup_(build_inputs_done) struct build_inputs then = {0};
	const struct stale_kernel *kernel;
	const struct file_stats *source;
	bool missing = file_check_is_missing(c->settings, on);

	set_version(c, on.name, on.version);
	if (!build_inputs_read(c->version_dir, on, &then) && !missing)
		return NULL;
	kernel = find_kernel(c, on.release, on.arch);
	source = find_source(c);
	if (!kernel->known || !source)
		return NULL;
	if (missing)
		return "a built module is missing in the dkms tree";
	if (file_stats_differ(&then.source, source))
		return "its source has changed";
	if (file_stats_differ(&then.headers, &kernel->headers))
		return "the kernel's headers have changed";
	if (has_compiler_changed(&then))
		return "the compiler has changed";
	if (have_overrides_changed(c, on, &then.overrides))
		return "the package's files in /etc/dkms have changed";
	return NULL;
}
