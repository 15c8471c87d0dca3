/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_KERNEL_H
#define BUILDER_HOST_KERNEL_H

#include <pthread.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"
#include "builder/host/module-name.h"
#include "builder/host/settings.h"

/* A module file in the kernel's directory. */
struct kernel_module {
	char *name; /* as module_name_of_file() returns it */
	char *path; /* relative to the kernel's directory: "kernel/drivers/gpu/x.ko.xz" */
};

/* An option of the kernel's configuration, and its value in struct kernel's config or NULL. */
struct kernel_option {
	char *name;
	const char *value;
};

/* The answers of kernel_config() for the first so many options are remembered. */
#define KERNEL_OPTIONS 32

/* A kernel release for one architecture. Its files are in the install tree. */
struct kernel {
	char *release;	   /* "6.1.0-56-amd64" */
	char *arch;	   /* "x86_64" */
	char *dir;	   /* INSTALLTREE/RELEASE; need not exist */
	char *headers;	   /* --kernelsourcedir or DIR/build; need not exist */
	char *config_path; /* --config, HEADERS/include/config/auto.conf or
			    * HEADERS/.config; NULL if there is none */
	bool has_headers;  /* HEADERS/include exists */
	/* The module files below dir, sorted by name; kernel_find_modules() fills them
	 * in. Jobs that install on this kernel hold the lock, because an install changes
	 * what the next one finds. */
	pthread_mutex_t lock;
	struct kernel_module *modules;
	size_t n_modules;
	bool modules_known;
	enum compression compression; /* by kernel_find_compression() */
	bool compression_known;
	/* What an earlier run has left unfinished: see tree/kernel-mark.h. The plan sets
	 * both before its jobs begin. */
	bool unfinished, needs_depmod;
	/* Changes of this run, under the lock: the descriptor of the mark that is set, or
	 * -1, and the number of changes that have begun and are neither complete nor
	 * undone. */
	int mark_fd;
	unsigned int n_changing;
	/* The lines of config_path with a NUL before and after each line, once
	 * kernel_read_config() or kernel_config() has read them. */
	pthread_mutex_t config_lock;
	struct str config;
	bool config_known;
	struct kernel_option options[KERNEL_OPTIONS]; /* that were asked for */
	size_t n_options;
	/* What header_trees_list() has found. Finding it takes some 50 walks along a path, so it is
	 * done once a run. */
	pthread_mutex_t header_trees_lock;
	struct strv header_trees;
	bool header_trees_known;
};

/* Returns the release of the running kernel, as uname -r prints it; the caller frees. */
char *kernel_running_release(void);
/* Returns the release of the kernel that commands without -k act on; the caller frees: the
 * running one or, if that is not installed here, as in a chroot, the newest one that is,
 * with *ret_other set. Without any kernel here it is the running one. */
char *kernel_default_release(const struct settings *s, bool *ret_other);
/* Returns the release that an entry of the install tree stands for; the caller frees. That is
 * its name, unless it is a link to the directory of another kernel there. */
char *kernel_real_release(const struct settings *s, const char *name);
/* Returns the architecture of the running kernel as uname -m prints it; the caller
 * frees. */
char *kernel_running_arch(void);
/* Appends the releases in the install tree of which the kernel itself or the headers are
 * installed, in version order; other names of the same kernel are left out. Returns 0, also if
 * there is no install tree, or a negative errno. */
int kernel_list(const struct settings *s, struct strv *ret);
/* Appends the releases in the install tree that have headers, in version order. Returns
 * 0, also if there is no install tree, or a negative errno. */
int kernel_list_with_headers(const struct settings *s, struct strv *ret);

/* Describes a kernel. Files that are missing are no error. kernel_free() frees. */
struct kernel *kernel_new(
	const struct settings *s, const char *release, const char *arch);
void kernel_free(struct kernel *k);

/* Reads the kernel's configuration, unless that has been done. Without one there is nothing to
 * read. May be called from any thread. On errors the status is 1. */
int kernel_read_config(struct kernel *k, struct error *err);
/* Returns the value of a CONFIG_ option: "y", "m", or a string with its quotes. The value
 * lives as long as k. NULL if the option is not set, or if the configuration cannot be read:
 * call kernel_read_config() before what must tell the two apart. May be called from any
 * thread. */
const char *kernel_config(struct kernel *k, const char *option);

/* Fills in modules, unless that has been done. Skips build/ and source/ and does not
 * follow links to directories. This is slow, because it walks some 4,000 files: call it
 * from a worker thread, with the lock held. On errors the status is 1. */
int kernel_find_modules(struct kernel *k, struct error *err);
/* Empties modules, because the files have changed. */
void kernel_forget_modules(struct kernel *k);
/* Returns how this kernel's own modules are compressed: the most frequent suffix of the
 * module files below kernel/ or, if there are none, of all module files. Call
 * kernel_find_modules() before. */
enum compression kernel_compression(const struct kernel *k);
/* Does the same, and calls kernel_find_modules() itself, but only the first time: what a
 * run installs does not change how it compresses. With the lock held. */
int kernel_find_compression(struct kernel *k, enum compression *ret, struct error *err);
/* Tells whether the kernel itself is installed: DIR/kernel/, DIR/vmlinuz or
 * /boot/vmlinuz-RELEASE exists. */
bool kernel_has_image(const struct kernel *k);

#endif
