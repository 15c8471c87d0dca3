/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the commands of a build see? Their environment and their sandbox. */
#include "config.h"

#include <glob.h>
#include <strings.h>

#include "base/file.h"
#include "builder/run/hand-over.h"
#include "builder/host/header-mounts.h"
#include "builder/host/header-trees.h"
#include "builder/host/unpackaged.h"
#include "builder/conf/environment.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"
#include "builder/build/constants.h"
#include "builder/build/named-programs.h"
#include "builder/build/others.h"
#include "builder/build/places.h"

/* Whether the variable "NAME=VALUE" names a proxy, which may have a password in it. */
static bool is_proxy(const char *text)
{
	size_t n = strcspn(text, "=");

	return n > 6 && strncasecmp(text + n - 6, "_proxy", 6) == 0;
}

/* Returns whether the sandbox shows what is in the directory real, whose path has no
 * links in it. more has the paths that the administrator shows to builds. */
static bool is_shown(const char *real, const struct strv *more)
{
	_cleanup_free_ char *content = path_join(real, "program");

	for (size_t i = 0; i < more->n; i++)
		if (path_is_in(real, more->items[i]))
			return true;
	return !sandbox_hides_path(content);
}

/* Reduces PATH to the directories that the sandbox shows, without links and without
 * repetitions: /bin is the same as /usr/bin, and the directories of a user do not make
 * his builds differ from others. */
static void simplify_path(const struct job *job, struct strv *env)
{
	_cleanup_free_ char *copy = xstrdup(strv_getenv(env, "PATH"));
	_cleanup_(strv_done) struct strv dirs = {0}, shown = {0};
	_cleanup_free_ char *joined = NULL;
	char *dir, *rest = copy;

	job_list_sandbox_paths(job, &shown);
	while ((dir = strsep(&rest, ":"))) {
		_cleanup_free_ char *real = *dir == '/' ? realpath(dir, NULL) : NULL;

		if (real && !strv_contains(&dirs, real) && is_shown(real, &shown))
			strv_push(&dirs, real);
	}
	joined = strv_join(&dirs, ":");
	if (dirs.n)
		strv_setenv(env, "PATH", joined);
}

/* Removes what a build in a sandbox has no use for. */
static void reduce_environment(const struct job *job, struct strv *env)
{
	/* A sandbox sets its own home and temporary directories. */
	static const char *const homes[] = {"HOME", "TMPDIR", "TMP", "TEMP"};

	for (size_t i = 0; i < ARRAY_SIZE(homes); i++)
		strv_setenv(env, homes[i], NULL);
	strv_setenv(env, "tmp_location", "/tmp");
	for (size_t i = env->n; i-- > 0 && !build_may_use_network(job);) {
		_cleanup_free_ char *name = NULL;

		if (!is_proxy(env->items[i]))
			continue;
		name = xstrndup(env->items[i], strcspn(env->items[i], "="));
		strv_setenv(env, name, NULL);
	}
	simplify_path(job, env);
}

void build_fill_environment(const struct job *job, struct strv *env)
{
	static const char *const paths[] = {"dkms_tree", "source_tree", "install_tree",
		"kernel_source_dir", "kernel_config"};
	const struct conf_request request = job_conf_request(job);

	environment_add_permitted(env, job->shared->settings->sandbox.environment);
	conf_set_environment(&request, env);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *seen =
			places_path(job->build, strv_getenv(env, paths[i]));

		strv_setenv(env, paths[i], seen);
	}
	toolchain_set_environment(&job->build->toolchain, env);
	/* buildlog.c and advice.c search the log for English messages. */
	strv_setenv(env, "LC_ALL", "C");
	if (job->build->sandbox != SANDBOX_KIND_NONE)
		reduce_environment(job, env);
}

const char *build_search_path(const struct job *job)
{
	struct build *b = job->build;
	_cleanup_(strv_done) struct strv env = {0};

	if (!b->search_path) {
		build_fill_environment(job, &env);
		b->search_path = xstrdup(strv_getenv(&env, "PATH"));
	}
	if (!b->search_path)
		b->search_path = xstrdup("/usr/bin:/bin");
	return b->search_path;
}

