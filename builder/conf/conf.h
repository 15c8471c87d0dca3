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
	char *built_location; /* relative to the build directory; "" or ends in '/' */
	char *dest_name;      /* without .ko */
	char *dest_location;  /* as in the dkms.conf, but without '..' and '/' at its end:
			       * "/kernel/drivers/net". conf_install_dir() applies the
			       * distribution's rules. */
	bool strip;
	char *excluded; /* why BUILD_EXCLUSIVE_*[i] leaves this module out
			 * ("CONFIG_VIDEO_DEV is not set"), or NULL */
};

/* A dkms.conf and its override files, evaluated for one kernel. */
struct conf {
	char *package_name;
	char *package_version;
	struct conf_module *modules;
	size_t n_modules;
	char *make; /* a shell command line, never NULL; see conf_make_command() */
	struct strv patches; /* as in the dkms.conf; the build checks that they exist */
	struct strv build_depends;
	bool build_depends_rebuild;
	bool autoinstall;
	bool no_weak_modules;
	/* A script with its arguments on one line each, or NULL. */
	char *post_add, *pre_build, *post_build;
	char *pre_install, *post_install, *post_remove;
	char *obsolete_by; /* excluded takes it into account */
	char *excluded; /* why the whole package is left out on this kernel (exit status
			 * 77), or NULL; each module has a reason of its own besides */
	/* Warnings for add, build and install: deprecated directives, no modules. Each
	 * is one line without the name of the file. */
	struct strv warnings;
	struct strv files; /* the dkms.conf and the override files that were evaluated */
};

/* What to evaluate. All pointers are borrowed. */
struct conf_request {
	const char *path; /* of the dkms.conf */
	/* NULL while they are unknown, as in add; then no override files are read. */
	const char *name, *version;
	struct kernel *kernel; /* its config is read if BUILD_EXCLUSIVE_CONFIG is set */
	const struct settings *settings;
};

/* Appends the files that will be evaluated: the dkms.conf and the override files, as far
 * as they exist. */
void conf_list_files(const struct conf_request *request, struct strv *ret);

/* Appends the paths of all override files in the order of evaluation, whether they exist or
 * not. There are none while the name of the package is unknown. */
void conf_list_overrides(const struct conf_request *request, struct strv *ret);

/* Fills cmd with a bash that evaluates the dkms.conf, the override files in config_dir
 * of the settings, and the directives of the settings, and that reports to standard
 * output. Output and error are captured. The caller puts cmd into a sandbox, runs it,
 * and shows its standard error. It runs in the directory of the dkms.conf, so that the
 * values do not depend on the working directory of dkms. */
void conf_fill_command(const struct conf_request *request, struct command *cmd);

/* Makes a conf from the report of that bash. Returns 0, or a negative errno with an
 * error that names the file, the directive and, if bash named it, the line. The exit
 * status is 8 if the evaluation was ended by exit, ran into the time limit or met a
 * syntax error, if a required directive is missing or if a value is bad; 4 (-ENOENT) if
 * there is no dkms.conf; 1 if bash or the sandbox did not run. An error includes the
 * standard error of the evaluation; after success the caller shows that. conf_free()
 * frees *ret. */
int conf_parse(const struct conf_request *request, const struct command *cmd,
	const struct outcome *outcome, struct conf **ret, struct error *err);
/* Does the same without bash, from the texts of the files, if they are plain as
 * builder/conf/plain.h says. files are the paths of the files that exist, as
 * conf_fill_command() names them. Returns 1 and *ret; 0 if bash has to evaluate them; or a
 * negative errno and err. */
int conf_parse_plain(const struct conf_request *request, const struct strv *files,
	const struct strv *texts, struct conf **ret, struct error *err);
void conf_free(struct conf *c);

/* Returns -EINVAL with exit status 8 if two modules have the same built name or the same
 * destination name, which add, build and install refuse. path is the name of the file in
 * the error. */
int conf_check_duplicates(const struct conf *c, const char *path, struct error *err);

/* Returns the make command for a kernel release. If it begins with the unquoted word
 * make, KERNELRELEASE=release is inserted after that word; a command that begins with
 * anything else ('make' in quotes, a variable, a parenthesis) is returned as it is.
 * There is no -j: make gets job slots from the jobserver. The caller frees it. */
char *conf_make_command(const struct conf *c, const char *release);

/* Appends the words of a command line, each after a blank, without -jN and -j N, which do
 * not change what the command makes. */
void conf_add_command(struct str *s, const char *line);

/* Returns the directory below the kernel's directory in which a module is installed, by
 * the distribution's rules: "/updates/dkms". The caller frees it. */
char *conf_install_dir(const struct conf_module *m, const struct settings *s);

/* Return the names of a module's file, with .ko: as make builds it, relative to the build
 * directory; and as it is installed, without a directory. The caller frees them. */
char *conf_built_file(const struct conf_module *m);
char *conf_dest_file(const struct conf_module *m);

/* Changes env, a copy of the environment of dkms: sets the variables that a dkms.conf
 * and its scripts see (kernelver, arch, module, dkms_tree, ...) and removes what must
 * not reach a build (evaluate_clean_environment()). */
void conf_set_environment(const struct conf_request *request, struct strv *env);

#endif
