/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which commands are there? */
#include "config.h"

#include "cli/autoinstall.h"
#include "cli/cache.h"
#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/generate-mok.h"
#include "cli/kernel-hooks.h"
#include "cli/kernels.h"
#include "cli/log.h"
#include "cli/match.h"
#include "cli/matrix-plan.h"
#include "cli/merge.h"
#include "cli/module-commands.h"
#include "cli/pack.h"
#include "cli/provenance.h"
#include "cli/remote.h"
#include "cli/run-history.h"
#include "cli/secureboot.h"
#include "cli/sign.h"
#include "cli/skip.h"
#include "cli/status.h"
#include "cli/why.h"

#define RUNS (COMMAND_RUNS | COMMAND_NAMES_KERNELS)
#define CHANGES_TREE (RUNS | COMMAND_WRITES_TREE | COMMAND_ALL_KERNELS)
#define NEEDS_SOURCE (COMMAND_NEEDS_MODULE | COMMAND_TAKES_ARCHIVE)
#define CHANGES_KERNELS (CHANGES_TREE | COMMAND_WRITES_KERNELS)
#define REMOVES (COMMAND_NEEDS_MODULE | COMMAND_DRY_RUN | COMMAND_REMOVES)
#define PACKS (RUNS | COMMAND_ALL_KERNELS | COMMAND_NEEDS_MODULE | COMMAND_PACKS)
#define SKIPS (COMMAND_NAMES_MODULE | COMMAND_ALL_KERNELS | COMMAND_JSON | COMMAND_SKIPS)
#define KERNEL_HOOK                                                                       \
	(RUNS | COMMAND_WRITES_TREE | COMMAND_WRITES_KERNELS | COMMAND_EXACT_KERNEL | \
		COMMAND_MAY_FAIL)

