/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module that needs nothing and offers nothing. CONTENT makes two of them differ. */
#include "module.h"

#ifndef CONTENT
#define CONTENT "plain"
#endif

const char content[] = CONTENT;
