/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_KERNEL_H
#define BUILDER_HOST_KERNEL_H

#include <pthread.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"
#include "builder/host/module-name.h"
#include "builder/host/settings.h"

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
/* True when the kernel's image is installed: DIR/kernel or DIR/vmlinuz exists, or
 * /boot/vmlinuz-RELEASE does. */
bool kernel_has_image(const struct kernel *k);

#endif
