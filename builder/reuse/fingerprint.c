/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a build depend on? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/host/header-trees.h"
#include "builder/host/unpackaged.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/ccache.h"
#include "builder/build/confine.h"
#include "builder/build/debug-info.h"
#include "builder/build/places.h"
#include "builder/reuse/file-times.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/key-parts.h"
#include "builder/reuse/reuse.h"

#define FORMAT "dkms module 13\n"
/* Larger than any kernel config (bytes). */
#define CONFIG_MAX (16 * 1024 * 1024)

/* Adds a part with the listing of a directory that the commands see at another place:
 * with that place at the beginning of each line instead of path. Returns 0 or a negative
 * errno. */
static int add_moved_headers(struct key_texts *texts, struct key *key, const char *name,
	const char *path, const char *place, bool afresh)
{
	_cleanup_(str_done) struct str from = {0}, to = {0};
	struct str moved = {0};
	struct key own = {0};
	int r = key_texts_add_headers(texts, &own, name, path, afresh);

	listing_add_escaped(&from, path);
	listing_add_escaped(&to, place);
	for (const char *line = r == 0 ? own.parts[0].detail : ""; *line;) {
		size_t n = strcspn(line, "\n"), known = 0;

		n += line[n] == '\n';
		if (has_prefix(line, from.data)) {
			known = from.len;
			str_add(&moved, to.data);
		}
		str_add_bytes(&moved, line + known, n - known);
		line += n;
	}
	if (r == 0)
		key_parts_add_text(key, name, &moved);
	key_done(&own);
	return r;
}

/* Adds a part for each directory of headers, because several kernels share some of
 * them. */
static int add_headers(struct key_texts *texts, struct key *key, const struct job *job,
	bool afresh, struct error *err)
{
	_cleanup_(strv_done) struct strv paths = {0};
	int r = 0;

	header_trees_list(job->kernel, &paths);
	for (size_t i = 0; i < paths.n && r == 0; i++) {
		const char *path = paths.items[i];
		_cleanup_free_ char *name =
			i ? xasprintf("headers-%zu", i + 1) : xstrdup("headers");
		_cleanup_free_ char *place = places_path(job->build, path);

		if (streq(place, path))
			r = key_texts_add_headers(texts, key, name, path, afresh);
		else
			r = add_moved_headers(texts, key, name, path, place, afresh);
		if (r < 0)
			error_errno(err, r, 1, "cannot read %s", path);
	}
	return r;
}

static int make_kernel_files(struct key_texts *texts,
	const struct key_text_source *source, struct str *ret, _unused_ struct error *err)
{
	const struct kernel *k = source->kernel;
	static const char *const files[] = {"modules.builtin", "modules.order"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join(k->dir, files[i]);

		listing_add_file(texts->stats, path, files[i], ret);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sandbox_visible_boot); i++) {
		_cleanup_free_ char *path =
			xasprintf("%s%s", sandbox_visible_boot[i], k->release);

		listing_add_file(texts->stats, path, path, ret);
	}
	return 0;
}

/* Lists the file with its digest, and each option, so that dkms cache why can say which
 * of them differ. */
static int make_config(struct key_texts *texts, const struct key_text_source *source,
	struct str *ret, struct error *err)
{
	const struct kernel *k = source->kernel;
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;
	int r;

	if (!k->config_path)
		return 0;
	listing_add_file(texts->stats, k->config_path, "config", ret);
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

static void add_kernel(const struct job *job, struct key *key)
{
	const struct kernel *k = job->kernel;
	_cleanup_free_ char *real = realpath(k->headers, NULL);
	_cleanup_free_ char *headers = places_path(job->build, k->headers);
	_cleanup_free_ char *headers_real = places_path(job->build, real);
	_cleanup_free_ char *config = places_path(job->build, k->config_path);
	struct str s = {0};

	key_parts_add_line(&s, "release", k->release);
	key_parts_add_line(&s, "architecture", k->arch);
	key_parts_add_line(&s, "headers", headers);
	key_parts_add_line(&s, "headers-path", headers_real);
	key_parts_add_line(&s, "config", config);
	key_parts_add_text(key, "kernel", &s);
}

static int add_source(struct key_texts *texts, const struct job *job, struct key *key,
	struct error *err)
{
	struct str s = {0};
	int r = file_times_add_source(
		texts->stats, job->build->paths.source_dir, &s, err);

	key_parts_add_text(key, "source", &s);
	return r;
}

bool fingerprint_is_of_source(const struct job *job, const char *dir)
{
	const struct key *key = &job->reuse->key;
	_cleanup_(str_done) struct str s = {0};
	bool same = false;

	if (!key->n_parts)
		return true;
	if (file_times_add_source(job->shared->key_texts->stats, dir, &s, NULL) < 0)
		return false;
	for (size_t i = 0; i < key->n_parts; i++)
		if (streq(key->parts[i].name, "source"))
			same = key->parts[i].n == s.len &&
			       memcmp(key->parts[i].detail, s.data, s.len) == 0;
	return same;
}

static int add_overrides(struct key_texts *texts, const struct job *job, struct key *key,
	struct error *err)
{
	_cleanup_free_ char *dir =
		path_join(job->shared->settings->config_dir, job->name);
	struct str s = {0};
	_cleanup_free_ char *place = places_path(job->build, dir);
	int r = key_parts_add_dir(texts->stats, dir, place, &s, err);

