/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_DEB_H
#define BUILDER_PACK_DEB_H

#include "builder/pack/format.h"

/* Debian packages. */
extern const struct package_format package_deb;

#endif
