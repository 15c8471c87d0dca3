/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is not as it should be, in the dkms tree, in the directories of kernels and in the cache? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/lock.h"
#include "cache/cache.h"
#include "builder/host/kernel.h"
#include "builder/host/package-owner.h"
#include "builder/host/signer.h"
#include "builder/module/examine.h"
#include "builder/reuse/fleet.h"
#include "builder/tree/file-check.h"
#include "builder/tree/gone-files.h"
#include "builder/tree/kernel-mark.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/stale.h"
#include "scheduler/history.h"
#include "scheduler/remote-link.h"
#include "cli/doctor-find.h"
#include "cli/tree-problem.h"

/* A larger modules.dep is not read (bytes); real ones have less than 2 MiB. */
#define DEP_MAX (64 * 1024 * 1024)

/* What is known of a kernel that has modules. */
struct patient {
	struct kernel *kernel;
	int here; /* path_look() of its directory */
	bool needs_signatures;
	bool has_dep; /* modules.dep is there and in dep */
	struct str dep;
	bool told_dep; /* that modules.dep is old */
};

struct doctor {
	const struct settings *s;
	struct findings *ret;
	const char *place; /* where the distribution has such modules, "/updates/dkms"; or NULL */
	struct tree_list list;
	struct strv installed; /* "RELEASE/MODULE" of each module that is installed, sorted */
	struct patient *patients;
	size_t n_patients;
	bool enforces; /* the running kernel refuses unsigned modules */
	char *running;
};

const char *doctor_fix_words(enum doctor_fix fix)
{
	static const char *const words[] = {
		[FIX_ADD] = "adds it again",
		[FIX_FORGET] = "removes it",
		[FIX_UNBUILD] = "deletes what was built",
		[FIX_REINSTALL] = "installs it again",
		[FIX_REBUILD] = "builds it again",
		[FIX_SIGN] = "signs it",
		[FIX_DEPMOD] = "runs depmod",
		[FIX_FINISH] = "finishes it",
		[FIX_UNLINK] = "removes the link",
		[FIX_CLEAN] = "removes what it left",
		[FIX_CACHE] = "removes it; it is made again when it is needed",
	};

	return words[fix];
}

void doctor_findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct finding *x = &f->items[i];

		free(x->what);
		free(x->remedy);
		free(x->name);
		free(x->version);
		free(x->release);
		free(x->arch);
		free(x->path);
		free(x->stale);
	}
	free(f->items);
	*f = (struct findings){0};
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/* Adds a finding about a version on a kernel, of which any part may be NULL; takes what. */
static struct finding *add(struct doctor *d, const char *kind, enum doctor_fix fix,
	struct version_on_kernel on, char *what)
{
	struct findings *f = d->ret;
	struct finding *x;

	f->items = xrealloc_array(f->items, f->n + 1, sizeof(*f->items));
	x = &f->items[f->n++];
	*x = (struct finding){.kind = kind, .fix = fix, .what = what, .name = copy(on.name),
		.version = copy(on.version), .release = copy(on.release),
		.arch = copy(on.arch)};
	return x;
}

static struct patient *find_patient(struct doctor *d, const char *release, const char *arch)
{
	struct patient *p;

	for (size_t i = 0; i < d->n_patients; i++)
		if (streq(d->patients[i].kernel->release, release) &&
			streq(d->patients[i].kernel->arch, arch))
			return &d->patients[i];
	d->patients = xrealloc_array(d->patients, d->n_patients + 1, sizeof(*d->patients));
	p = &d->patients[d->n_patients++];
	*p = (struct patient){.kernel = kernel_new(d->s, release, arch)};
	p->here = path_look(p->kernel->dir);
	if (p->here > 0) {
		const char *force = kernel_config(p->kernel, "CONFIG_MODULE_SIG_FORCE");
		_cleanup_free_ char *dep = path_join(p->kernel->dir, "modules.dep");

		p->needs_signatures = (force && streq(force, "y")) || d->enforces;
		p->has_dep = file_read(dep, DEP_MAX, &p->dep, NULL) == 0 && p->dep.len;
	}
	return p;
}

static bool file_says(const char *path, const char *word)
{
	_cleanup_(str_done) struct str text = {0};

	return file_read(path, 256, &text, NULL) == 0 && text.len && strstr(text.data, word);
}

