/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the formats of packages have in common? */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "builder/pack/format.h"

char *package_stem(const struct job *job)
{
	size_t n = strlen(job->name), end = strlen("-dkms");

	return n > end && has_suffix(job->name, "-dkms") ? xstrndup(job->name, n - end)
							 : xstrdup(job->name);
}

bool package_is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char *package_sanitize(const char *text, const char *keep, char other)
{
	char *word = xstrdup(text);

	for (char *c = word; *c; c++)
		if (!package_is_alnum(*c) && !strchr(keep, *c))
			*c = other;
	return word;
}

const char *package_modules_dir(void)
{
	struct stat st;

	/* Package managers compare the names of files without following links, so modules
	 * must be in the same directory as those of the kernel's own package. */
	return lstat("/lib", &st) == 0 && S_ISLNK(st.st_mode) ? "/usr/lib/modules"
							      : "/lib/modules";
}

char *package_depmod_line(const struct job *job)
{
	const char *release = job->kernel->release;

	return xasprintf("[ ! -e /lib/modules/%s/modules.dep ] || depmod %s || true",
		release, release);
}

int package_write_file(const struct package *p, const char *path, mode_t mode,
	const char *text, struct error *err)
{
	_cleanup_free_ char *to = path_join(p->dir, path);
	_cleanup_free_ char *dir = path_parent(to);
	int r = dir_make(dir, err);

	return r == 0 ? file_write(to, text, strlen(text), mode, err) : r;
}
