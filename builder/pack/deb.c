/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dpkg-deb(1) need to make a package? deb-control(5) and Debian's policy
 * describe the format. */
#include "config.h"

#include <ctype.h>
#include <pwd.h>
#include <time.h>

#include "base/file.h"
#include "builder/host/architecture.h"
#include "builder/host/distro.h"
#include "builder/module/compress.h"
#include "builder/pack/deb.h"

/* The longest line of a passwd file (bytes). */
#define PASSWD_MAX 4096

/* Returns text as a package name, which may have only small letters, digits, "+", "-" and
 * "."; the caller frees. */
static char *deb_name(const char *text)
{
	char *name = package_sanitize(text, "+-.", '-');

	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return name;
}

/* Returns version as a version for dpkg, which begins with a digit and does not end with
 * "-"; the caller frees. */
static char *deb_version(const char *version)
{
	_cleanup_free_ char *word = package_sanitize(version, ".+~-", '.');

	while (has_suffix(word, "-"))
		word[strlen(word) - 1] = '\0';
	return xasprintf("%s%s", isdigit((unsigned char)*word) ? "" : "0~", word);
}

/* Returns Debian's name of an architecture, which is the same as arch if that is not known. */
static const char *deb_arch(const char *arch)
{
	const struct architecture *a = architecture_find(arch);

	return a ? a->debian : arch;
}

static void fill_names(const struct job *job, struct package *p)
{
	_cleanup_free_ char *stem = package_stem(job), *name = NULL;

	name = p->source ? xasprintf("%s-dkms", stem)
			 : xasprintf("%s-modules-%s", stem, job->kernel->release);
	p->name = deb_name(name);
	p->version = deb_version(job->version);
	p->arch = xstrdup(p->source ? "all" : deb_arch(job->kernel->arch));
	p->file = xasprintf("%s_%s_%s.deb", p->name, p->version, p->arch);
}

/* Returns the value of the first of two variables that is set, or NULL. */
static const char *first_variable(const char *first, const char *second)
{
	const char *value = getenv(first);

	return is_empty(value) ? getenv(second) : value;
}

/* Returns "NAME <ADDRESS>" of the maintainer, from the variables that dch(1) reads, else
 * from the user's entry in passwd(5) and the host's name. The caller frees. */
static char *find_maintainer(void)
{
	const char *name = first_variable("DEBFULLNAME", "NAME");
	const char *email = first_variable("DEBEMAIL", "EMAIL");
	struct passwd entry, *found = NULL;
	char buffer[PASSWD_MAX], host[256] = "localhost";
	_cleanup_free_ char *address = NULL, *own = NULL;
	char *whole;

	if (getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found) != 0)
		found = NULL;
	if (is_empty(email)) {
		gethostname(host, sizeof(host) - 1);
		address = xasprintf("%s@%s", found ? found->pw_name : "dkms", host);
	} else {
		address = xstrdup(email);
	}
	if (is_empty(name) && found) {
		own = xstrndup(found->pw_gecos, strcspn(found->pw_gecos, ","));
		name = *own ? own : found->pw_name;
	}
	whole = strchr(address, '<')
			? xstrdup(address)
			: xasprintf("%s <%s>", is_empty(name) ? "dkms" : name, address);
	for (char *c = whole; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return whole;
}

/* Returns the content of the package's file "control"; the caller frees. */
static char *control_fields(const struct job *job, const struct package *p)
{
	_cleanup_free_ char *who = find_maintainer(), *stem = package_stem(job);
	_cleanup_free_ char *base = deb_name(stem),
			    *kernel = deb_name(job->kernel->release);
	struct str s = {0};

	str_addf(&s, "Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: %s\n",
		p->name, p->version, p->arch, who);
	str_addf(&s, "Installed-Size: %llu\n",
		(unsigned long long)(p->bytes + 1023) / 1024);
	if (p->source)
		str_add(&s, "Depends: dkms\n");
	else
		str_addf(&s,
			"Depends: kmod, linux-image-%s | linux-image-%s-unsigned | "
			"linux-image-unsigned-%s\nConflicts: %s-dkms\nProvides: "
			"%s-modules\n",
			kernel, kernel, kernel, base, base);
	str_add(&s, "Section: kernel\nPriority: optional\n");
	if (p->source)
		str_addf(&s,
			"Description: kernel modules of %s, as source for dkms\n"
			" When this package is installed, dkms builds the modules for\n"
			" all installed kernels. It builds them again for each kernel\n"
			" that is installed later.\n",
			job->name);
	else
		str_addf(&s,
			"Description: kernel modules of %s for %s\n"
			" The modules were built by dkms. They fit only the kernel\n"
			" %s.\n",
			job->name, job->kernel->release, job->kernel->release);
	return str_take(&s);
}

