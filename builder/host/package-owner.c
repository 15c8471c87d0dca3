/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which package does a file belong to?
 *
 * dpkg(1) has three kinds of files below /var/lib/dpkg, which dpkg-query(1) -S reads as
 * well:
 *
 *   info/NAME.list, info/NAME:ARCHITECTURE.list   the paths of a package's files, one a
 *                                                 line; the second kind is for packages
 *                                                 of which several architectures can be
 *                                                 installed at once (Multi-Arch: same)
 *   status       a stanza for each package, with its version and architecture
 *   diversions   three lines for each diverted path: the path, the path to which the
 *                file of all other packages is moved, and the package whose own file
 *                stays at the path; ":" if there is no such package */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/host/package-owner.h"
#include "builder/host/rpm.h"

/* Larger files are not read (bytes). Real ones are much smaller. */
#define FILE_MAX (256 * 1024 * 1024)
/* The number of paths that one rpm is asked about. */
#define RPM_PATHS 500

/* A path that is searched for in the lists of packages. */
struct wanted {
	char *path;    /* as unmerge() returns it */
	char *only_by; /* only the file of this package counts; NULL: of any */
	char *not_by;  /* only files of other packages count; NULL: of any */
	char *owner;   /* the package that was found: "NAME" or "NAME:ARCH"; or NULL */
	size_t number; /* of the path that the caller asks for */
};

struct search {
	const char *root;
	struct wanted *items; /* sorted by path */
	size_t n;
	bool merged[8]; /* for each of usr_dirs: it is a link to the one in /usr */
	/* A bit for each value of hash_tail(): a wanted path has it. Nearly all lines of
	 * the lists are of other paths, and need not be compared. */
	unsigned char tails[1 << 13];
};

/* Returns a number below 2^16 that depends on the last bytes of a path of n bytes. These
 * are as many as unmerge() always leaves. */
static unsigned int hash_tail(const char *path, size_t n)
{
	const size_t used = strlen("/bin/x");
	uint32_t x = 0;

	for (size_t i = n < used ? 0 : n - used; i < n; i++)
		x = x * 31 + (unsigned char)path[i];
	return (x ^ x >> 16) & 0xffff;
}

static const char *const usr_dirs[] = {
	"bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"};

/* Finds out which directories in / are links into /usr. */
static void find_merged(struct search *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(usr_dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", s->root, usr_dirs[i]);
		struct stat st;

		s->merged[i] = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
	}
}

/* Returns the part of path after "/usr" if it is in a directory that is the same without
 * "/usr", and path itself otherwise. */
static const char *unmerge(const struct search *s, const char *path)
{
	const char *rest;

	if (!has_prefix(path, "/usr/"))
		return path;
	rest = path + strlen("/usr");
	for (size_t i = 0; i < ARRAY_SIZE(usr_dirs); i++) {
		size_t n = strlen(usr_dirs[i]);

		if (s->merged[i] && has_prefix(rest + 1, usr_dirs[i]) &&
			rest[n + 1] == '/')
			return rest;
	}
	return path;
}

static int compare_wanted(const void *a, const void *b)
{
	return strcmp(
		((const struct wanted *)a)->path, ((const struct wanted *)b)->path);
}

/* Returns whether owner, "NAME" or "NAME:ARCH", is the package name. */
static bool is_package(const char *owner, const char *name)
{
	size_t n = strcspn(owner, ":");

	return strlen(name) == n && strncmp(owner, name, n) == 0;
}

/* Changes the search for paths that are diverted, or that others are diverted to. */
static void apply_diversions(struct search *s)
{
	_cleanup_free_ char *path = xasprintf("%s/var/lib/dpkg/diversions", s->root);
	_cleanup_(str_done) struct str text = {0};
	char *from, *to, *by, *rest;

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return;
	rest = text.data;
	while ((from = strsep(&rest, "\n")) && (to = strsep(&rest, "\n")) &&
		(by = strsep(&rest, "\n"))) {
		from = (char *)unmerge(s, from);
		to = (char *)unmerge(s, to);
		for (size_t i = 0; i < s->n; i++) {
			struct wanted *w = &s->items[i];

			if (w->only_by || w->not_by)
				continue;
			if (streq(w->path, from)) {
				w->only_by = xstrdup(by);
			} else if (streq(w->path, to)) {
				str_replace(&w->path, from);
				w->not_by = xstrdup(by);
			}
		}
	}
}

/* Notes the package as the owner of all wanted paths that are equal to path. */
static void find_line(struct search *s, const char *path, const char *package)
{
	struct wanted key = {.path = (char *)unmerge(s, path)};
	struct wanted *w = bsearch(&key, s->items, s->n, sizeof(key), compare_wanted);

	if (!w)
		return;
	while (w > s->items && streq(w[-1].path, key.path))
		w--;
	for (; w < s->items + s->n && streq(w->path, key.path); w++)
		if (!w->owner && (!w->only_by || is_package(package, w->only_by)) &&
			(!w->not_by || !is_package(package, w->not_by)))
			w->owner = xstrdup(package);
}

static void search_lists(struct search *s)
{
	_cleanup_free_ char *dir = xasprintf("%s/var/lib/dpkg/info", s->root);
	_cleanup_(strv_done) struct strv names = {0};

	if (dir_list(dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);
		_cleanup_(str_done) struct str text = {0};
		char *line, *rest;

		if (!has_suffix(names.items[i], ".list") ||
			file_read(path, FILE_MAX, &text, NULL) < 0)
			continue;
		names.items[i][strlen(names.items[i]) - strlen(".list")] = '\0';
		for (line = text.data; line && line < text.data + text.len; line = rest) {
			size_t n = strcspn(line, "\n");
			unsigned int tail = hash_tail(line, n);

			rest = line + n + 1;
			line[n] = '\0';
			if (s->tails[tail / 8] >> tail % 8 & 1)
				find_line(s, line, names.items[i]);
		}
	}
}

