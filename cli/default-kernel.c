/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel does a command without -k act on? */
#include "config.h"

#include <fcntl.h>

#include "builder/host/kernel.h"
#include "builder/tree/built-kernels.h"
#include "builder/tree/tree.h"
#include "cli/command-row.h"
#include "cli/default-kernel.h"
#include "cli/print.h"

/* Whether the command does more with the kernel than to evaluate a dkms.conf for it. */
static bool acts_on_kernel(const struct arguments *args)
{
	unsigned int flags = args->command->flags;

	if (flags & COMMAND_DOCTOR) /* it mends what it has found, wherever that is */
		return false;
	if (flags & COMMAND_TAKES_ARCHIVE)
		return flags & COMMAND_BUILDS;
	return !args->source_only;
}

char *default_kernel_release(const struct arguments *args, bool says)
{
	_cleanup_free_ char *running = kernel_running_release();
	bool other;
	char *release = kernel_default_release(&args->settings, &other);

	if (other && says && acts_on_kernel(args))
		print_warning("the running kernel %s is not installed here; without -k, %s acts on "
			      "the newest kernel that is: %s",
			running, args->command->name, release);
	return release;
}

void default_kernel_warn_removal(
	const struct arguments *args, const char *running, const char *arch)
{
	const struct settings *s = &args->settings;
	bool uninstalls = streq(args->command->name, "uninstall");
	enum tree_state least = uninstalls ? STATE_INSTALLED_WEAK : STATE_BUILT;
	_cleanup_(strv_done) struct strv others = {0};
	_cleanup_free_ char *dir = NULL, *all = NULL;
	struct kernel_names built = {0};
	bool here = false;

	if (!args->name || !args->version)
		return;
	dir = tree_version_dir(s->trees.dkms, args->name, args->version);
	built_kernels_list(AT_FDCWD, dir, &built);
	for (size_t i = 0; i < built.n; i++) {
		const char *release = built.items[i].release, *on_arch = built.items[i].arch;

		if (tree_state(s->trees.dkms, s->trees.source,
			    version_on_kernel(args->name, args->version, release, on_arch)) < least)
			continue;
		here |= streq(release, running) && streq(on_arch, arch);
		strv_push(&others, release);
	}
	kernel_names_done(&built);
	if (here || !others.n)
		return;
	all = strv_join(&others, " -k ");
	print_warning("%s/%s is not %s for the running kernel %s; for others: dkms %s %s/%s -k %s",
		args->name, args->version, uninstalls ? "installed" : "built", running,
		args->command->name, args->name, args->version, all);
}
