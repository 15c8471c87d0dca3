/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_RPM_H
#define BUILDER_HOST_RPM_H

#include "base/str.h"
#include "base/strv.h"

/* Runs rpm with these arguments and appends what it prints. root is "", or the directory
 * of another system. From any thread. Returns its exit status, or a negative errno: -ENOENT
 * if there is no rpm, -EIO if a signal ended it. */
int rpm_run(const char *root, const struct strv *arguments, struct str *ret);

#endif
