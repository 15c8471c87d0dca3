/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_REMOTE_WHY_H
#define CLI_REMOTE_WHY_H

#include "base/error.h"

struct arguments;

/* Implements dkms remote why: says for the module that the arguments name, or for all modules, and for
 * their kernels whether a remote cache has the build, and if not, in what the newest one there differs,
 * as dkms cache why does for the local cache. It prints, and returns 0, or a negative errno and err. */
int remote_why(struct arguments *args, struct error *err);

#endif