/* The fields of a stanza of the status file; they point into its text. */
struct stanza {
	const char *name, *version, *arch, *status;
};

/* Sets ret[i] for all paths i that belong to the package of the stanza. */
static void use_stanza(const struct search *s, const struct stanza *p, char **ret)
{
	if (!p->name || !p->version || !p->arch || !p->status ||
		has_suffix(p->status, " config-files") ||
		has_suffix(p->status, " not-installed"))
		return;
	for (size_t i = 0; i < s->n; i++) {
		const struct wanted *w = &s->items[i];
		const char *colon = w->owner ? strchr(w->owner, ':') : NULL;

		if (w->owner && !ret[w->number] && is_package(w->owner, p->name) &&
			(!colon || streq(colon + 1, p->arch)))
			ret[w->number] =
				xasprintf("%s %s %s", p->name, p->version, p->arch);
	}
}

static void read_status(const struct search *s, const char *path, char **ret)
{
	_cleanup_(str_done) struct str text = {0};
	struct stanza p = {0};
	char *line, *rest;

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return;
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		if (has_prefix(line, "Package: "))
			p.name = line + strlen("Package: ");
		else if (has_prefix(line, "Version: "))
			p.version = line + strlen("Version: ");
		else if (has_prefix(line, "Architecture: "))
			p.arch = line + strlen("Architecture: ");
		else if (has_prefix(line, "Status: "))
			p.status = line + strlen("Status: ");
		if (*line && rest)
			continue;
		use_stanza(s, &p, ret);
		p = (struct stanza){0};
	}
}

static void ask_dpkg(
	const char *root, const char *status, const struct strv *paths, char **ret)
{
	struct search s = {.root = root, .n = paths->n};

	s.items = xcalloc(s.n, sizeof(*s.items));
	find_merged(&s);
	for (size_t i = 0; i < s.n; i++)
		s.items[i] = (struct wanted){
			.path = xstrdup(unmerge(&s, paths->items[i])), .number = i};
	apply_diversions(&s);
	qsort(s.items, s.n, sizeof(*s.items), compare_wanted);
	for (size_t i = 0; i < s.n; i++) {
		unsigned int tail = hash_tail(s.items[i].path, strlen(s.items[i].path));

		s.tails[tail / 8] |= (unsigned char)(1u << tail % 8);
	}
	search_lists(&s);
	read_status(&s, status, ret);
	for (size_t i = 0; i < s.n; i++) {
		free(s.items[i].path);
		free(s.items[i].only_by);
		free(s.items[i].not_by);
		free(s.items[i].owner);
	}
	free(s.items);
}

/* rpm */

/* A path that exists and belongs to no package. */
#define RPM_SEPARATOR "/proc/self/stat"

/* Runs rpm for the paths from first to end, each followed by RPM_SEPARATOR, so that rpm's
 * line about that one ends the lines about the path: there is none if the file is
 * missing, one if it belongs to no package, and one for each package that has it. Appends
 * what rpm prints. */
static void run_rpm(const char *root, const struct strv *paths, size_t first, size_t end,
	struct str *ret)
{
	_cleanup_(strv_done) struct strv arguments = {0};

	strv_push_all(&arguments,
		(const char *const[]){"-qf", "--qf",
			"%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\\n", NULL});
	for (size_t i = first; i < end; i++) {
		strv_push(&arguments, paths->items[i]);
		strv_push(&arguments, RPM_SEPARATOR);
	}
	rpm_run(root, &arguments, ret);
}

static void ask_rpm(const char *root, const struct strv *paths, char **ret)
{
	for (size_t first = 0; first < paths->n; first += RPM_PATHS) {
		size_t at = first, end = first + RPM_PATHS;
		_cleanup_(str_done) struct str out = {0};
		char *line, *rest;

		end = end < paths->n ? end : paths->n;
		run_rpm(root, paths, first, end, &out);
		rest = out.data;
		while (at < end && (line = strsep(&rest, "\n")) && rest) {
			if (has_prefix(line, "file " RPM_SEPARATOR " "))
				at++;
			else if (!has_prefix(line, "file ") && !ret[at])
				ret[at] = xstrdup(line);
		}
	}
}

void package_owners(const char *root, const struct strv *paths, char **ret)
{
	_cleanup_free_ char *status = xasprintf("%s/var/lib/dpkg/status", root);
	static const char *const databases[] = {"/usr/lib/sysimage/rpm", "/var/lib/rpm"};

	memset(ret, 0, paths->n * sizeof(*ret));
	if (!paths->n)
		return;
	if (path_is_file(status)) {
		ask_dpkg(root, status, paths, ret);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		_cleanup_free_ char *dir = xasprintf("%s%s", root, databases[i]);

		if (path_is_dir(dir)) {
			ask_rpm(root, paths, ret);
			return;
		}
	}
}

char *package_of_file(const char *path)
{
	_cleanup_(strv_done) struct strv paths = {0};
	char *real = realpath(path, NULL), *ret;

	strv_take(&paths, real ? real : xstrdup(path));
	package_owners("", &paths, &ret);
	return ret;
}