/* Checks of single versions on kernels */

static void check_gone_kernel(struct doctor *d, const struct tree_entry *e)
{
	const struct version_on_kernel on = tree_entry_on_kernel(e);
	bool foreign = tree_is_from_archive(d->s->trees.dkms, on);
	struct finding *x = add(d, "gone", foreign ? FIX_NONE : FIX_UNBUILD, on,
		xasprintf("%s/%s is built for %s, which is not installed", e->name, e->version,
			e->release));

	if (foreign)
		x->remedy = xasprintf("it came with an archive; if it is not needed: dkms unbuild "
				      "%s/%s -k %s",
			e->name, e->version, e->release);
}

static void check_signature(struct doctor *d, const struct tree_entry *e, struct patient *p,
	const char *path, const char *file)
{
	const struct version_on_kernel on = tree_entry_on_kernel(e);
	bool foreign;
	const char *unwanted;
	struct finding *x;

	if (!p->needs_signatures)
		return;
	d->ret->n_checks++;
	if (examine_may_be_signed(path))
		return;
	/* A signature would say that what somebody else has built is trusted. */
	foreign = tree_is_from_archive(d->s->trees.dkms, on);
	unwanted = signer_unwanted_reason(d->s, p->kernel, "/proc");
	x = add(d, "unsigned", foreign || unwanted ? FIX_NONE : FIX_SIGN, on,
		xasprintf("%s of %s/%s has no signature, and %s takes no module without one",
			file, e->name, e->version, e->release));
	x->remedy = foreign && !unwanted
			    ? xasprintf("it came with an archive; if you trust it: dkms sign "
					"%s/%s -k %s",
				      e->name, e->version, e->release)
			    : copy(unwanted);
}

/* Whether depmod(8) knows the file, which somebody may have compressed or decompressed since. */
static bool is_in_dep(const struct patient *p, const char *file)
{
	const char *suffix = compression_suffix(compression_of_file(file));
	bool found = false;

	for (enum compression c = COMPRESSION_NONE; c < N_COMPRESSIONS && !found; c++) {
		_cleanup_free_ char *in_dir = xasprintf("/%.*s%s:",
			(int)(strlen(file) - strlen(suffix)), file, compression_suffix(c));

		found = strstr(p->dep.data, in_dir) || has_prefix(p->dep.data, in_dir + 1);
	}
	return found;
}

/* Looks at the files of what is installed. */
static void check_files(struct doctor *d, const struct tree_entry *e, struct patient *p)
{
	const struct version_on_kernel on = tree_entry_on_kernel(e);
	_cleanup_free_ char *dir = tree_module_dir(d->s->trees.dkms, on);
	_cleanup_(strv_done) struct strv files = {0};

	dir_list(dir, &files);
	for (size_t i = 0; i < files.n; i++) {
		_cleanup_free_ char *name = module_name_of_file(files.items[i]);
		_cleanup_free_ char *path = path_join(dir, files.items[i]);

		if (!name)
			continue;
		check_signature(d, e, p, path, files.items[i]);
		if (!p->has_dep || p->told_dep)
			continue;
		d->ret->n_checks++;
		if (is_in_dep(p, files.items[i]))
			continue;
		add(d, "depmod", FIX_DEPMOD, version_on_kernel(NULL, NULL, on.release, on.arch),
			xasprintf("modules.dep of %s does not know %s, so modprobe does not find it",
				e->release, files.items[i]));
		p->told_dep = true;
	}
}

