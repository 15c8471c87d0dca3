/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does anybody read the debug information of a build? */
#include "config.h"

#include <string.h>

#include "base/file.h"
#include "builder/build/btf.h"
#include "builder/build/build.h"
#include "builder/build/debug-info.h"
#include "builder/build/probes.h"
#include "builder/build/scripts.h"

static bool is_kept(const struct job *job)
{
	enum debug_info mode = job->policy.debug_info;

	if (mode == DEBUG_INFO_UNSET)
		mode = job->shared->settings->debug_info;
	return mode == DEBUG_INFO_KEEP;
}

/* Whether all modules of the package are stripped. */
static bool all_stripped(const struct conf *c)
{
	for (size_t i = 0; i < c->n_modules; i++)
		if (!c->modules[i].excluded && !c->modules[i].strip)
			return false;
	return c->n_modules > 0;
}

static bool has_option(const struct job *job, const char *option)
{
	const char *value = kernel_config(job->kernel, option);

	return value && streq(value, "y");
}

bool debug_info_is_unneeded(const struct job *job)
{
	return !is_kept(job) && all_stripped(job->conf) &&
	       has_option(job, "CONFIG_DEBUG_INFO") &&
	       !has_option(job, "CONFIG_GENDWARFKSYMS") && !btf_is_made(job) &&
	       probes_can_run(job);
}

static void look(const char *text, void *userdata)
{
	/* pahole, dwarfdump, -gdwarf-4; objcopy; readelf and objdump, which read much else. */
	static const char *const words[] = {"pahole", "dwarf", "DWARF", "only-keep-debug",
		"debuglink", "debug-dump", "addr2line", "readelf -w", "objdump -S",
		"objdump -l", "objdump -g", "objdump -W", "objdump -dS", "objdump -dl"};
	bool *found = userdata;

	for (size_t i = 0; text && i < ARRAY_SIZE(words) && !*found; i++)
		*found = strstr(text, words[i]) != NULL;
}

static bool is_mentioned(const struct job *job)
{
	const struct conf *c = job->conf;
	_cleanup_free_ char *overrides =
		path_join(job->shared->settings->config_dir, job->name);
	bool found = false;

	look(c->make, &found);
	look(c->pre_build, &found);
	scripts_each(overrides, look, &found);
	scripts_each(job->build->paths.source_dir, look, &found);
	return found;
}

bool debug_info_is_left_out(const struct job *job)
{
	struct build *b = job->build;

	if (!b->debug_info_known)
		b->no_debug_info = debug_info_is_unneeded(job) && !is_mentioned(job);
	b->debug_info_known = true;
	return b->no_debug_info;
}
