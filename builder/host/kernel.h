/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_KERNEL_H
#define BUILDER_HOST_KERNEL_H

#include <pthread.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"
#include "cache/digest.h"
#include "builder/host/settings.h"

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP, /* .gz */
	COMPRESSION_XZ,	  /* .xz */
	COMPRESSION_ZSTD, /* .zst */
};

/* One module file found in the kernel's tree. */
struct kernel_module {
	char *name; /* file name without .ko and compression, '-' written as '_' */
	char *path; /* relative to the kernel's directory: "kernel/drivers/gpu/x.ko.xz" */
};

/* A kernel release for one architecture, as found below the install tree. */
struct kernel {
	char *release;	   /* "6.1.0-56-amd64" */
	char *arch;	   /* "x86_64" */
	char *dir;	   /* INSTALLTREE/RELEASE; may not exist */
	char *headers;	   /* --kernelsourcedir or DIR/build; may not exist */
	char *config_path; /* --config, HEADERS/include/config/auto.conf or
			    * HEADERS/.config; NULL when there is none */
	bool has_headers;  /* HEADERS/include exists */
	/* Module files of the tree, sorted by name; filled by kernel_find_modules(). Installs
	 * on one kernel take the lock, since each changes what the next one finds. */
	pthread_mutex_t lock;
	struct kernel_module *modules;
	size_t n_modules;
	bool modules_known;
	/* For kernel_config(), which fills it when it is first asked: the lines of config_path,
	 * with a NUL before and behind each. */
	pthread_mutex_t config_lock;
	struct str config;
	bool config_known;
};

/* What uname says; caller frees. */
char *kernel_running_release(void);
/* The architecture in the distribution's words: on Debian and most others uname -m;
 * caller frees. */
char *kernel_running_arch(void);
/* Releases below the install tree that have headers, in version order. */
int kernel_list_with_headers(const struct settings *s, struct strv *ret);

/* Describes a kernel; never fails for want of files. kernel_free frees. */
struct kernel *kernel_new(const struct settings *s, const char *release, const char *arch);
void kernel_free(struct kernel *k);

/* The value of a CONFIG_ option ("y", "m", a string with its quotes), borrowed until
 * kernel_free; NULL when unset. From any thread. */
const char *kernel_config(struct kernel *k, const char *option);

/* Locks the kernel's directory against other processes, and waits for them. *ret_fd is to
 * be closed; -1 when there is no such directory, or no locks on its file system. */
int kernel_lock(const struct kernel *k, int *ret_fd, struct error *err);

/* Looks the tree through once (not build/ and source/, no links to directories) and
 * fills modules. Slow (a walk of some 4,000 files); call from a worker, under the lock. */
int kernel_find_modules(struct kernel *k, struct error *err);
/* Forgets what kernel_find_modules found, after the tree has changed. */
void kernel_forget_modules(struct kernel *k);
/* How this kernel's own modules are compressed, judged by the files of kernel_find_modules()
 * (the commonest suffix below kernel/, else anywhere, wins; none: COMPRESSION_NONE). */
enum compression kernel_compression(const struct kernel *k);
/* ".gz" and so on, "" for none */
const char *compression_suffix(enum compression c);
/* How a module file is compressed, by its name. */
enum compression compression_of_file(const char *path);
/* The module name of a file: base name without .ko and compression suffix, '-' as '_';
 * caller frees. NULL when the name is not a module's. */
char *module_name_of_file(const char *path);
/* The directories that a build for this kernel reads: its headers; those that their
 * Makefile includes (a small one often leads to headers that flavours share); those that
 * links at the top of these lead to (scripts, tools), or all of the tree that is in, if there is
 * a Makefile beside it. Real paths, appended. */
void header_trees_list(const struct kernel *k, struct strv *ret);
/* Where builds in a sandbox see some of these, so that all kernels' have the same paths: pairs
 * of a real path and that one, appended; none when the layout is not one we know. */
void header_mounts_list(const struct kernel *k, struct strv *ret);
/* Kernels with the same digest are kin: objects made for one may well serve the other, since
 * both have such places, and headers of the same Makefile. False: it has none. */
bool header_mounts_family(const struct kernel *k, struct digest *ret);
/* True when the kernel's image is installed: DIR/kernel or DIR/vmlinuz exists, or
 * /boot/vmlinuz-RELEASE does. */
bool kernel_has_image(const struct kernel *k);

#endif
