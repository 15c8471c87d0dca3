/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_OUTPUT_H
#define BUILDER_PACK_OUTPUT_H

#include "builder/job/job.h"

/* Returns the path for an archive or a package: the one that --archive gives, else
 * DKMSTREE/NAME/VERSION/SUBDIR/FILE. Only the file is replaced if --archive gives a name
 * without "/". The caller frees. */
char *output_path(const struct job *job, const char *subdir, const char *file);
/* Makes the directory of job->pack->archive. Returns 0, or a negative errno and
 * job->outcome.error with status 9. */
int output_make_dir(struct job *job);

#endif
