/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a build depend on? */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/host/header-trees.h"
#include "builder/host/inventory.h"
#include "builder/host/unpackaged.h"
#include "builder/tree/tree.h"
#include "builder/build/ccache.h"
#include "builder/build/confine.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/kbuild.h"
#include "builder/reuse/reuse.h"

#define FORMAT "dkms module 6\n"
#define OBJECTS_FORMAT "dkms objects 5\n"
/* Larger than any kernel config (bytes). */
#define CONFIG_MAX (16 * 1024 * 1024)

/* A text made once for many keys. */
struct shared_text {
	const struct kernel *kernel; /* NULL: the machine's */
	const char *name;	     /* of the part; static */
	char *variant;		     /* what else it is made of; NULL: nothing */
	struct str text;
	struct digest digest;	     /* of a text that is a part of keys */
	struct line_index *index;    /* of the text's lines, made when first asked for */
	int failure;	     /* a negative errno: there is no text, and why says the reason */
	struct error why;
	struct shared_text *next;
};

struct fingerprints {
	struct statcache *stats;
	struct listing_cache *listings;
	const struct settings *settings;
	/* Held while a text is made, so that the others who need it wait for it. */
	pthread_mutex_t lock;
	struct shared_text *texts;
	struct cached_listing **known; /* of the kernels */
	size_t n_known;
};

struct fingerprints *fingerprints_new(struct statcache *stats,
	struct listing_cache *listings, const struct settings *settings)
{
	struct fingerprints *f = xcalloc(1, sizeof(*f));

