/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_POLICY_H
#define BUILDER_CONF_POLICY_H

#include "builder/conf/conf.h"

/* How dkms treats one package, by the administrator's files in /etc/dkms: NAME.conf and the
 * other override files. The package has no say in it: these files are evaluated without
 * its dkms.conf, in a process of their own, and what the dkms.conf sets under the same
 * names counts for nothing.
 *
 * NAME-VERSION.conf is also the NAME.conf of a package "NAME-VERSION". So what a file permits
 * counts only in NAME.conf, which is read first, alone. The other files are read after it
 * together with it, and can only take away. */
struct policy {
	bool own_known; /* NAME.conf was read, or there is none */
	bool known; /* all files were read, or there are none */
	/* They could not be read, or the name of the package is not known yet: it may be one
	 * that must have a sandbox. */
	bool unread;
	enum on_failure on_failure;
	enum debug_info debug_info;
	struct {
		bool mode_set; /* mode replaces that of the settings */
		enum sandbox_mode mode;
		bool network_set; /* network replaces what the settings say */
		bool network;	  /* its builds have a network */
		/* Lists of absolute paths between blanks, or NULL. */
		char *paths; /* further paths that its builds can see */
		char *write; /* directories that its builds can write to */
	} sandbox;
};

/* Frees what is in the policy, and makes it empty. */
void policy_done(struct policy *policy);

/* Returns whether there are files that may set a policy of any package. */
bool policy_is_possible(const struct settings *s);

/* Fills cmd with a bash that evaluates NAME.conf, or after that, if policy->own_known, all
 * override files of the request, whose path may be NULL. Returns 1; or 0, leaving cmd as it
 * is, if none of the files that have not been read mentions a name of the policy, so that no
 * bash need be started. */
int policy_fill_command(const struct conf_request *request, const struct policy *policy,
	struct command *cmd);

/* Adds what all files say to the policy that NAME.conf has set, and to warnings what does not
 * count. */
void policy_add(struct policy *policy, struct policy *all, const struct conf_request *request,
	struct strv *warnings);

/* Reads the report of that bash. Returns 0, or a negative errno with an error that names
 * the file; its exit status is 8 if a file or a value is bad. */
int policy_parse(const struct command *cmd, const struct outcome *outcome,
	struct policy *ret, struct error *err);

#endif