const struct command_row commands[] = {
	{"add", "NAME/VERSION | DIRECTORY | ARCHIVE", "add a module to the dkms tree",
		command_add, CHANGES_TREE | NEEDS_SOURCE | COMMAND_DRY_RUN},
	{"build", "NAME/VERSION | DIRECTORY | ARCHIVE",
		"build a module, adding it first if necessary", command_build,
		CHANGES_TREE | NEEDS_SOURCE | COMMAND_BUILDS | COMMAND_DRY_RUN},
	{"install", "NAME/VERSION | DIRECTORY | ARCHIVE",
		"install a module, building it first if necessary", command_install,
		CHANGES_KERNELS | NEEDS_SOURCE | COMMAND_BUILDS | COMMAND_DRY_RUN},
	{"uninstall", "NAME/VERSION",
		"remove a module from the kernel's directory, but keep it built",
		command_uninstall,
		CHANGES_KERNELS | REMOVES},
	{"unbuild", "NAME/VERSION", "uninstall a module and delete what was built",
		command_unbuild, CHANGES_TREE | REMOVES},
	{"remove", "NAME/VERSION",
		"unbuild a module; remove it from the dkms tree if no kernel is left",
		command_remove, CHANGES_TREE | REMOVES},
	{"sign", "[NAME[/VERSION]]",
		"sign what is built and installed again, without building it", command_sign,
		CHANGES_KERNELS | COMMAND_DRY_RUN | COMMAND_NAMES_MODULE},
	{"mktarball", "NAME/VERSION",
		"pack the source and the built modules of a module package into an archive",
		command_mktarball, PACKS},
	{"mkdeb", "NAME/VERSION",
		"make a Debian package of the source or the built modules", command_mkdeb,
		PACKS},
	{"mkrpm", "NAME/VERSION",
		"make an RPM package of the source or the built modules", command_mkrpm,
		PACKS},
	{"ldtarball", "ARCHIVE", "add a module, and its built modules, from an archive",
		command_ldtarball,
		COMMAND_RUNS | COMMAND_WRITES_TREE | COMMAND_TAKES_ARCHIVE |
			COMMAND_ARCHIVE_ONLY},
	{"status", "[NAME[/VERSION]]",
		"list modules, and the kernels they are built and installed for",
		command_status,
		COMMAND_NAMES_MODULE | COMMAND_NAMES_KERNELS | COMMAND_JSON |
			COMMAND_STATUS},
	{"kernels", "", "list the kernels, and which modules each of them has and lacks",
		command_kernels, COMMAND_JSON},
	{"log", "[NAME[/VERSION]]",
		"show the log of the newest failed build, from its first error on",
		command_log, COMMAND_NAMES_MODULE | COMMAND_NAMES_KERNELS | COMMAND_JSON},
	{"history", "[NAME[/VERSION]]",
		"show what dkms has done on this machine, the newest first", command_history,
		COMMAND_NAMES_MODULE | COMMAND_NAMES_KERNELS | COMMAND_JSON},
	{"skip", "[NAME[/VERSION]]",
		"keep a module off a kernel, or list what is kept off", command_skip, SKIPS},
	{"unskip", "NAME[/VERSION]", "let a module be installed again that skip keeps off",
		command_unskip, SKIPS},
	{"provenance", "NAME/VERSION", "print of what the built modules were made",
		command_provenance, COMMAND_NEEDS_MODULE | COMMAND_NAMES_KERNELS},
	{"cache", "stats | verify | gc | clear | why",
		"show and maintain the cache of builds; see dkms-cache(8)", command_cache,
		COMMAND_HAS_PARTS | COMMAND_NAMES_MODULE | COMMAND_NAMES_KERNELS |
			COMMAND_JSON | COMMAND_CACHE},
	{"why", "NAME[/VERSION]",
		"tell what is installed, from what it was built, and what has changed", command_why,
		COMMAND_NAMES_MODULE | COMMAND_NAMES_KERNELS | COMMAND_JSON},
	{"doctor", "", "look for what is not as it should be, and mend it with --fix",
		command_doctor, COMMAND_RUNS | COMMAND_BUILDS | COMMAND_JSON | COMMAND_DOCTOR},
	{"remote", "keygen | sign | verify | status | push | pull | why",
		"use a cache of builds that many machines share; see dkms-remote(7)", command_remote,
		COMMAND_HAS_PARTS | COMMAND_NAMES_MODULE | COMMAND_NAMES_KERNELS |
			COMMAND_ALL_KERNELS | COMMAND_REMOTE},
	{"autoinstall", "",
		"install the newest version of every module with AUTOINSTALL=yes",
		command_autoinstall,
		CHANGES_KERNELS | COMMAND_BUILDS | COMMAND_DRY_RUN | COMMAND_MAY_FAIL |
			COMMAND_SHARDS},
	{"plan", "[NAME[/VERSION]]",
		"list what autoinstall would do, and what that costs, for several machines",
		command_plan,
		RUNS | COMMAND_ALL_KERNELS | COMMAND_BUILDS | COMMAND_DRY_RUN |
			COMMAND_NAMES_MODULE},
	{"merge", "FILE...", "make one document of those that the parts of a plan have printed",
		command_merge, COMMAND_JSON | COMMAND_MERGES},
	{"generate_mok", "", "create the key pair that signs modules",
		command_generate_mok, 0},
	{"secureboot", "",
		"say whether the kernel will load the modules, and what to do",
		command_secureboot, COMMAND_NAMES_KERNELS | COMMAND_JSON},
	{"match", "[NAME]", "install on a kernel what is installed on --templatekernel",
		command_match,
		RUNS | COMMAND_WRITES_TREE | COMMAND_WRITES_KERNELS | COMMAND_BUILDS |
			COMMAND_NAMES_MODULE | COMMAND_TEMPLATE},
	{"kernel_preinst", "",
		"before installing a kernel: unbuild modules with AUTOINSTALL=yes",
		command_kernel_preinst, KERNEL_HOOK | COMMAND_REMOVES},
	{"kernel_postinst", "", "after installing a kernel: the same as autoinstall",
		command_autoinstall, KERNEL_HOOK | COMMAND_BUILDS},
	{"kernel_prerm", "", "before removing a kernel: unbuild every module",
		command_kernel_prerm, KERNEL_HOOK | COMMAND_REMOVES},
	{"help", "[COMMAND]", "print what a command does, its options and examples",
		NULL, COMMAND_HAS_PARTS},
	{0},
};
