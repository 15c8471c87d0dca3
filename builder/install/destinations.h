/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_DESTINATIONS_H
#define BUILDER_INSTALL_DESTINATIONS_H

#include "builder/job/job.h"

/* The built module files of one version, and their paths in a kernel's tree. */

struct destination {
	char *name;  /* the name of the module, as in struct kernel_module */
	char *file;  /* the name of the file, "evdi.ko.xz" */
	char *built; /* the path of the built file in the dkms tree */
	char *path;  /* where it is, or will be, in the kernel's tree; NULL: not there */
	bool is_same; /* install.c: the file at path has the content of the built one */
	bool from_killed_install; /* install.c: an install that was killed put it there */
	/* The record of the installed files says that the file at path is ours; or it says
	 * that ours was there, and now another one is. */
	bool recorded, foreign;
};

struct destinations {
	struct destination *items;
	size_t n;
	bool has_record; /* destinations_list_installed() has found the record */
};

/* Lists the files that the dkms.conf says are to be installed. Returns 0, or -ENOENT with
 * status 6 if a module has not been built. destinations_done() frees *ret. */
int destinations_list_by_conf(
	const struct job *job, struct destinations *ret, struct error *err);

/* Lists the files of an installed version. With a record of the installed files, these are the
 * files that it has, also if somebody has compressed, decompressed or signed them since, and
 * files elsewhere that are equal to what is built, but none that another package has installed
 * with the same content (rivals.h). Without one, as in trees of other versions of
 * dkms, a file is searched at the path that the job's conf gives, if the job has one, then as an
 * identical file of any module with that name. A file with another content may be that of another
 * installed module. If the built files are gone then, lists the paths that the conf gives. The
 * caller holds the kernel's lock and has called kernel_find_modules(). Returns 0, or a negative
 * errno with status 1 if something cannot be read. destinations_done() frees *ret in both cases. */
int destinations_list_installed(const struct job *job, const char *version,
	struct destinations *ret, struct error *err);

/* Returns whether another module that is installed on the job's kernel has a file for a module of
 * this name. It has put the file there, whatever its content is. */
bool destinations_are_of_others(const struct job *job, const struct destination *f);

/* Frees what is in d and makes it empty. */
void destinations_done(struct destinations *d);

#endif
