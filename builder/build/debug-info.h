/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_DEBUG_INFO_H
#define BUILDER_BUILD_DEBUG_INFO_H

#include "builder/job/job.h"

/* Most kernels of distributions are configured with CONFIG_DEBUG_INFO, so that compilers make
 * debug information of modules, too, which strip(1) then throws away. To make it takes a sixth
 * of the CPU time of a build. So the compilers are told -g0 after all other options, by the
 * program that stands before them in a sandbox: the commands that kbuild records stay the
 * same (builder/probes/options.h).
 *
 * The module has the same code and data then, but not the same bytes. Its build-id is another
 * one, because it is a digest that includes the debug information; with kernels such as 6.1,
 * the symbols in __versions may be in another order, that in which the assembler met them.
 * So the key of a build says whether debug information was made. */

/* Whether it can be left out, by all that is in the key of a build or is added to it for this:
 * debug_info in the settings and the policy, STRIP of all modules, the kernel. It is read to
 * make BTF, and the versions of symbols with CONFIG_GENDWARFKSYMS. */
bool debug_info_is_unneeded(const struct job *job);
/* Whether it is left out: whether it is unneeded, and no makefile, script or patch of the
 * package or the administrator, nor a command of the dkms.conf, names something that reads it
 * or asks for a form of it. What this does not find: a program of the package that reads it
 * by itself; and an option -g, which the program before the compilers sees. The first call
 * for a job's build reads the source; not from two threads at once. */
bool debug_info_is_left_out(const struct job *job);

#endif
