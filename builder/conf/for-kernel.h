/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_FOR_KERNEL_H
#define BUILDER_CONF_FOR_KERNEL_H

#include "builder/conf/conf.h"
#include "builder/conf/evaluate.h"
#include "builder/conf/problems.h"

/* The part of conf_parse() that looks at the kernel: fills make, patches and excluded
 * (the package's and the modules') of a conf that has its modules. Bad patterns go to
 * findings, the kernel does not. */
void conf_select(const struct evaluation *e, const struct conf_request *request,
	struct conf *c, struct findings *f);

#endif