	f->stats = stats;
	f->listings = listings;
	f->settings = settings;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void fingerprints_free(struct fingerprints *f)
{
	if (!f)
		return;
	while (f->texts) {
		struct shared_text *next = f->texts->next;

		str_done(&f->texts->text);
		line_index_free(f->texts->index);
		error_done(&f->texts->why);
		free(f->texts->variant);
		free(f->texts);
		f->texts = next;
	}
	for (size_t i = 0; i < f->n_known; i++)
		cached_listing_free(f->known[i]);
	free(f->known);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static void add_text(struct key *key, const char *name, struct str *text)
{
	key_add(key, name, text->data, text->len);
	str_done(text);
}

/* Under the lock. NULL when it has not been made. */
static struct shared_text *find_text(struct fingerprints *f, const char *name,
	const struct kernel *kernel)
{
	struct shared_text *t;

	for (t = f->texts; t; t = t->next)
		if (t->kernel == kernel && !t->variant && streq(t->name, name))
			break;
	return t;
}

/* The same; takes the text, which is for reading only. */
static struct shared_text *keep_text(struct fingerprints *f, const char *name,
	const struct kernel *kernel, struct str *text)
{
	struct shared_text *t = xcalloc(1, sizeof(*t));

	t->kernel = kernel;
	t->name = name;
	str_add_bytes(text, "", 0);
	t->text = *text;
	t->next = f->texts;
	f->texts = t;
	return t;
}

/* The same, and it is a part of keys. */
static struct shared_text *keep_part(struct fingerprints *f, const char *name,
	const struct kernel *kernel, struct str *text)
{
	struct shared_text *t = keep_text(f, name, kernel, text);

	digest_bytes(t->text.data, t->text.len, &t->digest);
	return t;
}

/* Adds a part that make() writes; from f if it has been written, unless afresh. What
 * cannot be is not tried twice. */
static int add_shared(struct fingerprints *f, struct key *key, const char *name,
	const struct kernel *kernel, bool afresh,
	int (*make)(struct fingerprints *f, const struct kernel *kernel, struct str *ret,
		struct error *err),
	struct error *err)
{
	struct shared_text *t;
	int r;

	if (afresh) {
		struct str text = {0};

		r = make(f, kernel, &text, err);
		add_text(key, name, &text);
		return r;
	}
	pthread_mutex_lock(&f->lock);
	t = find_text(f, name, kernel);
	if (!t) {
		struct str text = {0};
		struct error why = {0};

		r = make(f, kernel, &text, &why);
		if (r < 0)
			str_done(&text);
		t = keep_part(f, name, kernel, &text);
		t->failure = r;
		t->why = why;
	}
	r = t->failure;
	if (r < 0) {
		error_set(err, r, t->why.status, "%s", t->why.what);
		if (t->why.remedy)
			error_remedy(err, "%s", t->why.remedy);
	}
	pthread_mutex_unlock(&f->lock);
	if (r == 0)
		key_add_shared(key, name, &t->text, &t->digest);
	return r;
}

/* "NAME VALUE", the value escaped. */
static void add_line(struct str *s, const char *name, const char *value)
{
	str_addf(s, "%s ", name);
	listing_add_escaped(s, value ? value : "");
	str_add(s, "\n");
}

static int add_dir(struct statcache *stats, const char *path, const char *name, struct str *ret,
	struct error *err)
{
	int r;

	if (!path_is_dir(path))
		return 0;
	r = listing_add_dir(stats, path, name, ret);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? error_errno(err, r, 1, "cannot read %s", path) : 0;
}

/* Under the lock: a directory's listing, made or looked at once for the run. */
static int get_listing(
	struct fingerprints *f, const char *path, struct cached_listing **ret)
{
	int r;

	for (size_t i = 0; i < f->n_known; i++)
		if (streq(cached_listing_path(f->known[i]), path)) {
			*ret = f->known[i];
			return 0;
		}
	r = listing_cache_get(f->listings, path, "/include/config", ret);
	if (r < 0)
		return r;
	f->known =
		xrealloc_array(f->known, f->n_known + 1, sizeof(struct cached_listing *));
	f->known[f->n_known++] = *ret;
	return 0;
}

/* A part for each directory, since several kernels have some in common. */
static int add_headers(struct fingerprints *f, struct key *key, const struct kernel *kernel,
	bool afresh, struct error *err)
{
	_cleanup_(strv_done) struct strv paths = {0};
	int r = 0;

	header_trees_list(kernel, &paths);
	for (size_t i = 0; i < paths.n && r == 0; i++) {
		_cleanup_free_ char *name =
			i ? xasprintf("headers-%zu", i + 1) : xstrdup("headers");
		struct cached_listing *listing = NULL;
		struct str text;

		pthread_mutex_lock(&f->lock);
		r = get_listing(f, paths.items[i], &listing);
		text = r == 0 ? cached_listing_text(listing) : (struct str){0};
		pthread_mutex_unlock(&f->lock);
		if (r == 0 && (!text.data || (afresh && !listing_cache_is_unchanged(
								f->listings, listing))))
			r = -EAGAIN;
		if (r < 0)
			error_errno(err, r, 1, "cannot read %s", paths.items[i]);
		else
			key_add_shared(key, name, &text, cached_listing_digest(listing));
	}
	return r;
}

static int make_kernel_files(struct fingerprints *f, const struct kernel *k, struct str *ret,
	_unused_ struct error *err)
{
	static const char *const files[] = {"modules.builtin", "modules.order"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join(k->dir, files[i]);

		listing_add_file(f->stats, path, path, ret);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sandbox_visible_boot); i++) {
		_cleanup_free_ char *path = xasprintf("%s%s", sandbox_visible_boot[i], k->release);

		listing_add_file(f->stats, path, path, ret);
	}
	return 0;
}

/* The file, and for a person its options, which the file's digest cannot tell apart. */
static int make_config(struct fingerprints *f, const struct kernel *k, struct str *ret,
	struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;
	int r;

	if (!k->config_path)
		return 0;
	listing_add_file(f->stats, k->config_path, k->config_path, ret);
	r = file_read(k->config_path, CONFIG_MAX, &text, err);
	if (r < 0)
		return r;
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		char *value = has_prefix(line, "CONFIG_") ? strchr(line, '=') : NULL;

		if (!value)
			continue;
		*value = ' ';
		str_add(ret, line);
		str_add(ret, "\n");
	}
	return 0;
}

static int make_system(struct fingerprints *f, _unused_ const struct kernel *k, struct str *ret,
	struct error *err)
{
	int r = 0;

	inventory_add_system(ret);
	for (const char *const *path = sandbox_visible_etc; *path && r == 0; path++) {
		if (path_is_dir(*path))
			r = add_dir(f->stats, *path, *path, ret, err);
		else
			listing_add_file(f->stats, *path, *path, ret);
	}
	return r;
}

static int make_outside(struct fingerprints *f, _unused_ const struct kernel *k,
	struct str *ret, struct error *err)
{
	return unpackaged_describe(getenv("PATH"), f->settings->sandbox.paths, ret, err);
}

static void add_kernel(const struct kernel *k, struct key *key)
{
	_cleanup_free_ char *headers = realpath(k->headers, NULL);
	struct str s = {0};

	add_line(&s, "release", k->release);
	add_line(&s, "architecture", k->arch);
	add_line(&s, "headers", k->headers);
	add_line(&s, "headers-path", headers);
	add_line(&s, "config", k->config_path);
	add_text(key, "kernel", &s);
}

