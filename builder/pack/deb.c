/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dpkg-deb(1) want to have of a package? */
#include "config.h"

#include <ctype.h>
#include <pwd.h>
#include <time.h>

#include "base/file.h"
#include "builder/host/distro.h"
#include "builder/module/compress.h"
#include "builder/pack/deb.h"

/* Of a line in a passwd file (bytes). */
#define PASSWD_MAX 4096

/* Names have small letters, digits, + - and dots. Caller frees. */
static char *deb_name(const char *text)
{
	char *name = package_word(text, "+-.", '-');

	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return name;
}

/* A version begins with a digit; what is behind its last "-" is not empty. */
static char *deb_version(const char *version)
{
	_cleanup_free_ char *word = package_word(version, ".+~-", '.');

	while (has_suffix(word, "-"))
		word[strlen(word) - 1] = '\0';
	return xasprintf("%s%s", isdigit((unsigned char)*word) ? "" : "0~", word);
}

static const char *deb_arch(const char *arch)
{
	static const struct {
		const char *kernel, *debian;
	} table[] = {
		{"x86_64", "amd64"},
		{"aarch64", "arm64"},
		{"i386", "i386"},
		{"i486", "i386"},
		{"i586", "i386"},
		{"i686", "i386"},
		{"armv7l", "armhf"},
		{"armv6l", "armel"},
		{"mips64", "mips64el"},
		{"ppc64le", "ppc64el"},
		{"loongarch64", "loong64"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (streq(arch, table[i].kernel))
			return table[i].debian;
	return arch;
}

static void describe(const struct job *job, struct package *p)
{
	_cleanup_free_ char *stem = package_stem(job), *name = NULL;

	name = p->source ? xasprintf("%s-dkms", stem)
			 : xasprintf("%s-modules-%s", stem, job->kernel->release);
	p->name = deb_name(name);
	p->version = deb_version(job->version);
	p->arch = xstrdup(p->source ? "all" : deb_arch(job->kernel->arch));
	p->file = xasprintf("%s_%s_%s.deb", p->name, p->version, p->arch);
}

static const char *variable(const char *first, const char *second)
{
	const char *value = getenv(first);

	return is_empty(value) ? getenv(second) : value;
}

/* "Name <address>", by the variables that Debian's tools know, else by what the system knows
 * of us. Caller frees. */
static char *maintainer(void)
{
	const char *name = variable("DEBFULLNAME", "NAME");
	const char *email = variable("DEBEMAIL", "EMAIL");
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
	whole = strchr(address, '<') ? xstrdup(address)
				     : xasprintf("%s <%s>", is_empty(name) ? "dkms" : name, address);
	for (char *c = whole; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return whole;
}

static char *control(const struct job *job, const struct package *p)
{
	_cleanup_free_ char *who = maintainer(), *stem = package_stem(job);
	_cleanup_free_ char *base = deb_name(stem), *kernel = deb_name(job->kernel->release);
	struct str s = {0};

	str_addf(&s, "Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: %s\n", p->name,
		p->version, p->arch, who);
	str_addf(&s, "Installed-Size: %llu\n", (unsigned long long)(p->bytes + 1023) / 1024);
	if (p->source)
		str_add(&s, "Depends: dkms\n");
	else
		str_addf(&s,
			"Depends: kmod, linux-image-%s | linux-image-%s-unsigned | "
			"linux-image-unsigned-%s\nConflicts: %s-dkms\nProvides: %s-modules\n",
			kernel, kernel, kernel, base, base);
	str_add(&s, "Section: kernel\nPriority: optional\n");
	if (p->source)
		str_addf(&s,
			"Description: kernel modules of %s, as source for dkms\n"
			" dkms builds the modules for the kernels that are installed when this\n"
			" package is, and for each that comes later.\n",
			job->name);
	else
		str_addf(&s,
			"Description: kernel modules of %s for %s\n"
			" The modules were built by dkms, for the kernel %s\n"
			" and no other.\n",
			job->name, job->kernel->release, job->kernel->release);
	return str_take(&s);
}

/* What is done when the package comes and when it goes. */
static int write_scripts(const struct job *job, const struct package *p, struct error *err)
{
	_cleanup_free_ char *came = NULL, *goes = NULL, *depmod = package_depmod(job);
	int r;

	if (p->source) {
		came = xasprintf("#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n"
				 "\t/usr/lib/dkms/common.postinst %s %s \"\" \"\" \"$2\"\nfi\n",
			job->name, job->version);
		goes = xasprintf("#!/bin/sh\nset -e\ncase $1 in\nremove|upgrade|deconfigure)\n"
				 "\t[ -z \"$(dkms status %s/%s)\" ] || dkms remove %s/%s --all\n"
				 "\t;;\nesac\n",
			job->name, job->version, job->name, job->version);
	} else {
		came = xasprintf("#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n\t%s\nfi\n",
			depmod);
		goes = xasprintf("#!/bin/sh\nset -e\nif [ \"$1\" = remove ]; then\n\t%s\nfi\n",
			depmod);
	}
	r = package_put(p, "root/DEBIAN/postinst", 0755, came, err);
	if (r < 0)
		return r;
	return package_put(p, p->source ? "root/DEBIAN/prerm" : "root/DEBIAN/postrm", 0755, goes,
		err);
}

/* A version with a revision is one of Debian's, by the rules for names of changelogs. */
static int write_changelog(const struct job *job, const struct package *p, struct error *err)
{
	_cleanup_free_ char *plain = path_join(p->dir, "changelog"), *who = maintainer();
	_cleanup_free_ char *packed = xasprintf("%s/usr/share/doc/%s/changelog%s.gz", p->root,
		p->name, strchr(p->version, '-') ? ".Debian" : "");
	_cleanup_free_ char *text = NULL;
	char date[64] = "";
	struct tm tm;
	int r;

	if (gmtime_r(&p->time, &tm))
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	text = xasprintf("%s (%s) unstable; urgency=medium\n\n  * %s/%s, packaged by dkms.\n\n"
			 " -- %s  %s\n",
		p->name, p->version, job->name, job->version, who, date);
	r = package_put(p, "changelog", 0644, text, err);
	return r == 0 ? compress_file(plain, packed, COMPRESSION_GZIP, "-9", err) : r;
}

static int write_files(const struct job *job, const struct package *p, struct error *err)
{
	_cleanup_free_ char *fields = control(job, p);
	_cleanup_free_ char *path = xasprintf("root/usr/share/doc/%s/copyright", p->name);
	_cleanup_free_ char *terms = xasprintf(
		"dkms made this package of %s/%s. Who has the copyright and on what terms it may\n"
		"be used is told by %s, and by modinfo(8) of each module.\n",
		job->name, job->version, p->source ? p->source : "its source");
	int r = package_put(p, "root/DEBIAN/control", 0644, fields, err);

	if (r == 0)
		r = write_scripts(job, p, err);
	if (r == 0)
		r = package_put(p, path, 0644, terms, err);
	return r == 0 ? write_changelog(job, p, err) : r;
}

/* The same files give the same package, whatever the system and the number of CPUs. */
static void command(struct job *job, const struct package *p)
{
	strv_setenv(&job->ask.command.env, "DPKG_DEB_THREADS_MAX", "1");
	strv_push_all(&job->ask.command.argv,
		(const char *const[]){"dpkg-deb", "--root-owner-group", "-Zxz", "--build", "root",
			p->file, NULL});
}

static char *remedy(enum distro distro)
{
	return distro_install_command(distro, "dpkg");
}

const struct package_format package_deb = {
	"deb", "dpkg-deb", describe, write_files, command, remedy};