const char *confine_user(const struct job *job)
{
	if (job_own_users(job))
		return "nobody";
	return geteuid() == 0 ? "root" : "user";
}

/* Shows the symbols and the source of the packages in BUILD_DEPENDS. */
static void show_depends(const struct job *job, struct sandbox *box)
{
	const char *tree = job->shared->settings->trees.dkms;
	const struct kernel *k = job->kernel;
	const struct build *b = job->build;

	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *version = tree_installed_version(
			tree, job_module_on_kernel(job, name));
		_cleanup_free_ char *dir = NULL, *built = NULL, *source = NULL;
		_cleanup_free_ char *symvers = NULL, *link = NULL, *seen = NULL;

		if (!version)
			continue;
		dir = tree_version_dir(tree, name, version);
		built = tree_built_dir(
			tree, version_on_kernel(name, version, k->release, k->arch));
		source = path_join(dir, "source");
		symvers = path_join(built, "module/Module.symvers");
		places_show(b, source, box);
		places_show(b, symvers, box);
		link = tree_installed_link(tree, job_module_on_kernel(job, name));
		seen = places_path(b, link);
		strv_push(&box->symlinks, link);
		strv_push(&box->symlinks, streq(link, seen) ? built : seen);
		if (streq(link, seen))
			continue;
		strv_take(&box->placed_links, sandbox_place(seen));
		strv_take(&box->placed_links, places_path(b, built));
	}
}

/* Some makefiles look for headers in /lib/modules, even if dkms was given another
 * directory for the kernel. So this links /lib/modules/RELEASE/build and source to the
 * right ones. */
static void link_headers(const struct job *job, struct sandbox *box)
{
	const struct kernel *k = job->kernel;
	_cleanup_free_ char *source = path_join(k->dir, "source");
	const char *const paths[][2] = {{"build", k->headers}, {"source", source}};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *usual =
			xasprintf("/lib/modules/%s/%s", k->release, paths[i][0]);
		_cleanup_free_ char *place = sandbox_place(usual);
		_cleanup_free_ char *real = realpath(paths[i][1], NULL);
		_cleanup_free_ char *seen = real ? places_path(job->build, real) : NULL;

		if (!place || !seen || streq(usual, paths[i][1]) || streq(usual, seen))
			continue;
		strv_push(&box->placed_links, place);
		strv_push(&box->placed_links, seen);
	}
}

/* Shows the headers at the places that are the same for all kernels. Relative links
 * between these directories use their own names, so there are links with those names
 * beside the places. */
static void show_header_mounts(const struct strv *mounts, struct sandbox *box)
{
	strv_extend(&box->moved_paths, mounts);
	for (size_t i = 0; i + 1 < mounts->n; i += 2) {
		const char *place = mounts->items[i + 1];

		strv_take(&box->placed_links,
			path_beside(place, path_base(mounts->items[i])));
		strv_push(&box->placed_links, place);
	}
}

bool build_may_use_network(const struct job *job)
{
	const char *names = job->shared->settings->sandbox.network_modules;
	_cleanup_(strv_done) struct strv words = {0};

	if (job->policy.sandbox.network_set)
		return job->policy.sandbox.network;
	strv_split(&words, names ? names : "");
	return strv_contains(&words, job->name);
}

bool build_shows_unpackaged(const struct settings *s)
{
	for (size_t i = 0; i < s->directives.n; i++)
		if (has_prefix(s->directives.items[i], "MAKE") &&
			unpackaged_is_mentioned(s->directives.items[i]))
			return true;
	return false;
}

/* Hides directories in / that do not belong to the distribution, except for tools in
 * $PATH. If the administrator has given a make command that names such a directory,
 * nothing is hidden. */
static void hide_unpackaged(const struct settings *s, struct sandbox *box)
{
	if (build_shows_unpackaged(s))
		return;
	unpackaged_list_hidden(&box->hidden_dirs);
	unpackaged_list_tool_dirs(getenv("PATH"), &box->readable_paths);
}

/* Hides the files of other kernels that are in directories for libraries, and debugging
 * symbols. */
