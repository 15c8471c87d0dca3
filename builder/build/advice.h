/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_ADVICE_H
#define BUILDER_BUILD_ADVICE_H

#include "builder/job/job.h"

/* Searches the log of a failed build for a hidden file or for the network, which the
 * sandbox kept from it, and for a process that could not be started, and looks whether its memory was limited. Returns the setting in
 * framework.conf that allows it; the caller frees. Returns NULL if the log mentions none of
 * them. */
char *advice_find(const struct job *job);

#endif
