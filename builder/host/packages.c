/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which packages are installed?
 *
 * dpkg has a stanza for each package in /var/lib/dpkg/status. While it works, it does not
 * write that file anew for each step, but a file in /var/lib/dpkg/updates, whose name is a
 * number of a fixed length, with the stanza of one package, which replaces an earlier
 * one. In the end it writes status and removes the updates. The third word of a Status
 * says how far the package is; in all states but two its files are there, or partly.
 *
 * rpm's database has several formats, which only rpm itself reads. pacman has a directory
 * NAME-VERSION-RELEASE for each package in /var/lib/pacman/local, and apk a paragraph in
 * /lib/apk/db/installed. */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/host/packages.h"
#include "builder/host/rpm.h"

/* A larger file is not read (bytes). Real ones are much smaller. */
#define FILE_MAX (256 * 1024 * 1024)
/* How often dpkg's database is read again because it has changed in the meantime. */
#define DPKG_TRIES 10

#define DPKG_STATUS "/var/lib/dpkg/status"
#define DPKG_UPDATES "/var/lib/dpkg/updates"
#define PACMAN_LOCAL "/var/lib/pacman/local"

static const char *const rpm_databases[] = {"/usr/lib/sysimage/rpm/rpmdb.sqlite",
	"/usr/lib/sysimage/rpm/Packages.db", "/usr/lib/sysimage/rpm/Packages",
	"/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages.db", "/var/lib/rpm/Packages"};
static const char *const apk_databases[] = {
	"/lib/apk/db/installed", "/usr/lib/apk/db/installed"};

const char *const packages_databases[] = {DPKG_STATUS, DPKG_UPDATES, PACMAN_LOCAL,
	"/lib/apk/db/installed", "/usr/lib/apk/db/installed",
	"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
	"/usr/lib/sysimage/rpm/Packages.db", "/usr/lib/sysimage/rpm/Packages",
	"/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite-wal",
	"/var/lib/rpm/Packages.db", "/var/lib/rpm/Packages", NULL};

/* Tells whether a package does not count: those with kernels, modules or dkms are hidden
 * from builds, or other parts of the key cover them. rpm lists keys as gpg-pubkey. */
static bool is_ignored(const char *name)
{
	static const char *const patterns[] = {"linux-image-*", "linux-headers-*",
		"linux-modules-*", "linux-kbuild-*", "linux-binary-*", "linux-base*",
		"linux-perf*", "firmware-*", "*-dkms", "dkms", "kernel", "kernel-*",
		"gpg-pubkey"};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

/* Adds the line of a package to lines. */
static void add_line(
	struct strv *lines, const char *name, const char *arch, const char *version)
{
	if (!is_ignored(name))
		strv_pushf(lines, "package:%s%s%s %s", name, *arch ? ":" : "", arch,
			version);
}

/* dpkg */

/* The fields of a stanza. They point into its text. */
struct stanza {
	const char *name, *version, *arch;
	bool same;    /* several architectures can be installed (Multi-Arch: same) */
	bool present; /* files are installed */
};

/* The stanzas of all packages, with the texts that they point into. */
struct dpkg {
	struct stanza *items;
	size_t n, room;
	struct strv texts;
};

static void dpkg_done(struct dpkg *d)
{
	free(d->items);
	strv_done(&d->texts);
	*d = (struct dpkg){0};
}

/* Whether an update about the package b replaces the stanza a. */
static bool is_replaced(const struct stanza *a, const struct stanza *b)
{
	return streq(a->name, b->name) &&
	       (streq(a->arch, b->arch) || !a->same || !b->same);
}

static void add_stanza(struct dpkg *d, const struct stanza *p, bool is_update)
{
	for (size_t i = d->n; is_update && i-- > 0;)
		if (is_replaced(&d->items[i], p))
			d->items[i] = d->items[--d->n];
	if (d->n == d->room) {
		d->room = d->room ? 2 * d->room : 1024;
		d->items = xrealloc_array(d->items, d->room, sizeof(*d->items));
	}
	d->items[d->n++] = *p;
}

/* Returns the value if the line is that of the field; NULL if not. */
static const char *field_value(const char *line, const char *field)
{
	const char *value = has_prefix(line, field) ? line + strlen(field) : NULL;

	return value ? value + strspn(value, " \t") : NULL;
}

static void parse_line(const char *line, struct stanza *p)
{
	const char *value;

	if ((value = field_value(line, "Package:")))
		p->name = value;
	else if ((value = field_value(line, "Version:")))
		p->version = value;
	else if ((value = field_value(line, "Architecture:")))
		p->arch = value;
	else if ((value = field_value(line, "Multi-Arch:")))
		p->same = streq(value, "same");
	else if ((value = field_value(line, "Status:")))
		p->present = !has_suffix(value, " not-installed") &&
			     !has_suffix(value, " config-files");
}

/* Takes the text of status or of an update. */
static void parse_stanzas(struct dpkg *d, char *text, bool is_update)
{
	const struct stanza none = {NULL, "", "", false, false};
	struct stanza p = none;
	char *line, *rest = text;

	strv_take(&d->texts, text);
	while ((line = strsep(&rest, "\n"))) {
		parse_line(line, &p);
		if (*line && rest)
			continue;
		if (p.name)
			add_stanza(d, &p, is_update);
		p = none;
	}
}

/* Lists the names of the updates in order. */
static void list_updates(const char *dir, struct strv *ret)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++)
		if (names.items[i][strspn(names.items[i], "0123456789")] == '\0')
			strv_push(ret, names.items[i]);
}

/* Describes the state of the database: the file status is replaced, not written, and the
 * name of an update is used again only after that. */
