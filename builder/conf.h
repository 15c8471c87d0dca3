/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_H
#define BUILDER_CONF_H

#include "base/error.h"
#include "base/strv.h"
#include "builder/command.h"
#include "builder/kernel.h"
#include "builder/settings.h"

/* Bounds of BUILD_EXCLUSIVE_*; NULL or empty means no bound. */
struct conf_exclusive {
	char *kernel;	  /* extended regular expression */
	char *kernel_min;
	char *kernel_max;
	char *arch;	  /* extended regular expression */
	char *config;	  /* words CONFIG_X or !CONFIG_X */
};

/* One module of a package. */
struct conf_module {
	char *built_name;     /* without .ko */
	char *built_location; /* below the build directory, "" or ending in '/' */
	char *dest_name;
	char *dest_location; /* as the dkms.conf says, with no '/' at the end:
			      * "/kernel/drivers/net"; the distribution's place is
			      * conf_install_dir()'s business */
	bool strip;
	char *excluded; /* why BUILD_EXCLUSIVE_* leaves this one out, or NULL */
};

/* A dkms.conf with its overrides, evaluated for one kernel. */
struct conf {
	char *package_name;
	char *package_version;
	struct conf_module *modules;
	size_t n_modules;
	char *make; /* shell command line; never NULL */
	struct strv patches;
	struct strv build_depends;
	bool build_depends_rebuild;
	bool autoinstall;
	bool no_weak_modules;
	char *post_add, *pre_build, *post_build, *pre_install, *post_install, *post_remove;
	char *obsolete_by;
	char *excluded;		 /* why the whole package is left out on this kernel, or NULL */
	struct strv warnings;	 /* deprecated directives and the like, one line each */
};

/* What one evaluation is about. */
struct conf_request {
	const char *path;      /* the dkms.conf */
	const char *name;      /* NULL while it is not known, as in add: no overrides then */
	const char *version;
	struct kernel *kernel; /* gives kernelver, arch, kernel_source_dir, kernel_config */
	const struct settings *settings;
};

/* Fills cmd with a bash that evaluates the conf (and its overrides in /etc/dkms, and
 * the directives of the settings) and reports to standard output; output and error are
 * captured. The caller puts it in a sandbox and runs it. */
void conf_command(const struct conf_request *request, struct command *cmd);

/* Makes a conf of what that bash printed. Errors have status 8 and name the file, the
 * directive and, where bash gave one, the line: the conf ended early by exit, ran into
 * the time limit, has a syntax error, lacks a required directive, holds a bad value.
 * conf_free frees. */
int conf_parse(const struct conf_request *request, const struct command *cmd,
	const struct outcome *outcome, struct conf **ret, struct error *err);
void conf_free(struct conf *c);

/* -EINVAL and status 8 when two modules have the same built or the same destination
 * name, which add, build and install refuse. */
int conf_check_duplicates(const struct conf *c, const char *path, struct error *err);

/* Where a module is installed below the kernel's directory, distribution rules applied:
 * "/updates/dkms"; caller frees. addon_modules_dir may be NULL. */
char *conf_install_dir(const struct conf_module *m, const struct settings *s);

/* The shell variables that a dkms.conf and its scripts see (kernelver, arch, module,
 * dkms_tree, ...), set in env; CC, CFLAGS, MAKEFLAGS and others of the caller that must
 * not reach a build are removed from it. */
void conf_environment(const struct conf_request *request, struct strv *env);

#endif
