/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_COMMAND_ROW_H
#define CLI_COMMAND_ROW_H

#include <stdbool.h>
#include <stddef.h>

struct arguments;

/* A command: a row of the table in commands.c. */
struct command_row {
	const char *name;
	const char *operands; /* as the help shows them: "[NAME/VERSION]" */
	const char *help;
	/* Returns the exit status. NULL: dkms help, which needs the table of commands itself. */
	int (*run)(struct arguments *args);
	unsigned int flags;		    /* enum command_flag */
};

enum command_flag {
	COMMAND_WRITES_TREE = 1 << 0,	 /* the dkms tree must be writable */
	COMMAND_WRITES_KERNELS = 1 << 1, /* the install tree must be writable */
	COMMAND_ALL_KERNELS = 1 << 2,	 /* takes --all */
	COMMAND_NEEDS_MODULE = 1 << 3,	 /* requires a module and its version */
	COMMAND_TAKES_ARCHIVE = 1 << 4,	 /* takes an archive in place of a module */
	COMMAND_ARCHIVE_ONLY = 1 << 5,	 /* every operand is an archive */
	COMMAND_EXACT_KERNEL = 1 << 6,	 /* requires exactly one -k */
	COMMAND_HAS_PARTS = 1 << 7,	 /* the word after it is a subcommand */
	COMMAND_BUILDS = 1 << 8,	 /* may build, and so use the cache */
	COMMAND_DRY_RUN = 1 << 9,	 /* takes --dry-run */
	COMMAND_MAY_FAIL = 1 << 10,	 /* obeys on_failure */
	COMMAND_NAMES_MODULE = 1 << 11,	 /* may be given a module */
	COMMAND_NAMES_KERNELS = 1 << 12, /* takes -k */
	COMMAND_RUNS = 1 << 13,		 /* runs jobs */
	COMMAND_PACKS = 1 << 14,	 /* writes an archive or a package */
	COMMAND_REMOVES = 1 << 15,	 /* uninstalls */
	COMMAND_JSON = 1 << 16,		 /* takes --json, although it runs no jobs */
	COMMAND_CACHE = 1 << 17,	 /* is dkms cache */
	COMMAND_REMOTE = 1 << 21,	 /* is dkms remote */
	COMMAND_STATUS = 1 << 22,	 /* is dkms status */
	COMMAND_TEMPLATE = 1 << 18,	 /* takes --templatekernel */
	COMMAND_DOCTOR = 1 << 20,	 /* is dkms doctor */
	COMMAND_SKIPS = 1 << 19,	 /* takes -k without an architecture */
	COMMAND_SHARDS = 1 << 23,	 /* takes --plan and --shard */
	COMMAND_MERGES = 1 << 24,	 /* is dkms merge: every operand is a file */
};

/* Returns whether a command can be given a module that is not in the dkms tree yet. command may
 * be NULL. */
static inline bool command_takes_source(const struct command_row *command)
{
	return command && command->flags & COMMAND_TAKES_ARCHIVE &&
	       !(command->flags & COMMAND_ARCHIVE_ONLY);
}

#endif