static void check_content(struct doctor *d, struct stale_check *check,
	const struct tree_entry *e, enum file_check content, struct patient *p)
{
	const struct version_on_kernel on = tree_entry_on_kernel(e);
	bool installed = e->state == STATE_INSTALLED;
	const char *stale;
	struct finding *x;

	d->ret->n_checks += 2;
	if (content == FILE_CHECK_MISSING) {
		x = add(d, "missing", FIX_REBUILD, on,
			xasprintf("a module of %s/%s for %s is missing in the dkms tree", e->name,
				e->version, e->release));
		x->installed = installed;
		return;
	}
	if (installed && gone_files_exist(d->s, on)) {
		add(d, "missing", FIX_REINSTALL, on,
			xasprintf("files of %s/%s are gone from the directory of %s", e->name,
				e->version, e->release));
		return;
	}
	if (content == FILE_CHECK_DIFFERS) {
		x = add(d, "differs", FIX_NONE, on,
			xasprintf("a module of %s/%s on %s is not the one that was built", e->name,
				e->version, e->release));
		x->remedy = xasprintf("to replace it: dkms install %s/%s -k %s --force", e->name,
			e->version, e->release);
	}
	stale = stale_find(check, on);
	if (stale) {
		x = add(d, "stale", FIX_REBUILD, on,
			xasprintf("%s/%s for %s: %s", e->name, e->version, e->release, stale));
		x->stale = xstrdup(stale);
		x->installed = installed;
	}
	if (installed)
		check_files(d, e, p);
}

static void check_entry(struct doctor *d, struct stale_check *check,
	const struct tree_entry *e, enum file_check content)
{
	struct tree_problem problem;
	struct patient *p;

	d->ret->n_checks++;
	if (tree_problem_is(e)) {
		struct finding *x;

		tree_problem_find(d->s, e, &problem);
		x = add(d, e->state == STATE_LEFTOVER ? "leftover" : "broken",
			e->state == STATE_LEFTOVER ? FIX_FORGET
			: problem.adds		   ? FIX_ADD
						   : FIX_NONE,
			version_on_kernel(e->name, e->version, NULL, NULL),
			xasprintf("%s/%s: %s", e->name, e->version, problem.what));
		if (x->fix == FIX_NONE)
			x->remedy = copy(problem.remedy);
		tree_problem_done(&problem);
		return;
	}
	if (e->state != STATE_BUILT && e->state != STATE_INSTALLED)
		return;
	p = find_patient(d, e->release, e->arch);
	/* The install tree may be on a disk that is not mounted. */
	if (p->here == 0 && !streq(e->release, d->running) && path_is_dir(d->s->trees.install))
		check_gone_kernel(d, e);
	else if (p->here > 0)
		check_content(d, check, e, content, p);
}

static void check_entries(struct doctor *d)
{
	_cleanup_(stale_check_done) struct stale_check check = {.settings = d->s};
	_cleanup_free_ enum file_check *checks = file_check_entries(d->s, &d->list);

	for (size_t i = 0; i < d->list.n; i++)
		if (i == 0 || !tree_problem_is(&d->list.entries[i]) ||
			!streq(d->list.entries[i - 1].name, d->list.entries[i].name) ||
			!streq(d->list.entries[i - 1].version, d->list.entries[i].version))
			check_entry(d, &check, &d->list.entries[i], checks[i]);
}

/* Checks of directories */

/* Notes the modules of what such a link says is installed, whatever has become of the source. */
static void list_installed(struct doctor *d, const char *link, const char *target)
{
	_cleanup_free_ char *dir = path_join(link, "module");
	_cleanup_free_ char *built = path_parent(target); /* VERSION/RELEASE */
	_cleanup_(strv_done) struct strv files = {0};

	dir_list(dir, &files);
	for (size_t i = 0; i < files.n; i++) {
		_cleanup_free_ char *name = module_name_of_file(files.items[i]);

		if (name)
			strv_pushf(&d->installed, "%s/%s", path_base(built), name);
	}
}

/* Looks at the links of a module that say what is installed: do they lead nowhere? */
static void check_links(struct doctor *d, const char *name)
{
	_cleanup_free_ char *dir = path_join(d->s->trees.dkms, name);
	_cleanup_(strv_done) struct strv entries = {0};

	dir_list(dir, &entries);
	for (size_t i = 0; i < entries.n; i++) {
		_cleanup_free_ char *path = path_join(dir, entries.items[i]);
		_cleanup_free_ char *target = NULL, *to = NULL;

		if (!has_prefix(entries.items[i], TREE_LINK_PREFIX) || link_read(path, &target) < 0)
			continue;
		d->ret->n_checks++;
		to = path_beside(path, target);
		if (path_look(*target == '/' ? target : to) != 0) {
			list_installed(d, path, target);
			continue;
		}
		add(d, "link", FIX_UNLINK, version_on_kernel(name, NULL, NULL, NULL),
			xasprintf("%s says that %s is installed, which does not exist", path,
				target))
			->path = xstrdup(path);
	}
}