/* Writes the scripts that run after the package is installed and before or after it is
 * removed. */
static int write_scripts(
	const struct job *job, const struct package *p, struct error *err)
{
	_cleanup_free_ char *after_install = NULL, *around_removal = NULL,
			    *depmod = package_depmod_line(job);
	int r;

	if (p->source) {
		after_install = xasprintf(
			"#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n"
			"\t/usr/lib/dkms/common.postinst %s %s \"\" \"\" \"$2\"\nfi\n",
			job->name, job->version);
		around_removal = xasprintf(
			"#!/bin/sh\nset -e\ncase $1 in\nremove|upgrade|deconfigure)\n"
			"\t[ -z \"$(dkms status %s/%s)\" ] || dkms remove %s/%s --all\n"
			"\t;;\nesac\n",
			job->name, job->version, job->name, job->version);
	} else {
		after_install = xasprintf(
			"#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n\t%s\nfi\n",
			depmod);
		around_removal = xasprintf(
			"#!/bin/sh\nset -e\nif [ \"$1\" = remove ]; then\n\t%s\nfi\n",
			depmod);
	}
	r = package_write_file(p, "root/DEBIAN/postinst", 0755, after_install, err);
	if (r < 0)
		return r;
	return package_write_file(p,
		p->source ? "root/DEBIAN/prerm" : "root/DEBIAN/postrm", 0755,
		around_removal, err);
}

/* Writes the changelog. By Debian's policy it is called changelog.Debian.gz if the
 * version has a revision, which follows a "-". */
static int write_changelog(
	const struct job *job, const struct package *p, struct error *err)
{
	_cleanup_free_ char *plain = path_join(p->dir, "changelog"),
			    *who = find_maintainer();
	_cleanup_free_ char *packed = xasprintf("%s/usr/share/doc/%s/changelog%s.gz",
		p->root, p->name, strchr(p->version, '-') ? ".Debian" : "");
	_cleanup_free_ char *text = NULL;
	char date[64] = "";
	struct tm tm;
	int r;

	if (gmtime_r(&p->time, &tm))
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	text = xasprintf(
		"%s (%s) unstable; urgency=medium\n\n  * %s/%s, packaged by dkms.\n\n"
		" -- %s  %s\n",
		p->name, p->version, job->name, job->version, who, date);
	r = package_write_file(p, "changelog", 0644, text, err);
	return r == 0 ? compress_file(plain, packed, COMPRESSION_GZIP, "-9", err) : r;
}

static int write_files(const struct job *job, const struct package *p, struct error *err)
{
	_cleanup_free_ char *fields = control_fields(job, p);
	_cleanup_free_ char *path = xasprintf("root/usr/share/doc/%s/copyright", p->name);
	_cleanup_free_ char *terms = xasprintf(
		"dkms made this package from %s/%s. For its copyright and licence see\n"
		"%s, and the output of modinfo(8) for each module.\n",
		job->name, job->version, p->source ? p->source : "its source");
	int r = package_write_file(p, "root/DEBIAN/control", 0644, fields, err);

	if (r == 0)
		r = write_scripts(job, p, err);
	if (r == 0)
		r = package_write_file(p, path, 0644, terms, err);
	return r == 0 ? write_changelog(job, p, err) : r;
}

/* Makes the job's command. The options make the package reproducible: the same files give
 * the same bytes for every user and number of CPUs. */
static void fill_command(struct job *job, const struct package *p)
{
	strv_setenv(&job->ask.command.env, "DPKG_DEB_THREADS_MAX", "1");
	strv_push_all(&job->ask.command.argv,
		(const char *const[]){"dpkg-deb", "--root-owner-group", "-Zxz", "--build",
			"root", p->file, NULL});
}

static char *install_tool_command(enum distro distro)
{
	return distro_install_command(distro, "dpkg");
}

const struct package_format package_deb = {
	"deb", "dpkg-deb", fill_names, write_files, fill_command, install_tool_command};
