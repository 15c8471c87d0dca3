/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is installed of a module, from what was it built, and is that still so? */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/build/logged-builds.h"
#include "builder/host/kernel.h"
#include "builder/host/package-owner.h"
#include "builder/host/skip-list.h"
#include "builder/module/modprobe-path.h"
#include "builder/tree/build-inputs.h"
#include "builder/tree/signers.h"
#include "builder/tree/stale.h"
#include "cli/command-row.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/run-history.h"
#include "cli/why.h"

#define SCHEMA "dkms-why-1"

/* A module file of what is built. */
struct module_answer {
	char *file, *name; /* "evdi.ko.xz", "evdi" */
	char *modprobe;    /* the path of the file that modprobe(8) takes, or NULL */
	bool is_ours, loaded;
};

/* What is known of a version on a kernel. */
struct answer {
	const struct tree_entry *entry;
	bool running, differs, from_archive;
	int64_t built_s; /* 0: not known */
	char *source, *compiler, *signers; /* or NULL */
	const char *stale;
	const json_t *run; /* the last one of the history that has changed it, or NULL */
	struct module_answer *modules;
	size_t n_modules;
};

static void answer_done(struct answer *a)
{
	for (size_t i = 0; i < a->n_modules; i++) {
		free(a->modules[i].file);
		free(a->modules[i].name);
		free(a->modules[i].modprobe);
	}
	free(a->modules);
	free(a->source);
	free(a->compiler);
	free(a->signers);
}

/* Returns the compiler's path and its package, if that is known; the caller frees. */
static char *describe_compiler(const char *version_dir, struct version_on_kernel on)
{
	struct build_inputs in = {0};
	char *package, *text = NULL;

	if (!build_inputs_read(version_dir, on, &in) || !in.compiler_path) {
		build_inputs_done(&in);
		return NULL;
	}
	package = package_of_file(in.compiler_path);
	text = package ? xasprintf("%s (now %s)", in.compiler_path, package)
		       : xstrdup(in.compiler_path);
	free(package);
	build_inputs_done(&in);
	return text;
}

static int find_module(const struct settings *s, const struct answer *a, const char *dir,
	const char *file, struct module_answer *ret, struct error *err)
{
	_cleanup_free_ char *kernel = path_join(s->trees.install, a->entry->release);
	_cleanup_free_ char *sys = xasprintf("/sys/module/%s", ret->name);
	_cleanup_free_ char *built = path_join(dir, file);

	ret->loaded = a->running && path_is_dir(sys);
	if (a->entry->state != STATE_INSTALLED || !path_is_dir(kernel))
		return 0;
	if (modprobe_path(kernel, ret->name, &ret->modprobe, err) < 0)
		return -EIO;
	ret->is_ours = ret->modprobe && streq(path_base(ret->modprobe), file) &&
		       file_same_bytes(ret->modprobe, built) == 1;
	return 0;
}

static int find_answer(const struct settings *s, struct stale_check *check,
	const struct tree_entry *e, struct answer *ret, struct error *err)
{
	const struct version_on_kernel on = tree_entry_on_kernel(e);
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_free_ char *version_dir = tree_version_dir(s->trees.dkms, e->name, e->version);
	_cleanup_free_ char *link = path_join(version_dir, "source");
	_cleanup_free_ char *built = tree_built_dir(s->trees.dkms, on);
	_cleanup_free_ char *dir = tree_module_dir(s->trees.dkms, on);
	_cleanup_free_ char *log = path_join(built, "log/make.log");
	_cleanup_(strv_done) struct strv files = {0};
	struct stat st;
	int r = 0;

	*ret = (struct answer){.entry = e, .running = streq(running, e->release),
		.stale = stale_find(check, on), .from_archive = tree_is_from_archive(s->trees.dkms, on),
		.compiler = describe_compiler(version_dir, on),
		.signers = signers_read(s->trees.dkms, on)};
	link_read(link, &ret->source);
	if (stat(log, &st) == 0)
		ret->built_s = st.st_mtime;
	dir_list(dir, &files);
	ret->modules = xcalloc(files.n + 1, sizeof(*ret->modules));
	for (size_t i = 0; i < files.n && r == 0; i++) {
		struct module_answer *m = &ret->modules[ret->n_modules];

		m->name = module_name_of_file(files.items[i]);
		if (!m->name)
			continue;
		m->file = xstrdup(files.items[i]);
		ret->n_modules++;
		r = find_module(s, ret, dir, files.items[i], m, err);
	}
	return r;
}

