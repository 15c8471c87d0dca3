/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_EXAMINE_CHILD_H
#define BUILDER_MODULE_EXAMINE_CHILD_H

/* What "dkms --examine-modules ARGUMENT..." does, which examine.c starts: looks at module
 * files, and writes the answer (examine-answer.h) to standard output. The arguments are one of:
 *
 *	replace NEW OLD
 *	check RELEASE N MODULE... SYMVERS...    with N modules
 *
 * Never returns. Exits 2 without an answer if the arguments are wrong. */
_Noreturn void examine_child(int argc, char **argv);

#endif
