/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which paths and programs do the makefiles and scripts of a package spell out? */
#include "config.h"

#include <ctype.h>

#include "base/file.h"
#include "base/walk.h"
#include "builder/run/sandbox.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"
#include "builder/build/others.h"
#include "builder/build/places.h"
#include "builder/build/scripts.h"
#include "builder/build/sysfs.h"
#include "builder/reuse/observed-mentions.h"
#include "builder/reuse/observed-values.h"

/* The directories that such paths begin with. */
static const char *const tops[] = {
	"/bin/", "/boot/", "/etc/", "/lib", "/opt/", "/sbin/", "/srv/", "/sys/", "/usr/",
	"/var/"};

/* Adds the paths of the texts of a package. */
struct finder {
	const struct job *job;
	const struct sandbox *box;
	struct manifest *m;
	struct observed_words words;
};

/* Whether a build sees the same at a path as the machine has there. */
static bool is_visible(const struct finder *f, const char *path)
{
	for (size_t i = 0; i < f->box->hidden_dirs.n; i++)
		if (path_is_in(path, f->box->hidden_dirs.items[i]))
			return false;
	if (path_is_in(path, "/sys"))
		return sysfs_shows(path);
	if (others_shows(f->job, path))
		return true;
	if (!sandbox_hides_path(path))
		return true;
	for (const char *const *shown = sandbox_visible_etc; *shown; shown++)
		if (path_is_in(path, *shown))
			return true;
	return false;
}

static void add_path(struct finder *f, const char *at, size_t len)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *value = NULL;

	while (len > 1 && (at[len - 1] == '.' || at[len - 1] == '/'))
		len--;
	path = xstrndup(at, len);
	if (path_has_dot_dot(path) || !is_visible(f, path))
		return;
	f->words.others = f->words.others || others_shows(f->job, path);
	value = observed_value(f->job, MANIFEST_EXISTS, path);
	manifest_add(f->m, MANIFEST_EXISTS, path, value);
}

/* Adds the listing of a directory of the source tree. */
static void add_listing(struct finder *f, const char *dir)
{
	_cleanup_free_ char *value = observed_value(f->job, MANIFEST_DIR, dir);

	f->words.others = true;
	if (streq(value, "-"))
		manifest_add(f->m, MANIFEST_EXISTS, dir, "no");
	else
		manifest_add(f->m, MANIFEST_DIR, dir, value);
}

/* Adds what a path with a variable or wildcard after it can lead to: the names that begin like
 * its end, or all names in the directory at its end. The headers of kernels are none of them. */
static void add_cut_path(struct finder *f, const char *at, size_t len)
{
	_cleanup_free_ char *path = xstrndup(at, len), *dir = path_parent(path);
	_cleanup_free_ char *fact = xasprintf(OBSERVED_NAMES "%s", path), *value = NULL;
	bool is_dir = !*path_base(path);

	if (path_has_dot_dot(path) || !(others_shows(f->job, path) ||
					      (is_dir && others_is_partial(f->job, dir))))
		return;
	if (is_dir) {
		add_listing(f, dir);
		return;
	}
	value = observed_value(f->job, MANIFEST_FACT, fact);
	manifest_add(f->m, MANIFEST_FACT, fact, value);
	f->words.others = true;
}

/* Adds the paths in a text. A path that a variable follows is not known. */
static void add_paths(struct finder *f, const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789+-._/@";
	char before = '\n';

	for (const char *at = text; *at;) {
		size_t len = strspn(at, chars);
		bool wanted = false;

		for (size_t i = 0; len && *at == '/' && i < ARRAY_SIZE(tops); i++)
			wanted = wanted || has_prefix(at, tops[i]);
		/* After these, a path is the end of another one. */
		wanted = wanted && before != ')' && before != '}';
		if (wanted && at[len] && strchr("$*?[{", at[len]))
			add_cut_path(f, at, len);
		else if (wanted)
			add_path(f, at, len);
		at += len;
		before = *at;
		at += *at != '\0';
	}
}

