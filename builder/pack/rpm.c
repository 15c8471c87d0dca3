/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does rpmbuild(1) need to make a package? */
#include "config.h"

#include <errno.h>

#include "base/walk.h"
#include "builder/host/distro.h"
#include "builder/pack/rpm.h"

static void fill_names(const struct job *job, struct package *p)
{
	_cleanup_free_ char *stem = package_stem(job), *name = NULL;

	name = p->source ? xasprintf("%s-dkms", stem)
			 : xasprintf("kmod-%s-%s", stem, job->kernel->release);
	p->name = package_sanitize(name, "._+-", '_');
	p->version = package_sanitize(job->version, "._+~", '_');
	p->arch = xstrdup(p->source ? "noarch" : job->kernel->arch);
	p->file = xasprintf("%s-%s-1.%s.rpm", p->name, p->version, p->arch);
}

/* Appends the dependency on the kernel's own package. Fedora and RHEL have the name
 * kernel-uname-r for that, with the release as its version; rpm allows no second "-"
 * there. For other kernels it is a file that every kernel package has. */
static void add_kernel_dependency(struct str *s, const struct job *job)
{
	const char *release = job->kernel->release;
	enum distro distro = job->shared->settings->distro;

	if ((distro == DISTRO_FEDORA || distro == DISTRO_RHEL) &&
		strchr(release, '-') == strrchr(release, '-'))
		str_addf(s, "Requires: kernel-uname-r = %s\n", release);
	else
		str_addf(s, "Requires: %s/%s/modules.builtin\n", package_modules_dir(),
			release);
}

static void add_source_parts(struct str *s, const struct job *job)
{
	const char *name = job->name, *version = job->version;

	str_addf(s,
		"Summary: Kernel modules of %s, as source for dkms\n"
		"BuildArch: noarch\n"
		"Requires: dkms\n"
		"Requires(post): dkms\n"
		"Requires(preun): dkms\n\n"
		"%%description\n"
		"When this package is installed, dkms builds the modules for\n"
		"all installed kernels. It builds them again for each kernel\n"
		"that is installed later.\n\n",
		name);
	/* In an upgrade, the script of the new package runs before that of the old one.
	 * If both have the same version, the mark of "dkms add --rpm_safe_upgrade" keeps
	 * the old package's script from removing it: see builder/tree/upgrade-mark.h. */
	str_addf(s,
		"%%post\n"
		"upgrade=\n"
		"[ \"$1\" -le 1 ] || upgrade=yes\n"
		"/usr/lib/dkms/common.postinst %s %s \"\" \"\" \"$upgrade\" || :\n"
		"dkms add %s/%s --rpm_safe_upgrade > /dev/null 2>&1 || :\n\n"
		"%%preun\n"
		"[ -z \"$(dkms status %s/%s)\" ] ||\n"
		"\tdkms remove %s/%s --all --rpm_safe_upgrade || :\n\n",
		name, version, name, version, name, version, name, version);
}

static void add_built_parts(struct str *s, const struct job *job)
{
	_cleanup_free_ char *depmod = package_depmod_line(job), *stem = package_stem(job);
	_cleanup_free_ char *base = package_sanitize(stem, "._+-", '_');

	str_addf(s, "Summary: Kernel modules of %s for %s\nRequires: kmod\n", job->name,
		job->kernel->release);
	add_kernel_dependency(s, job);
	str_addf(s,
		"Provides: kmod-%s\nConflicts: %s-dkms\n\n"
		"%%description\n"
		"The modules were built by dkms. They fit only the kernel %s.\n\n"
		"%%post\n%s\n\n%%postun\n%s\n\n",
		base, base, job->kernel->release, depmod, depmod);
}

/* Whether the path means itself in a spec file, where "%(id)" is a command, and quotes and
 * patterns have a meaning. */
static bool is_plain(const char *path)
{
	_cleanup_free_ char *plain = package_sanitize(path, "/._+~:-,@", ' ');

	return streq(path, plain);
}

/* Appends the paths in the package of all files below root. */
static int add_files(struct str *s, const char *root, struct error *err)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, root, WALK_SORTED);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", root);
	while ((e = walk_next(&w))) {
		if (e->error)
			return error_errno(
				err, e->error, 1, "cannot read %s/%s", root, e->path);
		if (!is_plain(e->path))
			return error_set(err, -EINVAL, 3,
				"/%s cannot be in a package: its name has a meaning "
				"for rpmbuild",
				e->path);
		if (e->type != DT_DIR)
			str_addf(s, "\"/%s\"\n", e->path);
	}
	return 0;
}

static int write_files(const struct job *job, const struct package *p, struct error *err)
{
	_cleanup_(str_done) struct str s = {0};
	int r = 0;

	/* rpmbuild must not change the files, and must not derive dependencies from them.
	 */
	str_addf(&s,
		"%%global __spec_install_post %%{nil}\n"
		"%%global debug_package %%{nil}\n"
		"Name: %s\nVersion: %s\nRelease: 1\nLicense: Unknown\nAutoReqProv: no\n",
		p->name, p->version);
	if (p->source)
		add_source_parts(&s, job);
	else
		add_built_parts(&s, job);
	str_add(&s, "%install\n"
		    "mkdir -p %{buildroot}\n"
		    "cp -a %{_topdir}/root/. %{buildroot}\n\n"
		    "%files\n"
		    "%defattr(-,root,root,-)\n");
	if (p->source)
		str_addf(&s, "%s\n", p->source);
	else
		r = add_files(&s, p->root, err);
	return r == 0 ? package_write_file(p, "package.spec", 0644, s.data, err) : r;
}

/* Makes the job's command. The options make the package reproducible: the same files give
 * the same bytes on every machine. A source may bring objects along. _dbpath names an empty package database, because the
 * packages installed here do not matter, and rpmbuild would create the system's database
 * if it is missing. */
static void fill_command(struct job *job, const struct package *p)
{
	static const char *const places[] = {"_topdir", "_dbpath", "_tmppath", "_rpmdir"};
	struct strv *argv = &job->ask.command.argv;

	strv_push_all(argv, (const char *const[]){"rpmbuild", "-bb", "--quiet",
				    "--target", p->arch, NULL});
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		strv_push(argv, "-D");
		strv_pushf(argv, "%s %s", places[i], p->dir);
	}
	strv_push(argv, "-D");
	strv_pushf(argv, "_rpmfilename %s", p->file);
	strv_push_all(argv,
		(const char *const[]){"-D", "_buildhost localhost", "-D",
			"use_source_date_epoch_as_buildtime 1", "-D",
			"clamp_mtime_to_source_date_epoch 1", "-D",
			"_binaries_in_noarch_packages_terminate_build 0", "package.spec",
			NULL});
}

static char *install_tool_command(enum distro distro)
{
	switch (distro) {
	case DISTRO_DEBIAN:
	case DISTRO_UBUNTU:
		return distro_install_command(distro, "rpm");
	case DISTRO_ARCH:
		return distro_install_command(distro, "rpm-tools");
	default:
		return distro_install_command(distro, "rpm-build");
	}
}

const struct package_format package_rpm = {
	"rpm", "rpmbuild", fill_names, write_files, fill_command, install_tool_command};
