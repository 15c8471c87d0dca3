/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_ADVICE_H
#define BUILDER_BUILD_ADVICE_H

#include "builder/job/job.h"

/* Looks whether a failed build had no memory left, and searches its log for hidden files
 * and for what else the sandbox keeps from builds: the network, processes beyond the
 * limit, the privileges of root, and writing to the system. If silent is set, the build
 * did not say why it failed: then its makefiles and scripts are searched for hidden files,
 * too. Returns advice, such as the setting in framework.conf that allows it; the caller
 * frees. Returns NULL if there is none of that. */
char *advice_find(const struct job *job, bool silent);

#endif
