/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_RPM_H
#define BUILDER_PACK_RPM_H

#include "builder/pack/format.h"

/* RPM packages. */
extern const struct package_format package_rpm;

#endif
