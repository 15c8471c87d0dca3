/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_COMMAND_ROW_H
#define CLI_COMMAND_ROW_H

struct arguments;

/* A command: what it is called, what it runs. */
struct command_row {
	const char *name;
	const char *operands; /* for the help: "[NAME/VERSION]" */
	const char *help;
	int (*run)(struct arguments *args); /* returns the exit status */
	unsigned int flags;
};

enum command_flag {
	COMMAND_WRITES_TREE = 1 << 0,	 /* needs a dkms tree that can be written */
	COMMAND_WRITES_KERNELS = 1 << 1, /* and an install tree */
	COMMAND_ALL_KERNELS = 1 << 2,	 /* takes --all */
	COMMAND_NEEDS_MODULE = 1 << 3,	 /* NAME and VERSION must be given */
	COMMAND_TAKES_ARCHIVE = 1 << 4,	 /* or an archive to load */
	COMMAND_ARCHIVE_ONLY = 1 << 5,	 /* what is no option is one */
	COMMAND_DRY_RUN = 1 << 9,	 /* takes --dry-run */
	COMMAND_EXACT_KERNEL = 1 << 6,	 /* exactly one -k must be */
	COMMAND_HAS_PARTS = 1 << 7,	 /* the next word says which */
	COMMAND_BUILDS = 1 << 8,	 /* may have use for the cache */
};

#endif
