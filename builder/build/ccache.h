/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_CCACHE_H
#define BUILDER_BUILD_CCACHE_H

#include "builder/job/job.h"

/* Makes a command of the job run its compilers through ccache(1), by whatever names it
 * calls them. Leaves cmd and box unchanged if framework.conf does not set ccache, if
 * ccache is not installed, or if the cache cannot be written. digest stands for what the
 * package consists of, source and settings; only builds with the same one share the results
 * of ccache. NULL: it is not known, and ccache is not used. */
void ccache_wrap_compilers(struct job *job, const char *digest, struct command *cmd,
	struct sandbox *box);

/* Whether the user's settings for ccache need the network. Builds get a network then, so
 * dkms cannot know what their results depend on. A remote storage that is a directory
 * needs none. */
bool ccache_needs_network(const struct settings *s);

#endif
