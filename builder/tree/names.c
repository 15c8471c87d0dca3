/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which names may modules, versions, kernels and architectures have? */
#include "config.h"

#include <errno.h>
#include <limits.h>

#include "base/str.h"
#include "builder/tree/built-kernels.h"
#include "builder/tree/names.h"

/* Modules cannot have these names: they are files and directories of the dkms tree, and names
 * of files in /etc/dkms without ".conf", which overrides have, or with it. */
static const char *const reserved[] = {"framework", "framework.conf", "framework.conf.d",
	"mok.key", "mok.pub", "no-autoinstall", "remote.d", "remote.pub", "remote.sec", "remote-ca.pem",
	"remote-client.key", "remote-client.pem", "remote-password", "skip.list", "post_transaction.log",
	"dkms_dbversion"};

bool names_is_version(const char *s)
{
	return !streq(s, TREE_ORIGINALS) && !has_prefix(s, TREE_LINK_PREFIX);
}

int tree_check_name(const char *what, const char *s, struct error *err)
{
	if (is_empty(s))
		return error_set(err, -EINVAL, 3, "the %s is empty", what);
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return error_set(err, -EINVAL, 3,
				"the %s holds a control character", what);
	if (strlen(s) > NAME_MAX)
		return error_set(err, -EINVAL, 3, "the %s is longer than %d bytes: %s",
			what, NAME_MAX, s);
	if (strchr(s, '/'))
		return error_set(err, -EINVAL, 3, "the %s has a slash: %s", what, s);
	if (s[0] == '.')
		return error_set(
			err, -EINVAL, 3, "the %s begins with a dot: %s", what, s);
	return 0;
}

int tree_check_version(const char *version, struct error *err)
{
	int r = tree_check_name("module version", version, err);

	if (r == 0 && !names_is_version(version))
		r = error_set(err, -EINVAL, 3,
			"a module version cannot be called %s: the dkms tree uses that "
			"name",
			version);
	return r;
}

int tree_check_release(const char *release, struct error *err)
{
	int r = tree_check_name("kernel version", release, err);

	if (r == 0 && !built_kernels_is_release(release))
		r = error_set(err, -EINVAL, 3, "no kernel can be called %s", release);
	return r;
}

static int check_plain(const char *what, const char *s, struct error *err)
{
	return text_is_name(s) ? 0
			       : error_set(err, -EINVAL, 3,
					 "the %s has a blank, a control character or what a "
					 "shell interprets, or begins with '~': %s",
					 what, s);
}

int tree_check_not_reserved(const char *name, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (streq(name, reserved[i]))
			return error_set(err, -EINVAL, 3,
				"a module cannot be called %s: dkms uses that name for a "
				"file of its own",
				name);
	return 0;
}

int tree_check_new_module(const char *name, const char *version, struct error *err)
{
	int r = tree_check_name("module name", name, err);

	if (r == 0)
		r = check_plain("module name", name, err);
	if (r == 0)
		r = tree_check_not_reserved(name, err);
	if (r == 0)
		r = tree_check_version(version, err);
	return r < 0 ? r : check_plain("module version", version, err);
}

int tree_check_new_kernel(const char *release, const char *arch, struct error *err)
{
	int r = tree_check_release(release, err);

	if (r == 0)
		r = check_plain("kernel version", release, err);
	if (r == 0)
		r = tree_check_name("architecture", arch, err);
	return r < 0 ? r : check_plain("architecture", arch, err);
}
