/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_CONF_H
#define BUILDER_CONF_CONF_H

#include "base/error.h"
#include "base/strv.h"
#include "builder/run/command.h"
#include "builder/host/kernel.h"
#include "builder/host/settings.h"

/* One module of a package. */
struct conf_module {
	char *built_name;     /* without .ko */
	char *built_location; /* below the build directory, "" or ending in '/' */
	char *dest_name;
	char *dest_location; /* as the dkms.conf says, with no '/' at the end:
			      * "/kernel/drivers/net"; the distribution's place is
			      * conf_install_dir()'s business */
	bool strip;
	char *excluded; /* why its BUILD_EXCLUSIVE_*[i] leaves this one out, or NULL:
			 * "CONFIG_VIDEO_DEV is not set" */
};

/* A dkms.conf with its overrides, evaluated for one kernel. */
struct conf {
	char *package_name;
	char *package_version;
	struct conf_module *modules;
	size_t n_modules;
	char *make; /* shell command line; never NULL; see conf_make_command() */
	struct strv patches; /* as given: the build checks them (status 5) */
	struct strv build_depends;
	bool build_depends_rebuild;
	bool autoinstall;
	bool no_weak_modules;
	/* Script and arguments, one line; NULL when unset. */
	char *post_add, *pre_build, *post_build;
	char *pre_install, *post_install, *post_remove;
	char *obsolete_by; /* also counted in excluded */
	char *excluded; /* why the whole package is left out on this kernel (77), or
			 * NULL; its modules' own reasons are theirs */
	/* Deprecated directives, no modules: one line each, without the file's name. For
	 * add, build and install. */
	struct strv warnings;
	struct strv files; /* the dkms.conf and the overrides that were evaluated */
};

/* What one evaluation is about. */
struct conf_request {
	const char *path; /* the dkms.conf */
	/* NULL while they are not known, as in add: no overrides then */
	const char *name, *version;
	/* The exit status when the conf itself gives no name or version; 0: 8 as for all
	 * else. */
	int status_if_unnamed;
	struct kernel *kernel; /* its config is read when BUILD_EXCLUSIVE_CONFIG asks */
	const struct settings *settings;
};

/* Appends the files that will be evaluated: the conf, and the overrides that are there. */
void conf_list_files(const struct conf_request *request, struct strv *ret);

/* Fills cmd with a bash that evaluates the conf (and its overrides in the settings'
 * config_dir, and the directives of the settings) and reports to standard output; output
 * and error are captured. The caller puts it in a sandbox and runs it, and shows what is
 * on standard error. It runs in the conf's directory, whatever ours is, so that the same
 * conf gives the same values from anywhere. */
void conf_fill_command(const struct conf_request *request, struct command *cmd);

/* Makes a conf of what that bash printed. Errors name the file, the directive and, where
 * bash gave one, the line; they have status 8: ended by exit, ran into the time limit,
 * has a syntax error, lacks a required directive, holds a bad value. A missing dkms.conf
 * is -ENOENT and status 4; bash or the sandbox not running is status 1. An error ends
 * with what is on standard error; without one the caller shows that. conf_free frees. */
int conf_parse(const struct conf_request *request, const struct command *cmd,
	const struct outcome *outcome, struct conf **ret, struct error *err);
void conf_free(struct conf *c);

/* -EINVAL and status 8 when two modules have the same built or the same destination
 * name, which add, build and install refuse. */
int conf_check_duplicates(const struct conf *c, const char *path, struct error *err);

/* The make command for a kernel: a leading bare word make gets KERNELRELEASE=release;
 * what begins with anything else ('make' in quotes, a variable, a parenthesis) stays as
 * it is. No -j: job slots come through the jobserver. Caller frees. */
char *conf_make_command(const struct conf *c, const char *release);

/* Where a module is installed below the kernel's directory, distribution rules applied:
 * "/updates/dkms"; caller frees. */
char *conf_install_dir(const struct conf_module *m, const struct settings *s);

/* Sets the variables that a dkms.conf and its scripts see (kernelver, arch, module,
 * dkms_tree, ...) in env, a copy of our environment, and removes from it what must not
 * reach a build: CC, CFLAGS, a calling make's variables, what changes a shell. */
void conf_set_environment(const struct conf_request *request, struct strv *env);

#endif
