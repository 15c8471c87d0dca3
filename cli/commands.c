/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which commands are there? */
#include "config.h"

#include "cli/autoinstall.h"
#include "cli/cache.h"
#include "cli/commands.h"
#include "cli/generate-mok.h"
#include "cli/kernel-hooks.h"
#include "cli/match.h"
#include "cli/module-commands.h"
#include "cli/pack.h"
#include "cli/status.h"

#define CHANGES_TREE (COMMAND_WRITES_TREE | COMMAND_ALL_KERNELS)
#define NEEDS_SOURCE (COMMAND_NEEDS_MODULE | COMMAND_TAKES_ARCHIVE)
#define CHANGES_KERNELS (CHANGES_TREE | COMMAND_WRITES_KERNELS)
#define KERNEL_HOOK (COMMAND_WRITES_TREE | COMMAND_WRITES_KERNELS | COMMAND_EXACT_KERNEL)

const struct command_row commands[] = {
	{"add", "NAME/VERSION | DIRECTORY | ARCHIVE", "make a module known", command_add,
		CHANGES_TREE | NEEDS_SOURCE | COMMAND_DRY_RUN},
	{"build", "NAME/VERSION | DIRECTORY | ARCHIVE", "build it, adding it first when needed",
		command_build, CHANGES_TREE | NEEDS_SOURCE | COMMAND_BUILDS | COMMAND_DRY_RUN},
	{"install", "NAME/VERSION | DIRECTORY | ARCHIVE",
		"install it, building it first when needed", command_install,
		CHANGES_KERNELS | NEEDS_SOURCE | COMMAND_BUILDS | COMMAND_DRY_RUN},
	{"uninstall", "NAME/VERSION", "take it out of the kernel's tree, leave it built",
		command_uninstall, CHANGES_KERNELS | COMMAND_NEEDS_MODULE | COMMAND_DRY_RUN},
	{"unbuild", "NAME/VERSION", "uninstall it and remove what was built",
		command_unbuild, CHANGES_TREE | COMMAND_NEEDS_MODULE | COMMAND_DRY_RUN},
	{"remove", "NAME/VERSION", "unbuild it, and forget it when no kernel is left",
		command_remove, CHANGES_TREE | COMMAND_NEEDS_MODULE | COMMAND_DRY_RUN},
	{"mktarball", "NAME/VERSION", "pack its source and what is built of it into an archive",
		command_mktarball, COMMAND_ALL_KERNELS | COMMAND_NEEDS_MODULE},
	{"mkdeb", "NAME/VERSION", "make a Debian package of its source, or of what is built",
		command_mkdeb, COMMAND_ALL_KERNELS | COMMAND_NEEDS_MODULE},
	{"mkrpm", "NAME/VERSION", "make an RPM package of its source, or of what is built",
		command_mkrpm, COMMAND_ALL_KERNELS | COMMAND_NEEDS_MODULE},
	{"ldtarball", "ARCHIVE", "add what mktarball has packed, or any source in a tar archive",
		command_ldtarball,
		COMMAND_WRITES_TREE | COMMAND_TAKES_ARCHIVE | COMMAND_ARCHIVE_ONLY},
	{"status", "[NAME[/VERSION]]", "list modules and where they are built and installed",
		command_status, 0},
	{"cache", "stats | verify | gc | clear | why", "what is kept of builds; see dkms-cache(8)",
		command_cache, COMMAND_HAS_PARTS},
	{"autoinstall", "", "install the newest version of every module that wants it",
		command_autoinstall, CHANGES_KERNELS | COMMAND_BUILDS | COMMAND_DRY_RUN},
	{"generate_mok", "", "make the key pair that signs modules", command_generate_mok, 0},
	{"match", "[NAME]", "install on a kernel what is installed on --templatekernel",
		command_match, COMMAND_WRITES_TREE | COMMAND_WRITES_KERNELS | COMMAND_BUILDS},
	{"kernel_preinst", "", "before a kernel: unbuild what autoinstall will bring back",
		command_kernel_preinst, KERNEL_HOOK},
	{"kernel_postinst", "", "after a kernel: autoinstall", command_autoinstall,
		KERNEL_HOOK | COMMAND_BUILDS},
	{"kernel_prerm", "", "when a kernel goes: unbuild every module",
		command_kernel_prerm, KERNEL_HOOK},
	{0},
};
