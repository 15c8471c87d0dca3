/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ADD_LOAD_H
#define BUILDER_ADD_LOAD_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

enum phase load_enter(struct job *job);
enum phase discard_enter(struct job *job);
void load_free(struct load *load); /* NULL is allowed */
/* 0 when what has been unpacked may take the place of a version in that state. */
int load_check_state(struct job *job, enum tree_state state);
/* Puts what has been unpacked in place and registers it; on a thread. */
int load_register_work(struct job *job);
/* Whether the archive brought no source, and there is none. */
bool load_is_sourceless(const struct job *job);

#endif
