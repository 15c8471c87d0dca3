/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_CACHED_H
#define BUILDER_REUSE_CACHED_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

enum phase fingerprint_enter(struct job *job);
enum phase restore_enter(struct job *job);
enum phase store_enter(struct job *job);
/* Publishes the entry, if there is one. */
void cached_commit(struct job *job);

struct reuse *reuse_new(void);
void reuse_free(struct reuse *reuse); /* NULL is allowed */

#endif