/* Judges the file of a module in the distribution's directory for modules of packages such as
 * ours. Somebody may have compressed it, so its name counts without the suffix. */
static void check_place_file(struct doctor *d, const char *release, const char *path,
	const char *name, struct strv *unknown)
{
	_cleanup_free_ char *key = xasprintf("%s/%s", release, name);
	_cleanup_free_ char *target = NULL;

	d->ret->n_checks++;
	if (link_read(path, &target) == 0 && path_look(target) == 0 &&
		path_is_below(target, d->s->trees.dkms)) {
		_cleanup_free_ char *arch = kernel_running_arch();

		add(d, "link", FIX_UNLINK, version_on_kernel(NULL, NULL, release, arch),
			xasprintf("%s leads to %s, which does not exist", path, target))
			->path = xstrdup(path);
		return;
	}
	if (strv_find_sorted(&d->installed, key) == d->installed.n)
		strv_push(unknown, path);
}

/* Looks for files of modules that are neither installed by the dkms tree nor of a package. */
static void check_places(struct doctor *d)
{
	_cleanup_(strv_done) struct strv kernels = {0}, unknown = {0};
	char **owners;

	if (!d->place)
		return;
	dir_list(d->s->trees.install, &kernels);
	for (size_t k = 0; k < kernels.n; k++) {
		_cleanup_free_ char *dir = xasprintf(
			"%s/%s%s", d->s->trees.install, kernels.items[k], d->place);
		_cleanup_(strv_done) struct strv files = {0};
		_cleanup_free_ char *release = kernel_real_release(d->s, kernels.items[k]);

		if (!streq(release, kernels.items[k])) /* a link to another kernel */
			continue;
		dir_list(dir, &files);
		for (size_t i = 0; i < files.n; i++) {
			_cleanup_free_ char *name = module_name_of_file(files.items[i]);
			_cleanup_free_ char *path = path_join(dir, files.items[i]);

			if (name)
				check_place_file(d, release, path, name, &unknown);
		}
	}
	owners = xcalloc(unknown.n + 1, sizeof(char *));
	if (unknown.n)
		package_owners("", &unknown, owners);
	for (size_t i = 0; i < unknown.n; i++) {
		struct finding *x;

		if (owners[i]) {
			free(owners[i]);
			continue;
		}
		x = add(d, "unknown", FIX_NONE, version_on_kernel(NULL, NULL, NULL, NULL),
			xasprintf("neither the dkms tree nor a package knows %s",
				unknown.items[i]));
		x->path = xstrdup(unknown.items[i]);
		x->remedy = xstrdup("if you do not need it, remove it, and run depmod");
	}
	free(owners);
}

static int check_marks(struct doctor *d, struct error *err)
{
	_cleanup_(strv_done) struct strv marked = {0};
	_cleanup_free_ char *arch = kernel_running_arch();
	int r = kernel_mark_list(d->s->trees.dkms, &marked);

	for (size_t i = 0; i < marked.n; i++) {
		enum kernel_mark_state state =
			kernel_mark_read(d->s->trees.dkms, marked.items[i]);

		d->ret->n_checks++;
		if (state != KERNEL_FINISHED)
			add(d, "half-done", state == KERNEL_UNFINISHED ? FIX_FINISH : FIX_DEPMOD,
				version_on_kernel(NULL, NULL, marked.items[i], arch),
				state == KERNEL_UNFINISHED
					? xasprintf("a dkms was stopped while it changed %s",
						  marked.items[i])
					: xasprintf("depmod has failed for %s", marked.items[i]));
	}
	return r < 0 ? error_errno(err, r, 1, "cannot read %s", d->s->trees.dkms) : 0;
}

static void check_left(struct doctor *d)
{
	const char *tree = d->s->trees.dkms;

	d->ret->n_checks += 2;
	if (leftovers_exist(tree))
		add(d, "half-done", FIX_CLEAN, version_on_kernel(NULL, NULL, NULL, NULL),
			xasprintf("a dkms was killed while it built, and has left files in %s", tree));
	else if (lock_has_leftovers(tree))
		add(d, "lock", FIX_CLEAN, version_on_kernel(NULL, NULL, NULL, NULL),
			xasprintf("%s/.locks has locks of processes that are gone", tree));
}

