/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At which paths do builds see a kernel's headers?
 *
 * Paths of headers come into debug information, and so into the build-id, and into the command
 * lines that kbuild keeps. When they are the same for all kernels, an object that was compiled
 * for one can serve another. Debian's headers are three directories:
 *
 *   /usr/src/linux-headers-RELEASE          Makefile: include .../Makefile of the next one;
 *                                           since Linux 6.13 KBUILD_OUTPUT=this one, too
 *   /usr/src/linux-headers-VERSION-common   that of all flavours
 *   /usr/lib/linux-kbuild-VERSION           scripts and tools; the others lead there by links
 *                                           ../../lib/linux-kbuild-VERSION/scripts
 *
 * They are shown at PLACE/src/linux-headers, PLACE/src/linux-headers-common and
 * PLACE/lib/linux-kbuild. Links are at their own paths, and by their own names beside these
 * places, where the links between them lead. VERSION is that of one ABI since Debian 13. Other
 * layouts stay where they are. */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/run/sandbox.h"
#include "builder/host/header-mounts.h"

#define PLACE "/usr/src/kernel"
#define LINK_PREFIX "../../lib/"
/* A Makefile that leads elsewhere is a line or two and perhaps a comment. */
#define WRAPPER_MAX 1024

/* The line says where headers are, of which the real path is given. */
static bool is_output(const char *line, const char *headers)
{
	_cleanup_free_ char *real = NULL;

	if (!has_prefix(line, "KBUILD_OUTPUT=/"))
		return false;
	real = realpath(line + strlen("KBUILD_OUTPUT="), NULL);
	return real && streq(real, headers);
}

/* The directory whose Makefile the one of headers includes, and does nothing else; its real
 * path, caller frees; NULL when it is not like that. */
static char *included_dir(const char *headers)
{
	_cleanup_free_ char *path = path_join(headers, "Makefile");
	_cleanup_free_ char *included = NULL;
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;

	if (file_read(path, WRAPPER_MAX, &text, NULL) < 0 || strlen(text.data) != text.len)
		return NULL;
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		if (!*line || *line == '#' || is_output(line, headers))
			continue;
		if (included || !has_prefix(line, "include /") || !has_suffix(line, "/Makefile") ||
			strpbrk(line, "$\\# \t") != line + strlen("include"))
			return NULL;
		included = xstrndup(line + strlen("include "),
			strlen(line) - strlen("include ") - strlen("/Makefile"));
	}
	return included ? realpath(included, NULL) : NULL;
}

/* Links at the top of dir all lead into one directory ../../lib/NAME; sets *name to NAME, or
 * compares with it. False when one leads elsewhere. */
static bool check_links(const char *dir, char **name)
{
	_cleanup_(strv_done) struct strv entries = {0};

	if (dir_list(dir, &entries) < 0)
		return false;
	for (size_t i = 0; i < entries.n; i++) {
		_cleanup_free_ char *path = path_join(dir, entries.items[i]);
		_cleanup_free_ char *target = NULL, *first = NULL;
		const char *rest;

		if (link_read(path, &target) < 0)
			continue;
		if (!has_prefix(target, LINK_PREFIX) || strstr(target + strlen(LINK_PREFIX), ".."))
			return false;
		rest = target + strlen(LINK_PREFIX);
		first = xstrndup(rest, strcspn(rest, "/"));
		if (!*name)
			*name = TAKE_PTR(first);
		else if (!streq(*name, first))
			return false;
	}
	return true;
}

static bool is_root_of_places(void)
{
	static const char src[] = "/usr/src";
	_cleanup_free_ char *real = realpath(src, NULL);

	return real && streq(real, src);
}

void header_mounts_list(const struct kernel *k, struct strv *ret)
{
	_cleanup_free_ char *headers = realpath(k->headers, NULL);
	_cleanup_free_ char *common = headers ? included_dir(headers) : NULL;
	_cleanup_free_ char *name = NULL, *below = NULL, *kbuild = NULL;

	if (!common || streq(common, headers) || !sandbox_hides(headers) ||
		!sandbox_hides(common) || !is_root_of_places())
		return;
	if (!check_links(headers, &name) || !check_links(common, &name) || !name)
		return;
	below = xasprintf("%s/" LINK_PREFIX "%s", headers, name);
	kbuild = realpath(below, NULL);
	if (!kbuild || !path_is_dir(kbuild) || !streq(path_base(kbuild), name))
		return;
	strv_push(ret, headers);
	strv_push(ret, PLACE "/src/linux-headers");
	strv_push(ret, common);
	strv_push(ret, PLACE "/src/linux-headers-common");
	strv_push(ret, kbuild);
	strv_push(ret, PLACE "/lib/linux-kbuild");
}

bool header_mounts_family(const struct kernel *k, struct digest *ret)
{
	_cleanup_(strv_done) struct strv places = {0};
	_cleanup_free_ char *makefile = NULL;
	_cleanup_close_ int fd = -1;

	header_mounts_list(k, &places);
	if (!places.n)
		return false;
	/* Of the headers that flavours share: it has the version in it. */
	makefile = path_join(places.items[2], "Makefile");
	fd = open(makefile, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && digest_fd(fd, ret) == 0;
}
