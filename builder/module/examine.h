/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_EXAMINE_H
#define BUILDER_MODULE_EXAMINE_H

#include "base/error.h"
#include "base/strv.h"

/* Looks at module files in a process of its own. libkmod was made for modules that somebody
 * trusts: it has assertions, and perhaps worse, that a module file can reach. So dkms
 * starts itself again for that: examine-child.c. That process opens the files and then
 * gives up what it has. If dkms is root, it is a user whom no other process is, and sees
 * no file and no network. It starts no program, writes to nothing but its answer, sends no
 * signals, and has a limit of time and memory. If it dies, this is an error of that module
 * alone.
 *
 * The functions may be called from any thread and wait for the process. Where /proc is
 * missing, and in programs that have not called examine_set_program(), such as unit tests,
 * they call libkmod themselves. */

/* Sets the program that is started with the argument EXAMINE_OPTION: "/proc/self/exe". The
 * string is borrowed. */
void examine_set_program(const char *path);
/* Sets after how many seconds such a process is ended. For tests; 60 otherwise. */
void examine_set_timeout(unsigned int seconds);

#define EXAMINE_OPTION "--examine-modules"

/* Do what modfile_should_replace() and modfile_check_for_kernel() do. -EPROTO if the
 * process has ended without an answer, and for an answer that is wrong; the error says
 * how. */
int examine_should_replace(
	const char *new_path, const char *old_path, struct error *err);
int examine_for_kernel(const struct strv *paths, const char *release,
	const struct strv *symvers, struct strv *ret_warnings, struct error *err);

/* Does what modfile_list_signers() does. */
int examine_signers(const struct strv *paths, struct strv *ret, struct error *err);

/* Writes the content of a module file, which may be compressed, to the empty file to. */
int examine_decompress(const char *path, int to, struct error *err);
/* Returns whether a module file, which may be compressed, is signed, or that is not known. */
bool examine_may_be_signed(const char *path);

#endif
