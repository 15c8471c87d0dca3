/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_QUICK_READ_H
#define BUILDER_CONF_QUICK_READ_H

#include "base/strv.h"

/* What can be read from the text of a dkms.conf without running it. This is enough to
 * notice that an installed module file is missing; a build evaluates the file with bash
 * (builder/conf/conf.h). */
struct quick_conf {
	/* The values of the last assignments of them; NULL if there is none, or if bash
	 * would have to expand it. */
	char *package_name, *package_version;
	bool has_modules; /* the file has a module directive of whatever form */
	/* True when module_names is what a build makes, unless an override file says
	 * otherwise. For that, all module directives must be simple assignments outside
	 * of any condition, expand nothing but PACKAGE_NAME and PACKAGE_VERSION, and no
	 * single module may have a BUILD_EXCLUSIVE_ directive. */
	bool names_known;
	struct strv module_names; /* destination names; empty unless names_known */
	struct strv destinations; /* values of DEST_MODULE_LOCATION, without duplicates */
};

/* Reads the dkms.conf at path. A file that cannot be read gives an empty result, in
 * which names_known is false. quick_conf_done() frees what is in ret. */
void quick_conf_read(const char *path, struct quick_conf *ret);
void quick_conf_done(struct quick_conf *conf);

#endif