static void print_answer(const struct answer *a)
{
	const struct tree_entry *e = a->entry;
	_cleanup_free_ char *when = a->built_s ? format_minute(a->built_s) : NULL;

	print_masked(stdout, "%s/%s for %s%s: %s%s%s%s\n", e->name, e->version, e->release,
		a->running ? " (running)" : "", tree_state_name(e->state),
		a->from_archive ? ", from an archive" : "",
		when ? ", built on " : "", when ? when : "");
	if (a->source)
		print_masked(stdout, "  source         %s\n", a->source);
	if (a->compiler)
		print_masked(stdout, "  compiler       %s\n", a->compiler);
	if (a->signers)
		print_masked(stdout, "  from the fleet, signed by %s\n", a->signers);
	if (a->run) {
		_cleanup_free_ char *run = run_history_words(a->run);

		print_masked(stdout, "  last change    %s\n", run);
	}
	if (a->stale)
		print_masked(stdout, "  changed since  %s: dkms install %s/%s -k %s --force\n",
			a->stale, e->name, e->version, e->release);
	for (size_t i = 0; i < a->n_modules && e->state == STATE_INSTALLED; i++) {
		const struct module_answer *m = &a->modules[i];

		print_masked(stdout, "  %-13s  %s%s%s\n", m->name,
			m->is_ours    ? "modprobe takes this one"
			: m->modprobe ? "modprobe takes another file: "
				      : "modprobe does not find it: depmod has not seen it",
			m->is_ours || !m->modprobe ? "" : m->modprobe,
			m->loaded      ? ", loaded"
			: a->running ? ", not loaded"
				       : "");
	}
}

/* Returns what is said of a run of the history, without what it did to other modules. */
static json_t *describe_run(const json_t *run)
{
	static const char *const keys[] = {"when", "line", "by", "status"};
	json_t *j;

	if (!run)
		return json_null();
	j = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_object_set(j, keys[i], json_object_get(run, keys[i]));
	return j;
}

static json_t *answer_json(const struct answer *a)
{
	const struct tree_entry *e = a->entry;
	json_t *j = json_object(), *list = json_array();

	json_object_set_new(j, "module", json_text(e->name));
	json_object_set_new(j, "version", json_text(e->version));
	json_object_set_new(j, "kernel", json_text(e->release));
	json_object_set_new(j, "arch", json_text(e->arch));
	json_object_set_new(j, "state", json_text(tree_state_name(e->state)));
	json_object_set_new(j, "running", json_boolean(a->running));
	json_object_set_new(j, "from_archive", json_boolean(a->from_archive));
	json_object_set_new(
		j, "built_s", a->built_s ? json_integer(a->built_s) : json_null());
	json_object_set_new(j, "source", json_text(a->source));
	json_object_set_new(j, "compiler", json_text(a->compiler));
	json_object_set_new(j, "signers", json_text(a->signers));
	json_object_set_new(j, "stale", json_text(a->stale));
	json_object_set_new(j, "run", describe_run(a->run));
	json_object_set_new(j, "files", list);
	for (size_t i = 0; i < a->n_modules; i++) {
		const struct module_answer *m = &a->modules[i];
		json_t *file = json_object();

		json_object_set_new(file, "name", json_text(m->name));
		json_object_set_new(file, "modprobe", json_text(m->modprobe));
		json_object_set_new(file, "modprobe_takes_it", json_boolean(m->is_ours));
		json_object_set_new(file, "loaded", json_boolean(m->loaded));
		json_array_append_new(list, file);
	}
	return j;
}

