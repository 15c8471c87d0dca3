/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which distribution is this, and how does it do things? */
#include "config.h"

#include <errno.h>
#include <strings.h>

#include "base/file.h"
#include "base/strv.h"
#include "builder/host/distro.h"

/* A larger file is not read (bytes). Real ones are much smaller. */
#define OS_RELEASE_MAX (64 * 1024)

/* What the words of ID and ID_LIKE begin with. */
static const struct {
	const char *prefix;
	enum distro distro;
} words[] = {
	{"debian", DISTRO_DEBIAN},
	{"ubuntu", DISTRO_UBUNTU},
	{"fedora", DISTRO_FEDORA},
	{"rhel", DISTRO_RHEL},
	{"centos", DISTRO_RHEL},
	{"ol", DISTRO_RHEL},
	{"ovm", DISTRO_RHEL},
	{"sles", DISTRO_SUSE},
	{"sled", DISTRO_SUSE},
	{"suse", DISTRO_SUSE},
	{"opensuse", DISTRO_SUSE},
	{"arch", DISTRO_ARCH},
	{"gentoo", DISTRO_GENTOO},
	{"alpine", DISTRO_ALPINE},
};

/* Looks word up in words. The prefix must be all of the word or end before one of "-_.":
 * "opensuse-leap" is openSUSE, but "archcraft" is not Arch. */
static enum distro distro_of_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i].prefix);

		if (strncasecmp(word, words[i].prefix, len) == 0 &&
			(word[len] == '\0' || strchr("-_.", word[len])))
			return words[i].distro;
	}
	return DISTRO_OTHER;
}

/* Returns the value of a line "KEY=value" without quotes; the caller frees. NULL if there
 * is no such line. Shell escapes are not undone: ID and ID_LIKE are plain words. */
static char *find_value(const char *text, const char *key)
{
	size_t key_len = strlen(key);

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (strncmp(text, key, key_len) == 0 && text[key_len] == '=') {
			const char *value = text + key_len + 1, *end = text + len;

			while (end > value && strchr(" \t\r", end[-1]))
				end--;
			if (end - value >= 2 && strchr("\"'", *value) &&
				end[-1] == *value) {
				value++;
				end--;
			}
			return xstrndup(value, (size_t)(end - value));
		}
		text += len;
		text += *text == '\n';
	}
	return NULL;
}

static enum distro distro_of_text(const char *text)
{
	_cleanup_free_ char *id = find_value(text, "ID");
	_cleanup_free_ char *like = find_value(text, "ID_LIKE");
	_cleanup_(strv_done) struct strv origins = {0};
	enum distro d = id ? distro_of_word(id) : DISTRO_OTHER;

	if (like)
		strv_split(&origins, like);
	for (size_t i = 0; d == DISTRO_OTHER && i < origins.n; i++)
		d = distro_of_word(origins.items[i]);
	return d;
}

int distro_read(const char *path, enum distro *ret, struct error *err)
{
	static const char second[] = "/usr/lib/os-release";
	_cleanup_(str_done) struct str text = {0};
	int r;

	if (!path_is_file(path) && streq(path, "/etc/os-release") && path_is_file(second))
		path = second;
	r = file_read(path, OS_RELEASE_MAX, &text, NULL);
	if (r < 0)
		return error_errno(err, r, 4, "cannot read %s", path);
	*ret = distro_of_text(text.data);
	return 0;
}

const char *distro_module_dir(enum distro distro)
{
	switch (distro) {
	case DISTRO_DEBIAN:
	case DISTRO_UBUNTU:
	case DISTRO_ARCH:
		return "/updates/dkms";
	case DISTRO_FEDORA:
	case DISTRO_RHEL:
		return "/extra";
	case DISTRO_SUSE:
		return "/updates";
	case DISTRO_GENTOO:
	case DISTRO_ALPINE:
	case DISTRO_OTHER:
		break;
	}
	return NULL;
}

/* Returns the flavour of a SUSE or Arch release, which is its last part: "default" of
 * "6.4.0-150600.21-default". NULL if there is none. */
static const char *flavour_of(const char *release)
{
	const char *dash = strrchr(release, '-');

	return dash && dash[1] ? dash + 1 : NULL;
}

char *distro_install_command(enum distro distro, const char *package)
{
	const char *how = NULL;

	switch (distro) {
	case DISTRO_DEBIAN:
	case DISTRO_UBUNTU:
		how = "apt install";
		break;
	case DISTRO_FEDORA:
	case DISTRO_RHEL:
		how = "dnf install";
		break;
	case DISTRO_SUSE:
		how = "zypper install";
		break;
	case DISTRO_ARCH:
		how = "pacman -S";
		break;
	case DISTRO_GENTOO:
	case DISTRO_ALPINE:
	case DISTRO_OTHER:
		break;
	}
	return how ? xasprintf("%s %s", how, package) : NULL;
}

/* Returns the name of the package with a kernel's headers; the caller frees. NULL if it
 * is not known. */
static char *headers_package(enum distro distro, const char *release)
{
	const char *flavour = flavour_of(release);

	switch (distro) {
	case DISTRO_DEBIAN:
	case DISTRO_UBUNTU:
		return xasprintf("linux-headers-%s", release);
	case DISTRO_FEDORA:
	case DISTRO_RHEL:
		return xasprintf("kernel-devel-%s", release);
	case DISTRO_SUSE:
		return flavour ? xasprintf("kernel-%s-devel", flavour) : NULL;
	case DISTRO_ARCH:
		/* 6.9.1-arch1-1 is of the package linux, 6.6.32-1-lts of linux-lts. */
		if (strstr(release, "-arch"))
			return xstrdup("linux-headers");
		if (!flavour || (*flavour >= '0' && *flavour <= '9'))
			return NULL;
		return xasprintf("linux-%s-headers", flavour);
	case DISTRO_GENTOO:
	case DISTRO_ALPINE:
	case DISTRO_OTHER:
		break;
	}
	return NULL;
}

char *distro_headers_command(enum distro distro, const char *release)
{
	_cleanup_free_ char *package = headers_package(distro, release);

	return package ? distro_install_command(distro, package) : NULL;
}

/* Returns the name of the package with a compiler; the caller frees. NULL if it is not known. Debian
 * has aarch64-linux-gnu-gcc-12 in gcc-12-aarch64-linux-gnu, Fedora aarch64-linux-gnu-gcc in
 * gcc-aarch64-linux-gnu. */
static char *compiler_package(enum distro distro, const char *program)
{
	const char *gcc = strstr(program, "-gcc");
	char *package;

	if (strchr(program, '/'))
		return NULL;
	if (!gcc || distro == DISTRO_ARCH)
		return xstrdup(program);
	if (distro == DISTRO_SUSE)
		return NULL;
	package = xasprintf("%s-%.*s", gcc + 1, (int)(gcc - program), program);
	for (char *p = package; (p = strchr(p, '_'));)
		*p = '-';
	return package;
}

char *distro_compiler_command(enum distro distro, const char *program)
{
	_cleanup_free_ char *package = compiler_package(distro, program);

	return package ? distro_install_command(distro, package) : NULL;
}
