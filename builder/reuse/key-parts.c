/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which parts do the keys of modules and of objects have in common? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/host/inventory.h"
#include "builder/host/packages.h"
#include "builder/host/unpackaged.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"
#include "builder/build/named-programs.h"
#include "builder/build/places.h"
#include "builder/build/sysfs.h"
#include "builder/reuse/key-parts.h"

void key_parts_add_text(struct key *key, const char *name, struct str *text)
{
	key_add(key, name, text->data, text->len);
	str_done(text);
}

void key_parts_add_line(struct str *s, const char *name, const char *value)
{
	str_addf(s, "%s ", name);
	listing_add_escaped(s, value ? value : "");
	str_add(s, "\n");
}

int key_parts_add_dir(struct statcache *stats, const char *path, const char *name,
	struct str *ret, struct error *err)
{
	int r;

	if (!path_is_dir(path))
		return 0;
	r = listing_add_dir(stats, path, name, ret);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? error_errno(err, r, 1, "cannot read %s", path) : 0;
}

/* Whether the variable "NAME=VALUE" has one of the names. */
static bool is_among(const char *variable, const char *const *names)
{
	size_t n = strcspn(variable, "=");

	for (; *names; names++)
		if (strlen(*names) == n && strncmp(variable, *names, n) == 0)
			return true;
	return false;
}

/* Takes the usual directories from the value of PATH: whether one of them is missing, as
 * in a transaction of apt, only matters where a program comes from, which manifests say.
 * The others stay, because the sandbox shows a build those that are in PATH. */
static void leave_usual_dirs_out(struct strv *env)
{
	static const char *const usual[] = {"/bin", "/sbin", "/usr/bin", "/usr/sbin",
		"/usr/local/bin", "/usr/local/sbin"};
	_cleanup_free_ char *copy = xstrdup(strv_getenv(env, "PATH"));
	_cleanup_(strv_done) struct strv others = {0};
	_cleanup_free_ char *joined = NULL;
	char *dir, *rest = copy;

	while ((dir = strsep(&rest, ":"))) {
		bool is_usual = false;

		for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
			is_usual = is_usual || streq(dir, usual[i]);
		if (!is_usual)
			strv_push(&others, dir);
	}
	joined = strv_join(&others, ":");
	strv_setenv(env, "PATH", joined);
}

static void add_environment(const struct job *job, const struct strv *env,
	const char *const *ignored, struct key *key)
{
	_cleanup_(strv_done) struct strv sorted = {0};
	struct str s = {0};

	strv_extend(&sorted, env);
	if (job->build->sandbox != SANDBOX_KIND_NONE)
		leave_usual_dirs_out(&sorted);
	strv_sort(&sorted);
	for (size_t i = 0; i < sorted.n; i++) {
		_cleanup_free_ char *name = NULL;

		if (is_among(sorted.items[i], ignored))
			continue;
		name = xstrndup(sorted.items[i], strcspn(sorted.items[i], "="));
		key_parts_add_line(&s, name, sorted.items[i] + strlen(name));
	}
	key_parts_add_text(key, "environment", &s);
}

/* Appends the directories of $PATH that the build can see. */
static void list_tool_dirs(const struct job *job, const char *path, struct strv *ret)
{
	_cleanup_free_ char *copy = xstrdup(path ? path : "/usr/bin:/bin");
	char *dir, *rest = copy;

	while ((dir = strsep(&rest, ":"))) {
		_cleanup_free_ char *real = realpath(dir, NULL);

		/* Real paths, because /bin is /usr/bin on most systems. */
		if (*dir != '/' || !real || strv_contains(ret, real))
			continue;
		if (job->build->sandbox == SANDBOX_KIND_NONE || !sandbox_hides_path(real))
			strv_push(ret, real);
	}
}

/* The variant is two lines: the directories to search for tools, separated by ":", and
 * the words that may name further tools. */
static int make_tools(struct key_texts *texts, const struct key_text_source *source,
	struct str *ret, _unused_ struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(source->variant);
	_cleanup_(strv_done) struct strv path = {0}, words = {0};
	char *rest = copy, *dirs = strsep(&rest, "\n"), *dir;

	while ((dir = strsep(&dirs, ":")))
		if (*dir)
			strv_push(&path, dir);
	strv_split(&words, rest);
	inventory_add_tools(texts->stats, &path, &words, ret);
	return 0;
}

static int add_tools(struct key_texts *texts, const struct job *job, bool afresh,
	struct key *key, struct error *err)
{
	_cleanup_(strv_done) struct strv path = {0};
	_cleanup_(str_done) struct str variant = {0};
	_cleanup_free_ char *dirs = NULL;
	const char *compiler;
	size_t words;