/* Adds the programs that a text looks for, whether they are there or not. */
static void add_programs(struct finder *f, const char *text)
{
	static const char *const commands[] = {"command -v ", "type -p ", "which "};
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789+-._";

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const char *at = text;

		while ((at = strstr(at, commands[i]))) {
			_cleanup_free_ char *name = NULL, *value = NULL;
			size_t len;

			at += strlen(commands[i]);
			len = strspn(at, chars);
			if (!len || *at == '-' || at[len] == '$' || at[len] == '/')
				continue;
			name = xstrndup(at, len);
			value = observed_value(f->job, MANIFEST_PROGRAM, name);
			manifest_add(f->m, MANIFEST_PROGRAM, name, value);
		}
	}
}

/* Whether the package builds a module of this name itself. */
static bool is_own_module(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_modules; i++)
		if (streq(c->modules[i].built_name, name) ||
			streq(c->modules[i].dest_name, name))
			return true;
	return false;
}

/* Adds where other modules are whose files a text spells out: "nvidia.ko". */
static void add_modules(struct finder *f, const char *text)
{
	for (const char *at = text; (at = strstr(at, ".ko")); at += strlen(".ko")) {
		_cleanup_free_ char *name = NULL, *fact = NULL, *value = NULL;
		const char *begin = at;

		while (begin > text && (isalnum((unsigned char)begin[-1]) ||
					       strchr("_-", begin[-1])))
			begin--;
		if (begin == at || isalnum((unsigned char)at[strlen(".ko")]))
			continue;
		name = xstrndup(begin, (size_t)(at - begin));
		if (is_own_module(f->job->conf, name))
			continue;
		fact = xasprintf(OBSERVED_MODULE "%s", name);
		value = observed_value(f->job, MANIFEST_FACT, fact);
		manifest_add(f->m, MANIFEST_FACT, fact, value);
		f->words.others = true;
	}
}

/* Adds what a text says of other packages. */
static void add_others(struct finder *f, const char *text)
{
	_cleanup_free_ char *tree = NULL;

	if (!f->job->shared->shows_others)
		return;
	add_modules(f, text);
	if (strstr(text, "source_tree") || strstr(text, "sourcetree")) {
		tree = places_path(f->job->build, f->job->shared->settings->trees.source);
		add_listing(f, tree);
	}
}

static void add_text(const char *text, void *userdata)
{
	struct finder *f = userdata;

	if (!text)
		return;
	add_others(f, text);
	add_paths(f, text);
	add_programs(f, text);
	f->words.native = f->words.native || strstr(text, "native");
	f->words.sysfs = f->words.sysfs || strstr(text, "/sys/");
	f->words.user = f->words.user || strstr(text, "UID") || strstr(text, "getuid");
}

/* Whether kbuild has recorded a command with -march=native or the like: the configuration
 * of a kernel may ask for it. */
static bool has_native_command(const char *work_dir)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	bool found = false;
	int r = walk_begin(&w, work_dir, 0);

	while (r == 0 && !found && (e = walk_next(&w))) {
		_cleanup_(str_done) struct str text = {0};

		if (e->type == DT_REG && has_suffix(e->name, ".cmd") &&
			scripts_read(NULL, e, &text))
			found = text.data && strstr(text.data, "=native");
	}
	return found;
}

static bool has_native_variable(const struct job *job)
{
	_cleanup_(strv_done) struct strv env = {0};

	build_fill_environment(job, &env);
	for (size_t i = 0; i < env.n; i++)
		if (strstr(env.items[i], "=native"))
			return true;
	return false;
}

struct observed_words observed_add_mentioned(
	const struct job *job, const struct sandbox *box, struct manifest *m)
{
	const struct conf *c = job->conf;
	_cleanup_free_ char *overrides =
		path_join(job->shared->settings->config_dir, job->name);
	struct finder f = {.job = job, .box = box, .m = m};

	scripts_each(job->build->paths.source_dir, add_text, &f);
	scripts_each(overrides, add_text, &f);
	add_text(c->make, &f);
	add_text(c->pre_build, &f);
	add_text(c->post_build, &f);
	f.words.native = f.words.native || has_native_variable(job) ||
			 has_native_command(job->build->work_dir);
	return f.words;
}