	key_parts_add_text(key, "overrides", &s);
	return r;
}

static void add_conf(const struct job *job, struct key *key)
{
	const struct conf *c = job->conf;
	_cleanup_free_ char *make = places_text(job->build, c->make);
	_cleanup_free_ char *pre_build = places_text(job->build, c->pre_build);
	_cleanup_free_ char *post_build = places_text(job->build, c->post_build);
	struct str s = {0};

	str_add(&s, "MAKE");
	conf_add_command(&s, make);
	str_add(&s, "\n");
	key_parts_add_line(&s, "PRE_BUILD", pre_build);
	key_parts_add_line(&s, "POST_BUILD", post_build);
	for (size_t i = 0; i < c->patches.n; i++)
		key_parts_add_line(&s, "PATCH", c->patches.items[i]);
	for (size_t i = 0; i < c->n_modules; i++) {
		const struct conf_module *m = &c->modules[i];

		if (m->excluded)
			continue;
		key_parts_add_line(&s, "BUILT_MODULE_LOCATION", m->built_location);
		key_parts_add_line(&s, "BUILT_MODULE_NAME", m->built_name);
		key_parts_add_line(&s, "DEST_MODULE_NAME", m->dest_name);
		key_parts_add_line(&s, "STRIP", m->strip ? "yes" : "no");
	}
	key_parts_add_text(key, "conf", &s);
}

static int add_depends(struct key_texts *texts, const struct job *job, struct key *key,
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

		key_parts_add_line(&s, name, version);
		listing_add_file(texts->stats, symvers, called, &s);
		if (source)
			r = key_parts_add_dir(texts->stats, source, name, &s, err);
	}
	key_parts_add_text(key, "depends", &s);
	return r;
}

bool fingerprint_is_traced(const struct job *job)
{
	return job->shared->can_trace && job->build->sandbox != SANDBOX_KIND_NONE;
}

const char *fingerprint_find_obstacle(const struct job *job)
{
	const struct settings *s = job->shared->settings;

	/* This script may choose a compiler that is not in the key. */
	if (s->build_environment && !fingerprint_is_traced(job))
		return "build_environment is set";
	if (job->build->sandbox != SANDBOX_KIND_NONE && !fingerprint_is_traced(job) &&
		build_shows_unpackaged(s))
		return "the make command names a directory that is not part of the "
		       "distribution";
	if (build_may_use_network(job))
		return "sandbox_network allows its builds to use the network";
	if (job->policy.sandbox.write)
		return "sandbox_write allows its builds to read what others have written";
	if (job->policy.sandbox.paths && !fingerprint_is_traced(job))
		return "sandbox_paths in the file of the package shows it more than others";
	if (ccache_needs_network(s))
		return "ccache uses the network";
	/* A hit skips POST_BUILD. In a sandbox, it cannot make lasting changes anyway. */
	if (job->conf->post_build && job->build->sandbox == SANDBOX_KIND_NONE)
		return "POST_BUILD runs without a sandbox";
	return job->reuse->key_error.what;
}

size_t fingerprint_count_primary(const struct key *key)
{
	size_t n = 0;

	while (n < key->n_parts && !streq(key->parts[n].name, FIRST_CAREFUL_PART))
		n++;
	return n;
}

void fingerprint_primary(const struct key *key, struct digest *ret)
{
	struct key primary = *key;

	primary.n_parts = fingerprint_count_primary(key);
	key_digest(&primary, ret);
}

char *fingerprint_package(struct key_texts *texts, const struct job *job)
{
	char hex[DIGEST_HEX];
	struct digest digest;
	struct key key = {0};
	int r = add_source(texts, job, &key, NULL);

	if (r == 0)
		r = add_overrides(texts, job, &key, NULL);
	add_conf(job, &key);
	key_digest(&key, &digest);
	key_done(&key);
	digest_hex(&digest, hex);
	return r < 0 ? NULL : xstrndup(hex, 16);
}

static const char *const ignored_variables[] = {"parallel_jobs", NULL};

int fingerprint_build(struct key_texts *texts, const struct job *job, bool afresh,
	struct key *ret, struct error *err)
{
	const struct key_text_source files = {
		"kernel-files", job->kernel, NULL, make_kernel_files, true, NULL};
	const struct key_text_source config = {"config", job->kernel, NULL, make_config, true, NULL};
	struct key key = {0};
	int r;

	key_add(&key, "format", FORMAT, strlen(FORMAT));
	add_kernel(job, &key);
	r = add_headers(texts, &key, job, afresh, err);
	if (r == 0)
		r = key_texts_add_part(texts, &key, &files, afresh, err);
	if (r == 0)
		r = key_texts_add_part(texts, &key, &config, afresh, err);
	if (r == 0)
		r = add_source(texts, job, &key, err);
	if (r == 0)
		r = add_overrides(texts, job, &key, err);
	add_conf(job, &key);
	if (r == 0)
		r = add_depends(texts, job, &key, err);
	key_parts_add_common(job, ignored_variables, &key);
	key_parts_add_debug_info(!debug_info_is_unneeded(job), &key);
	if (r == 0 && !fingerprint_is_traced(job))
		r = key_parts_add_careful(texts, job, afresh, &key, err);
	if (r < 0)
		key_done(&key);
	else
		*ret = key;
	return r;
}