static int add_source(struct fingerprints *f, const struct job *job, struct key *key,
	struct error *err)
{
	struct str s = {0};
	int r = add_dir(f->stats, job->build->paths.source_dir, "", &s, err);

	add_text(key, "source", &s);
	return r;
}

static int add_overrides(struct fingerprints *f, const struct job *job, struct key *key,
	struct error *err)
{
	_cleanup_free_ char *dir = path_join(job->shared->settings->config_dir, job->name);
	struct str s = {0};
	int r = add_dir(f->stats, dir, dir, &s, err);

	add_text(key, "overrides", &s);
	return r;
}

/* A command line without -jN and -j N: how much at a time does not matter. */
static void add_command(struct str *s, const char *line)
{
	const char *at = line;

	while (*at) {
		size_t blank = strspn(at, " \t"), len;

		at += blank;
		len = strcspn(at, " \t");
		if (has_prefix(at, "-j") && strspn(at + 2, "0123456789") == len - 2) {
			at += len;
			if (len == 2 && strspn(at, " ") &&
				strspn(at + strspn(at, " "), "0123456789")) {
				at += strspn(at, " ");
				at += strspn(at, "0123456789");
			}
			continue;
		}
		str_add(s, " ");
		str_add_bytes(s, at, len);
		at += len;
	}
}

static void add_conf(const struct job *job, struct key *key)
{
	const struct conf *c = job->conf;
	struct str s = {0};

	str_add(&s, "MAKE");
	add_command(&s, c->make);
	str_add(&s, "\n");
	add_line(&s, "PRE_BUILD", c->pre_build);
	add_line(&s, "POST_BUILD", c->post_build);
	for (size_t i = 0; i < c->patches.n; i++)
		add_line(&s, "PATCH", c->patches.items[i]);
	for (size_t i = 0; i < c->n_modules; i++) {
		const struct conf_module *m = &c->modules[i];

		if (m->excluded)
			continue;
		add_line(&s, "BUILT_MODULE_LOCATION", m->built_location);
		add_line(&s, "BUILT_MODULE_NAME", m->built_name);
		add_line(&s, "DEST_MODULE_NAME", m->dest_name);
		add_line(&s, "STRIP", m->strip ? "yes" : "no");
	}
	add_text(key, "conf", &s);
}

static int add_depends(struct fingerprints *f, const struct job *job, struct key *key,
	struct error *err)
{
	const char *tree = job->shared->settings->trees.dkms;
	struct str s = {0};
	int r = 0;

	for (size_t i = 0; i < job->conf->build_depends.n && r == 0; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *version = tree_installed_version(
			tree, job_module_on_kernel(job, name));
		_cleanup_free_ char *dir =
			version ? tree_version_dir(tree, name, version) : NULL;
		_cleanup_free_ char *source = dir ? path_join(dir, "source") : NULL;
		_cleanup_free_ char *link = tree_installed_link(
			tree, job_module_on_kernel(job, name));
		_cleanup_free_ char *symvers = path_join(link, "module/Module.symvers");
		_cleanup_free_ char *called = xasprintf("%s/Module.symvers", name);

		add_line(&s, name, version);
		listing_add_file(f->stats, symvers, called, &s);
		if (source)
			r = add_dir(f->stats, source, name, &s, err);
	}
	add_text(key, "depends", &s);
	return r;
}

/* "NAME=VALUE" is one of the names. */
static bool is_among(const char *variable, const char *const *names)
{
	size_t n = strcspn(variable, "=");

	for (; *names; names++)
		if (strlen(*names) == n && strncmp(variable, *names, n) == 0)
			return true;
	return false;
}

/* Without some; parallel_jobs is as good as -j. */
static void add_environment(const struct strv *env, const char *const *but, struct key *key)
{
	_cleanup_(strv_done) struct strv sorted = {0};
	struct str s = {0};

	strv_extend(&sorted, env);
	strv_sort(&sorted);
	for (size_t i = 0; i < sorted.n; i++) {
		_cleanup_free_ char *name = NULL;

		if (is_among(sorted.items[i], but))
			continue;
		name = xstrndup(sorted.items[i], strcspn(sorted.items[i], "="));
		add_line(&s, name, sorted.items[i] + strlen(name));
	}
	add_text(key, "environment", &s);
}

