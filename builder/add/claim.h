/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ADD_CLAIM_H
#define BUILDER_ADD_CLAIM_H

#include "builder/job/job.h"

/* Checks whether the job may put its source at SOURCETREE/NAME-VERSION, which is the path
 * source. Several modules can have the same NAME-VERSION ("a" with "b-1.0", "a-b" with
 * "1.0"), and what is there may be no source of dkms at all, such as the headers of a
 * kernel, whose programs root runs. So what is there must be of this name and version by
 * its own dkms.conf, and no other version in the dkms tree and no kernel may lead there, a
 * kernel not to what is below it either.
 * A path where nothing is, or an empty directory, is free. What is to be put there is in
 * job->add->from.
 *
 * Returns 0, or a negative errno and job->outcome.error, which names the directory. */
int claim_check(struct job *job, const char *source);

#endif
