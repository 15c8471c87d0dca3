/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_ENVIRONMENT_H
#define BUILDER_CONF_ENVIRONMENT_H

#include "base/strv.h"

/* The commands of a module, and the evaluation of its dkms.conf, get few of the variables
 * of dkms: those that say how to build. The others may have secrets in them, or make a
 * program run or read something, or differ between a terminal, a service and a container,
 * for which a build has no use. dkms.8 has the list. */

/* Appends the variables of dkms that are permitted. more has the names of further ones,
 * separated by blanks, or is NULL. A name may end with "*". Those that
 * evaluate_clean_environment() removes are never permitted. */
void environment_add_permitted(struct strv *env, const char *more);

#endif
