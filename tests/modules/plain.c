/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module that needs and exports no symbols. CONTENT makes two such modules different.
 */
#include "module.h"

#ifndef CONTENT
#define CONTENT "plain"
#endif

const char content[] = CONTENT;
