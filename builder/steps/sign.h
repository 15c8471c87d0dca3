/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_SIGN_H
#define BUILDER_STEPS_SIGN_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

enum phase prepare_signatures_enter(struct job *job);
enum phase sign_enter(struct job *job);
enum phase sign_leave(struct job *job, const struct outcome *outcome);
void signing_free(struct signing *signing); /* NULL is allowed */

#endif
