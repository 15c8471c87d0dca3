/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DOCTOR_FIND_H
#define CLI_DOCTOR_FIND_H

#include "builder/host/settings.h"

/* What dkms doctor --fix does about a finding. */
enum doctor_fix {
	FIX_NONE,      /* nothing: a person has to decide */
	FIX_ADD,       /* adds the version again, which has lost the link to its source */
	FIX_FORGET,    /* removes the leftover of a version */
	FIX_UNBUILD,   /* deletes what was built for a kernel that is gone */
	FIX_REINSTALL, /* installs what is built again */
	FIX_REBUILD,   /* builds it again, and installs it if it was installed */
	FIX_SIGN,      /* signs it */
	FIX_DEPMOD,    /* runs depmod(8) for the kernel */
	FIX_FINISH,    /* installs again what is installed on the kernel, and runs depmod(8) */
	FIX_UNLINK,    /* removes a link of ours that leads nowhere */
	FIX_CLEAN,     /* removes what a process has left that was killed */
	FIX_CACHE,     /* removes a damaged file of the cache */
};

/* Something that is not as it should be. The strings belong to it; those that do not apply are
 * NULL. */
struct finding {
	const char *kind; /* "leftover", "stale", ...; static */
	char *what, *remedy; /* for people; the remedy only where --fix does nothing */
	enum doctor_fix fix;
	char *name, *version, *release, *arch, *path;
	char *stale; /* FIX_REBUILD: why it is stale, or NULL */
	bool installed; /* FIX_REBUILD: not only built */
};

/* Zero-initialised is empty. */
struct findings {
	struct finding *items;
	size_t n, n_checks; /* n_checks: how many things were looked at */
};

/* Looks at the dkms tree, the kernels and the cache. Changes nothing, except that damaged files
 * of the cache are removed with fix. doctor_findings_done() frees. Returns 0, or a negative errno
 * and err if something cannot be read. */
int doctor_find(const struct settings *s, bool fix, struct findings *ret, struct error *err);
void doctor_findings_done(struct findings *f);
/* Returns what --fix does about it, "removes it"; static; NULL for FIX_NONE. */
const char *doctor_fix_words(enum doctor_fix fix);

#endif
