/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_BTF_H
#define BUILDER_BUILD_BTF_H

#include "builder/build/build.h"

/* BTF describes the types of a module to BPF programs. For a kernel whose headers have a
 * vmlinux, kbuild calls pahole(1) with -j to add it, which uses a thread for each
 * processor. The order of the types then depends on which thread was first, so that the
 * same module has other bytes each time. pahole 1.27 and later know
 * --btf_features=reproducible_build, but kbuild passes that only if the kernel itself was
 * built with such a pahole. With one thread every version is reproducible. */

/* Whether kbuild would add BTF to modules for the job's kernel. */
bool btf_is_made(const struct job *job);
/* If the kernel's headers have a vmlinux and pahole is on the PATH of cmd, makes the
 * command find a script of that name first, which calls pahole with -j1 in place of -j.
 * A sandbox shows it in BTF_SANDBOX_DIR. */
void btf_wrap_pahole(const struct job *job, struct command *cmd, struct sandbox *box);

#define BTF_SANDBOX_DIR "/run/pahole"

#endif
