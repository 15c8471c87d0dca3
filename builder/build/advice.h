/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_ADVICE_H
#define BUILDER_BUILD_ADVICE_H

#include "builder/job/job.h"

/* What the administrator can do when the log of a failed build tells that it missed
 * something which the sandbox keeps from it; caller frees; NULL when it does not. */
char *build_advice(const struct job *job);

#endif