static void hide_other_kernels(struct sandbox *box)
{
	static const char *const patterns[] = {
		"/usr/lib/debug", "/usr/lib/linux-image-*", "/usr/lib/linux-kbuild-*"};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++)
			if (!strv_contains(&box->readable_paths, found.gl_pathv[j]))
				strv_push(&box->hidden_dirs, found.gl_pathv[j]);
		globfree(&found);
	}
}

/* Shows what a build reads of its kernel. */
static void show_kernel(const struct job *job, struct sandbox *box)
{
	static const char *const names[] = {"source", "modules.builtin", "modules.order"};
	struct kernel *k = job->kernel;
	const struct build *b = job->build;
	_cleanup_(strv_done) struct strv dirs = {0};

	show_header_mounts(&b->header_mounts, box);
	places_show(b, k->headers, box);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(k->dir, names[i]);

		places_show(b, path, box);
	}
	header_trees_list(k, &dirs);
	for (size_t i = 0; i < dirs.n; i++) {
		char *place = header_mounts_sandbox_path(&b->header_mounts, dirs.items[i]);

		/* A link, so that each file has one path: it makes tracing cheaper. */
		if (place) {
			strv_push(&box->placed_links, dirs.items[i]);
			strv_take(&box->placed_links, place);
		} else {
			places_show(b, dirs.items[i], box);
		}
	}
	if (k->config_path)
		places_show(b, k->config_path, box);
	for (size_t i = 0; i < ARRAY_SIZE(sandbox_visible_boot); i++)
		strv_pushf(&box->readable_paths, "%s%s", sandbox_visible_boot[i],
			k->release);
	link_headers(job, box);
}

/* Shows what the administrator lists. A file that only its owner may read is handed
 * over. */
static void show_listed_paths(const struct job *job, struct sandbox *box)
{
	_cleanup_(strv_done) struct strv listed = {0};

	job_list_sandbox_paths(job, &listed);
	for (size_t i = 0; i < listed.n; i++)
		if (!box->uid || !path_is_file(listed.items[i]) ||
			sandbox_user_can_read(box, listed.items[i]) ||
			sandbox_hand_over(box, listed.items[i], NULL) < 0)
			strv_push(&box->readable_paths, listed.items[i]);
}

/* Lets the build write where the administrator permits it: sandbox_write. */
static void show_writable_paths(const struct job *job, struct sandbox *box)
{
	const char *paths = job->policy.sandbox.write;
	_cleanup_(strv_done) struct strv listed = {0};

	strv_split(&listed, paths ? paths : "");
	for (size_t i = 0; i < listed.n; i++) {
		strv_push(&box->writable_dirs, listed.items[i]);
		strv_push(&box->writable_dirs, listed.items[i]);
	}
}

void build_fill_sandbox(const struct job *job, struct sandbox *box)
{
	const struct settings *s = job->shared->settings;
	struct build *b = job->build;
	_cleanup_free_ char *config = path_join(s->config_dir, job->name);

	box->strict = true;
	box->uid = b->user.uid;
	box->max_processes = s->limits.max_processes;
	box->memory_group = b->user.memory_group;
	box->unfiltered = job_is_unfiltered(job);
	show_writable_paths(job, box);
	strv_push(&box->writable_dirs, b->work_dir);
	strv_push(&box->writable_dirs, b->paths.build_dir);
	box->tmp_dir = b->paths.tmp_dir;
	box->network = build_may_use_network(job);
	hide_unpackaged(s, box);
	show_listed_paths(job, box);
	named_programs_show(s, box);
	strv_push(&box->hidden_dirs, s->trees.dkms);
	strv_push(&box->hidden_dirs, s->trees.install);
	strv_push(&box->hidden_dirs, s->trees.source);
	if (!streq(b->paths.build_dir, b->paths.real_build_dir)) {
		strv_push(&box->symlinks, b->paths.real_build_dir);
		strv_push(&box->symlinks, b->paths.build_dir);
	}
	show_kernel(job, box);
	hide_other_kernels(box);
	places_show(b, b->paths.source_dir, box);
	places_show(b, config, box);
	if (s->build_environment)
		strv_push(&box->readable_paths, s->build_environment);
	show_depends(job, box);
	others_show(job, box);
	constants_show(job, box);
}