	list_tool_dirs(job, getenv("PATH"), &path);
	dirs = strv_join(&path, ":");
	str_addf(&variant, "%s\n", dirs);
	words = variant.len;
	/* The make command may contain CC=clang-16. The kernel names its compiler. */
	str_add(&variant, job->conf->make);
	pthread_mutex_lock(&job->kernel->lock);
	compiler = kernel_config(job->kernel, "CONFIG_CC_VERSION_TEXT");
	str_addf(&variant, " %s", compiler ? compiler : "");
	pthread_mutex_unlock(&job->kernel->lock);
	for (size_t i = words; i < variant.len; i++)
		if (strchr("\"'=;&|()", variant.data[i]))
			variant.data[i] = ' ';
	return key_texts_add_part(texts, key,
		&(struct key_text_source){FIRST_CAREFUL_PART, NULL, variant.data, make_tools,
			true, NULL},
		afresh, err);
}

static int make_packages(_unused_ struct key_texts *texts,
	_unused_ const struct key_text_source *source, struct str *ret, struct error *err)
{
	return packages_list("", ret, err);
}

static int make_system(struct key_texts *texts,
	_unused_ const struct key_text_source *source, struct str *ret, struct error *err)
{
	int r = 0;

	inventory_add_processor(ret);
	sysfs_describe(ret);
	for (const char *const *path = sandbox_visible_etc; *path && r == 0; path++) {
		if (!path_is_dir(*path)) {
			listing_add_file(texts->stats, *path, *path, ret);
			continue;
		}
		str_addf(ret, "%s dir\n", *path);
		r = key_parts_add_dir(texts->stats, *path, *path, ret, err);
	}
	return r;
}

static int make_outside(struct key_texts *texts,
	_unused_ const struct key_text_source *source, struct str *ret, struct error *err)
{
	const char *listed = texts->settings->sandbox.paths;
	_cleanup_(strv_done) struct strv more = {0};
	_cleanup_free_ char *joined = NULL;

	strv_split(&more, listed ? listed : "");
	named_programs_list(texts->settings, &more);
	joined = strv_join(&more, " ");
	return unpackaged_describe(texts->stats, getenv("PATH"), joined, ret, err);
}

/* What manifests say where it matters: the search path and the user. */
static void add_session(const struct job *job, struct key *key)
{
	struct str s = {0};

	key_parts_add_line(&s, "PATH", build_search_path(job));
	key_parts_add_line(&s, "user", confine_user(job));
	key_parts_add_text(key, "session", &s);
}

/* In a sandbox, a build is told of the kernel that it is for, whichever is running. */
static void add_running_kernel(const struct job *job, struct key *key)
{
	struct str s = {0};

	if (job->build->sandbox != SANDBOX_KIND_NONE)
		return;
	inventory_add_running_kernel(&s);
	key_parts_add_text(key, "running-kernel", &s);
}

static void add_sandbox(const struct job *job, struct key *key)
{
	const struct settings *settings = job->shared->settings;
	_cleanup_free_ char *install = places_path(job->build, settings->trees.install);
	struct str s = {0};

	/* Which user a build is in a sandbox rarely matters, so manifests say it. */
	key_parts_add_line(&s, "kind",
		job->build->sandbox == SANDBOX_KIND_NONE ? "none" : "confined");
	key_parts_add_line(&s, "directory", job->build->paths.build_dir);
	key_parts_add_line(&s, "install-tree", install);
	key_parts_add_text(key, "sandbox", &s);
}

void key_parts_add_common(
	const struct job *job, const char *const *ignored, struct key *key)
{
	_cleanup_(strv_done) struct strv env = {0};

	build_fill_environment(job, &env);
	add_environment(job, &env, ignored, key);
	add_sandbox(job, key);
}

void key_parts_add_debug_info(bool made, struct key *key)
{
	struct str s = {0};

	key_parts_add_line(&s, "debug-info", made ? "made" : "left-out");
	key_parts_add_text(key, "debug-info", &s);
}

int key_parts_add_careful(struct key_texts *texts, const struct job *job, bool afresh,
	struct key *key, struct error *err)
{
	static const struct key_text_source packages = {
		"packages", NULL, NULL, make_packages, true, packages_databases};
	static const struct key_text_source system = {
		"system", NULL, NULL, make_system, true, NULL};
	static const struct key_text_source outside = {
		"outside", NULL, NULL, make_outside, true, NULL};
	int r = add_tools(texts, job, afresh, key, err);

	if (r == 0)
		r = key_texts_add_part(texts, key, &packages, afresh, err);
	if (r == 0)
		r = key_texts_add_part(texts, key, &system, afresh, err);
	if (r == 0)
		r = key_texts_add_part(texts, key, &outside, afresh, err);
	add_session(job, key);
	add_running_kernel(job, key);
	return r;
}