/* Does what dkms cache verify does and, unless fix, removes nothing. */
static int check_cache(struct doctor *d, bool fix, struct error *err)
{
	_cleanup_(strv_done) struct strv files = {0}, what = {0};
	const char *dir = d->s->cache.dir;
	struct store_usage usage;
	struct cache *cache;
	size_t others = 0;
	int r;

	if (d->s->cache.disabled || is_empty(dir) || path_look(dir) == 0)
		return 0;
	cache = cache_open(dir, 0, err);
	if (!cache)
		return -EIO;
	if (!fix)
		damage_keep_files(store_damage(cache_store(cache)));
	r = cache_verify(cache, &usage, &others);
	if (r < 0)
		error_errno(err, r, 1, "cannot verify the cache %s", dir);
	d->ret->n_checks += r < 0 ? 0 : usage.entries + usage.objects + others;
	damage_list(store_damage(cache_store(cache)), &files, &what);
	for (size_t i = 0; i < files.n; i++)
		add(d, "cache", FIX_CACHE, version_on_kernel(NULL, NULL, NULL, NULL),
			xasprintf("%s %s", files.items[i], what.items[i]))
			->path = xstrdup(files.items[i]);
	cache_close(cache);
	return r;
}

/* Finds settings with which a remote cache is of no use. */
static void check_remote(struct doctor *d)
{
	const struct version_on_kernel none = version_on_kernel(NULL, NULL, NULL, NULL);
	_cleanup_(error_done) struct error err = {0};
	const struct settings *s = d->s;
	struct fleet fleet = {0};
	int r;

	if (is_empty(s->remote.urls) || s->remote.disabled)
		return;
	d->ret->n_checks++;
	r = fleet_read_keys(s, &fleet, &err);
	if (r == 0)
		r = remote_link_check(s, &err);
	if (r < 0)
		add(d, "remote", FIX_NONE, none, xasprintf("the remote cache: %s", err.what))
			->remedy = copy(err.remedy);
	else if (!fleet.n_keys && !fleet.sign)
		add(d, "remote", FIX_NONE, none,
			xasprintf("the remote cache is not used: there is no public key in %s",
				s->remote.keys))
			->remedy = xstrdup("copy the public keys of those who build there; see "
					   "dkms-remote(7)");
	else if (fleet.n_keys && fleet.n_keys < s->remote.require)
		add(d, "remote", FIX_NONE, none,
			xasprintf("remote_require=%u, but only %zu public key%s in %s, so that "
				  "nothing is believed",
				s->remote.require, fleet.n_keys,
				fleet.n_keys == 1 ? " is" : "s are", s->remote.keys));
	fleet_done(&fleet);
}

int doctor_find(const struct settings *s, bool fix, struct findings *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	struct doctor d = {.s = s, .ret = ret, .running = kernel_running_release()};
	int r = tree_read(s->trees.dkms, s->trees.source, NULL, &d.list, err);

	d.place = is_empty(s->addon_modules_dir) ? distro_module_dir(s->distro)
						 : s->addon_modules_dir;
	d.enforces = file_says("/sys/module/module/parameters/sig_enforce", "Y") ||
		     file_says("/sys/kernel/security/lockdown", "[integrity]") ||
		     file_says("/sys/kernel/security/lockdown", "[confidentiality]");
	if (r == 0) {
		check_entries(&d);
		tree_list_modules(s->trees.dkms, &names);
		for (size_t i = 0; i < names.n; i++)
			check_links(&d, names.items[i]);
		strv_sort_unique(&d.installed);
		check_places(&d);
		check_left(&d);
		check_remote(&d);
		r = check_marks(&d, err);
	}
	if (r == 0)
		r = check_cache(&d, fix, err);
	for (size_t i = 0; i < d.n_patients; i++) {
		kernel_free(d.patients[i].kernel);
		str_done(&d.patients[i].dep);
	}
	free(d.patients);
	free(d.running);
	strv_done(&d.installed);
	tree_list_done(&d.list);
	return r;
}