static char *describe_dpkg(const char *status, const char *updates)
{
	_cleanup_(strv_done) struct strv names = {0};
	_cleanup_free_ char *joined = NULL;
	struct stat st = {0};

	list_updates(updates, &names);
	joined = strv_join(&names, " ");
	if (stat(status, &st) < 0)
		return NULL;
	return xasprintf("%llu %lld %lld %s", (unsigned long long)st.st_ino,
		(long long)st.st_size, (long long)timespec_ns(&st.st_ctim), joined);
}

/* Reads the database once. Returns 0 or a negative errno and err. */
static int read_dpkg(
	const char *status, const char *updates, struct dpkg *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	struct str text = {0};
	int r = file_read(status, FILE_MAX, &text, err);

	if (r == 0)
		parse_stanzas(ret, str_take(&text), false);
	list_updates(updates, &names);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		_cleanup_free_ char *path = path_join(updates, names.items[i]);

		r = file_read(path, FILE_MAX, &text, err);
		if (r == 0)
			parse_stanzas(ret, str_take(&text), true);
	}
	str_done(&text);
	return r;
}

/* Returns 1 if the system has dpkg's database, 0 if not, or a negative errno and err. */
static int add_dpkg(const char *root, struct strv *lines, struct error *err)
{
	_cleanup_free_ char *status = xasprintf("%s" DPKG_STATUS, root);
	_cleanup_free_ char *updates = xasprintf("%s" DPKG_UPDATES, root);
	_cleanup_(dpkg_done) struct dpkg d = {0};

	for (int i = 0; i < DPKG_TRIES; i++) {
		_cleanup_free_ char *before = describe_dpkg(status, updates);
		_cleanup_free_ char *after = NULL;
		struct error why = {0};
		int r;

		if (!before)
			return 0;
		dpkg_done(&d);
		r = read_dpkg(status, updates, &d, &why);
		after = describe_dpkg(status, updates);
		if (!after || !streq(before, after)) {
			error_done(&why);
			continue;
		}
		if (r < 0) {
			error_move(err, &why);
			return r;
		}
		for (size_t j = 0; j < d.n; j++)
			if (d.items[j].present)
				add_line(lines, d.items[j].name, d.items[j].arch,
					d.items[j].version);
		return 1;
	}
	return error_set(err, -EAGAIN, 1, "%s keeps changing", status);
}

/* Other package managers */

/* Appends the packages that rpm knows. has_dpkg: they are not those of the system. */
static int add_rpm(
	const char *root, bool has_dpkg, struct strv *lines, struct error *err)
{
	_cleanup_(strv_done) struct strv arguments = {0};
	_cleanup_free_ char *database = NULL;
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(rpm_databases) && !database; i++) {
		database = xasprintf("%s%s", root, rpm_databases[i]);
		if (!path_is_file(database)) {
			free(database);
			database = NULL;
		}
	}
	if (!database)
		return 0;
	strv_push_all(&arguments,
		(const char *const[]){"-qa", "--nosignature", "--nodigest", "--qf",
			"%{NAME} %{ARCH} %{EPOCH}:%{VERSION}-%{RELEASE}\\n", NULL});
	r = rpm_run(root, &arguments, &text);
	if (r == -ENOENT && has_dpkg)
		return 0;
	if (r != 0)
		return error_set(err, r < 0 ? r : -EIO, 1,
			"rpm cannot list the packages in %s", database);
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		const char *name = strsep(&line, " "), *arch = strsep(&line, " ");

		if (arch && line)
			add_line(lines, name, arch, line);
	}
	return 0;
}

static int add_pacman(const char *root, struct strv *lines, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s" PACMAN_LOCAL, root);
	_cleanup_(strv_done) struct strv names = {0};
	int r = dir_list(dir, &names);

	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, 1, "cannot read %s", dir);
	for (size_t i = 0; i < names.n; i++) {
		char *name = names.items[i], *release = strrchr(name, '-'), *version;

		if (!release)
			continue; /* the file ALPM_DB_VERSION */
		*release = '\0';
		version = strrchr(name, '-');
		*release = '-';
		if (!version)
			continue;
		*version = '\0';
		add_line(lines, name, "", version + 1);
	}
	return 0;
}

static int add_apk(const char *path, struct strv *lines, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	const char *name = NULL, *version = "", *arch = "";
	char *line, *rest;
	int r = path_exists(path) ? file_read(path, FILE_MAX, &text, err) : 0;

	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		if (has_prefix(line, "P:"))
			name = line + 2;
		else if (has_prefix(line, "V:"))
			version = line + 2;
		else if (has_prefix(line, "A:"))
			arch = line + 2;
		if (*line && rest)
			continue;
		if (name)
			add_line(lines, name, arch, version);
		name = NULL;
		version = arch = "";
	}
	return r;
}

int packages_list(const char *root, struct str *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv lines = {0};
	int dpkg = add_dpkg(root, &lines, err), r = dpkg < 0 ? dpkg : 0;

	if (r == 0)
		r = add_rpm(root, dpkg > 0, &lines, err);
	if (r == 0)
		r = add_pacman(root, &lines, err);
	for (size_t i = 0; i < ARRAY_SIZE(apk_databases) && r == 0; i++) {
		_cleanup_free_ char *path = xasprintf("%s%s", root, apk_databases[i]);

		r = add_apk(path, &lines, err);
	}
	strv_sort_unique(&lines);
	for (size_t i = 0; i < lines.n && r == 0; i++) {
		str_add(ret, lines.items[i]);
		str_add(ret, "\n");
	}
	return r;
}
