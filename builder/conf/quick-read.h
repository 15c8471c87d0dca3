/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_QUICK_READ_H
#define BUILDER_CONF_QUICK_READ_H

#include "base/strv.h"

/* What can be said of a dkms.conf by looking at its text, without running it. Enough to
 * see that a module is gone; a build asks bash (builder/conf/conf.h). */
struct conf_text {
	bool has_modules; /* it names a module, in whatever way */
	/* Its module directives are all plain assignments under no condition, with no
	 * expansion but PACKAGE_NAME and PACKAGE_VERSION, and no module of its own can be
	 * excluded: names is what a build makes, unless an override says otherwise. */
	bool plain;
	struct strv names;  /* destination names, when plain */
	struct strv places; /* DEST_MODULE_LOCATION values known, each once */
};

/* Reads path; what cannot be read says nothing and is not plain. */
void conf_text_read(const char *path, struct conf_text *ret);
void conf_text_done(struct conf_text *t);

#endif
