/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel does a command without -k act on? */
#include "config.h"

#include "builder/host/kernel.h"
#include "cli/command-row.h"
#include "cli/default-kernel.h"
#include "cli/print.h"

/* Whether the command does more with the kernel than to evaluate a dkms.conf for it. */
static bool acts_on_kernel(const struct arguments *args)
{
	unsigned int flags = args->command->flags;

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