/* The directories of $PATH that the build can see. */
static void add_path(const struct job *job, const char *path, struct strv *ret)
{
	_cleanup_free_ char *copy = xstrdup(path ? path : "/usr/bin:/bin");
	char *dir, *rest = copy;

	while ((dir = strsep(&rest, ":"))) {
		_cleanup_free_ char *real = realpath(dir, NULL);

		/* /bin is /usr/bin on most systems. */
		if (*dir != '/' || !real || strv_contains(ret, real))
			continue;
		if (job->build->sandbox == SANDBOX_KIND_NONE || !sandbox_hides_path(real))
			strv_push(ret, real);
	}
}

/* The directories and words that tools are looked for in and by, a line each. */
static void find_tools(struct fingerprints *f, const char *variant, struct str *ret)
{
	_cleanup_free_ char *copy = xstrdup(variant);
	_cleanup_(strv_done) struct strv path = {0}, words = {0};
	char *rest = copy, *dirs = strsep(&rest, "\n"), *dir;

	while ((dir = strsep(&dirs, ":")))
		if (*dir)
			strv_push(&path, dir);
	strv_split(&words, rest);
	inventory_add_tools(f->stats, &path, &words, ret);
}

static void add_tools(struct fingerprints *f, const struct job *job, const struct strv *env,
	bool afresh, struct key *key)
{
	_cleanup_(strv_done) struct strv path = {0};
	_cleanup_(str_done) struct str variant = {0};
	_cleanup_free_ char *dirs = NULL;
	const char *compiler;
	struct shared_text *t;
	size_t words;

	add_path(job, strv_getenv(env, "PATH"), &path);
	dirs = strv_join(&path, ":");
	str_addf(&variant, "%s\n", dirs);
	words = variant.len;
	/* CC=clang-16 in the command, the compiler of the kernel. */
	str_add(&variant, job->conf->make);
	pthread_mutex_lock(&job->kernel->lock);
	compiler = kernel_config(job->kernel, "CONFIG_CC_VERSION_TEXT");
	str_addf(&variant, " %s", compiler ? compiler : "");
	pthread_mutex_unlock(&job->kernel->lock);
	for (size_t i = words; i < variant.len; i++)
		if (strchr("\"'=;&|()", variant.data[i]))
			variant.data[i] = ' ';
	if (afresh) {
		struct str s = {0};

		find_tools(f, variant.data, &s);
		add_text(key, "tools", &s);
		return;
	}
	pthread_mutex_lock(&f->lock);
	for (t = f->texts; t; t = t->next)
		if (t->variant && streq(t->variant, variant.data))
			break;
	if (!t) {
		struct str s = {0};

		find_tools(f, variant.data, &s);
		t = keep_part(f, "tools", NULL, &s);
		t->variant = str_take(&variant);
	}
	pthread_mutex_unlock(&f->lock);
	key_add_shared(key, "tools", &t->text, &t->digest);
}

static void add_sandbox(const struct job *job, struct key *key)
{
	const struct settings *settings = job->shared->settings;
	struct str s = {0};

	add_line(&s, "kind",
		job->build->sandbox == SANDBOX_KIND_NONE       ? "none"
		: job->build->sandbox == SANDBOX_KIND_USERNS ? "own user"
							     : "nobody");
	add_line(&s, "directory", job->build->paths.build_dir);
	add_line(&s, "install-tree", settings->trees.install);
	add_text(key, "sandbox", &s);
}

const char *fingerprint_obstacle(const struct job *job)
{
	const struct settings *s = job->shared->settings;

	/* A script that may set up another compiler, out of what we do not look at. */
	if (s->build_environment)
		return "build_environment is set";
	if (job->build->sandbox != SANDBOX_KIND_NONE && unpackaged_is_mentioned(job->conf->make))
		return "the make command names a directory that only this machine has";
	if (build_may_use_network(job))
		return "its builds have a network, by sandbox_network";
	if (ccache_needs_network(s))
		return "ccache uses the network";
	/* In the sandbox it can change nothing that lasts, so a hit may leave it out. */
	if (job->conf->post_build && job->build->sandbox == SANDBOX_KIND_NONE)
		return "POST_BUILD runs without a sandbox";
	return job->reuse->no_key.what;
}

static const char *const not_in_modules[] = {"parallel_jobs", NULL};

