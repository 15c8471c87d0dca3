/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_HIDDEN_PATHS_H
#define BUILDER_BUILD_HIDDEN_PATHS_H

#include "builder/job/job.h"

/* At most so many paths of a text are named. */
#define HIDDEN_PATHS_MAX 8

/* Begins as zeros. hidden_paths_done() frees. */
struct hidden_paths {
	struct strv paths;
	struct strv shows; /* for each, what to add to sandbox_paths; without duplicates */
	bool running_kernel; /* paths of the running kernel were named, which is another one */
	size_t n_patterns; /* which have been looked for: only the first few are */
};

/* Appends the paths in a line of a log or of a script that exist on this machine and that
 * the job's build did not see in box, each once: absolute paths, patterns of glob(7) with
 * wildcards in a single component, and what links in the source lead to. What only root may
 * read is left out: a hostile build can name any path to have it shown. So are paths of the
 * running kernel, if the job is for another one: shown, they would lead to a wrong module. */
void hidden_paths_list(const struct job *job, const struct sandbox *box, const char *line,
	struct hidden_paths *ret);
void hidden_paths_done(struct hidden_paths *paths);

#endif
