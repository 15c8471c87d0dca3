/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_ADVICE_H
#define BUILDER_BUILD_ADVICE_H

#include "builder/job/job.h"

/* Looks whether a failed build had no memory left, and searches its log for a hidden file
 * or for the network, which the sandbox kept from it, and for a process that could not be
 * started. Returns the setting in framework.conf that allows it; the caller frees. Returns
 * NULL if there is none of that. */
char *advice_find(const struct job *job);

#endif