int fingerprint_job(struct fingerprints *f, const struct job *job, bool afresh,
	struct key *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv env = {0};
	struct key key = {0};
	int r;

	build_fill_environment(job, &env);
	key_add(&key, "format", FORMAT, strlen(FORMAT));
	add_kernel(job->kernel, &key);
	r = add_headers(f, &key, job->kernel, afresh, err);
	if (r == 0)
		r = add_shared(f, &key, "kernel-files", job->kernel, afresh, make_kernel_files,
			err);
	if (r == 0)
		r = add_shared(f, &key, "config", job->kernel, afresh, make_config, err);
	if (r == 0)
		r = add_source(f, job, &key, err);
	if (r == 0)
		r = add_overrides(f, job, &key, err);
	add_conf(job, &key);
	if (r == 0)
		r = add_depends(f, job, &key, err);
	add_environment(&env, not_in_modules, &key);
	add_tools(f, job, &env, afresh, &key);
	if (r == 0)
		r = add_shared(f, &key, "system", NULL, afresh, make_system, err);
	if (r == 0)
		r = add_shared(f, &key, "outside", NULL, afresh, make_outside, err);
	add_sandbox(job, &key);
	if (r < 0)
		key_done(&key);
	else
		*ret = key;
	return r;
}

/* Objects */

/* Those that tell of the kernel: what a makefile makes of them is in the command line of
 * an object, which make compares. */
static const char *const not_in_objects[] = {
	"parallel_jobs", "kernelver", "kernel_source_dir", "kernel_config", NULL};

static struct line_index *index_of(struct shared_text *t)
{
	if (!t->index)
		t->index = line_index_new(t->text.data);
	return t->index;
}

/* Under the lock: the listings of all directories of the kernel's headers. */
static struct shared_text *get_headers(struct fingerprints *f, const struct kernel *kernel)
{
	struct shared_text *t = find_text(f, "headers", kernel);
	_cleanup_(strv_done) struct strv paths = {0};
	struct str all = {0};
	struct cached_listing *listing;

	if (t)
		return t;
	header_trees_list(kernel, &paths);
	for (size_t i = 0; i < paths.n; i++)
		if (get_listing(f, paths.items[i], &listing) == 0) {
			struct str text = cached_listing_text(listing);

			str_add_bytes(&all, text.data, text.len);
		}
	return keep_text(f, "headers", kernel, &all);
}

/* Under the lock: fills in what is known of the kernel, and the text of its family. */
static int describe_kbuild(struct fingerprints *f, const struct job *job,
	struct kernel_index *ret, struct shared_text **ret_family)
{
	struct shared_text *headers = get_headers(f, job->kernel);
	struct shared_text *options = find_text(f, "options", job->kernel);
	struct shared_text *family = find_text(f, "family", job->kernel);
	struct str text = {0};
	int r;

	if (!options) {
		r = kbuild_options(job->kernel, &text);
		if (r < 0) {
			str_done(&text);
			return r;
		}
		options = keep_text(f, "options", job->kernel, &text);
	}
	if (!family) {
		text = (struct str){0};
		kbuild_family(job->kernel, headers->text.data, &job->build->header_mounts,
			index_of(options), &text);
		family = keep_part(f, "family", job->kernel, &text);
	}
	*ret = (struct kernel_index){index_of(headers), index_of(options)};
	*ret_family = family;
	return 0;
}

int fingerprint_objects(struct fingerprints *f, const struct job *job, const char *names,
	struct kernel_index *ret_kernel, struct key *ret)
{
	_cleanup_(strv_done) struct strv env = {0};
	struct shared_text *family;
	struct kernel_index kernel;
	struct key key = {0};
	int r;

	pthread_mutex_lock(&f->lock);
	r = describe_kbuild(f, job, &kernel, &family);
	pthread_mutex_unlock(&f->lock);
	if (r < 0)
		return r;
	build_fill_environment(job, &env);
	key_add(&key, "format", OBJECTS_FORMAT, strlen(OBJECTS_FORMAT));
	key_add(&key, "package", job->name, strlen(job->name));
	key_add_shared(&key, "family", &family->text, &family->digest);
	if (names)
		key_add(&key, "names", names, strlen(names));
	add_environment(&env, not_in_objects, &key);
	add_tools(f, job, &env, false, &key);
	r = add_shared(f, &key, "system", NULL, false, make_system, NULL);
	if (r == 0)
		r = add_shared(f, &key, "outside", NULL, false, make_outside, NULL);
	add_sandbox(job, &key);
	if (r < 0) {
		key_done(&key);
		return r;
	}
	*ret_kernel = kernel;
	*ret = key;
	return 0;
}