/* Says why nothing of the version is built for a kernel that is named: it is kept off, its build
 * has failed, the headers are missing, or nobody has asked for it. */
static int print_absence(const struct settings *s, const struct tree_entry *e,
	const char *release, struct error *err)
{
	struct tree_filter filter = {.name = e->name, .version = e->version, .release = release};
	_cleanup_free_ char *arch = kernel_running_arch();
	struct logged_builds failed = {0};
	const struct skip_record *record;
	struct skip_list skips;
	struct kernel *k = kernel_new(s, release, arch);
	int r = skip_list_read(s, &skips, err);

	if (r == 0)
		r = logged_builds_list_failed(s, &filter, &failed, err);
	record = skip_list_find(&skips, e->name, e->version, release);
	if (r == 0)
		print_masked(stdout, "%s/%s for %s: not built\n", e->name, e->version, release);
	if (r == 0 && record) {
		_cleanup_free_ char *words = skip_record_words(record);

		print_masked(stdout, "  skipped        dkms unskip %s\n", words);
	}
	if (r == 0 && failed.n)
		print_masked(stdout, "  build failed   dkms log %s/%s -k %s\n", e->name,
			e->version, release);
	if (r == 0 && !k->has_headers)
		print_masked(stdout, "  no headers     in %s\n", k->headers);
	kernel_free(k);
	skip_list_done(&skips);
	logged_builds_done(&failed);
	return r;
}

static int answer_entries(const struct arguments *args, const struct tree_list *list,
	json_t *builds, struct error *err)
{
	const struct settings *s = &args->settings;
	_cleanup_(stale_check_done) struct stale_check check = {.settings = s};
	const char *history = settings_history_path(s);
	json_t *runs = NULL;
	_cleanup_(error_done) struct error unread = {0};
	int r = 0;

	if (history && run_history_read(history, &runs, &unread) < 0)
		print_warning("the last change is not known: %s", unread.what);

	for (size_t i = 0; i < list->n && r == 0; i++) {
		const struct tree_entry *e = &list->entries[i];
		struct answer a = {0};

		if (e->state < STATE_BUILT || e->state == STATE_INSTALLED_WEAK) {
			if (args->json)
				continue;
			for (size_t k = 0; k < args->kernels.n && r == 0; k++)
				r = print_absence(s, e, args->kernels.items[k], err);
			if (!args->kernels.n)
				print_masked(stdout, "%s/%s: %s, built for no kernel\n", e->name,
					e->version, tree_state_name(e->state));
			continue;
		}
		r = find_answer(s, &check, e, &a, err);
		a.run = run_history_find_last(runs, tree_entry_on_kernel(e));
		if (r == 0 && args->json)
			json_array_append_new(builds, answer_json(&a));
		else if (r == 0)
			print_answer(&a);
		answer_done(&a);
	}
	json_decref(runs);
	return r;
}

static int run(const struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	struct tree_filter *filter = NULL;
	struct tree_list list = {0};
	json_t *root = json_object(), *builds = json_array();
	int r = arguments_check(args, err);

	json_object_set_new(root, "schema", json_string(SCHEMA));
	json_object_set_new(root, "builds", builds);
	if (r == 0 && is_empty(args->name)) {
		r = error_set(err, -EINVAL, 1, "why needs a module");
		error_remedy(err, "dkms why NAME");
	}
	if (r == 0) {
		filter = arguments_filter(args);
		r = tree_read(s->trees.dkms, s->trees.source, filter, &list, err);
	}
	if (r == 0 && !list.n)
		r = error_set(err, -ENOENT, 3, "%s%s%s is not in the tree %s", args->name,
			args->version ? "/" : "", args->version ? args->version : "",
			s->trees.dkms);
	if (r == 0)
		r = answer_entries(args, &list, builds, err);
	if (r == 0 && args->json)
		json_print(root, stdout);
	json_decref(root);
	tree_list_done(&list);
	free(filter);
	return r;
}

int command_why(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (run(args, &err) < 0)
		print_error(&err);
	return err.status;
}
