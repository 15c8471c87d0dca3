/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was a build made of, and how? */
#include "config.h"

#include <time.h>

#include "base/file.h"
#include "base/json-text.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"
#include "builder/build/places.h"
#include "builder/host/purl.h"
#include "builder/reuse/observed-values.h"
#include "builder/reuse/provenance-predicate.h"
#include "builder/reuse/reuse.h"

/* What the build depended on, as it is collected. */
struct dependencies {
	json_t *list;
	struct strv paths; /* of those that may belong to a package */
	size_t *at;        /* for each path, its index in list */
};

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_text(text));
}

/* Adds a dependency. real is its path outside of the sandbox, and path the same if the
 * trees were at their default places; both are NULL if it is no file. digest may be NULL.
 */
static void add_dependency(struct dependencies *d, const char *name, const char *path,
	const char *real, const char *digest, const char *kind)
{
	json_t *j = json_object(), *annotations = json_object();
	bool is_dir = streq(kind, "directory");

	set_text(j, "name", name);
	if (path) {
		_cleanup_free_ char *uri = file_uri_new(path);

		set_text(j, "uri", uri);
	}
	if (real && !is_dir) { /* several packages may have files in a directory */
		d->at = xrealloc_array(d->at, d->paths.n + 1, sizeof(*d->at));
		d->at[d->paths.n] = json_array_size(d->list);
		strv_push(&d->paths, real);
	}
	if (digest)
		json_object_set_new(j, "digest",
			json_pack("{s:s}", is_dir ? "dkms-listing" : "sha256", digest));
	set_text(annotations, "kind", kind);
	json_object_set_new(j, "annotations", annotations);
	json_array_append_new(d->list, j);
}

/* Adds the package of each file to its annotations. */
static void add_packages(const struct job *job, struct dependencies *d)
{
	const char **urls = xcalloc(d->paths.n + 1, sizeof(*urls));

	if (job->shared->purls && d->paths.n)
		purl_cache_find(job->shared->purls, &d->paths, urls);
	for (size_t i = 0; i < d->paths.n; i++) {
		json_t *j = json_array_get(d->list, d->at[i]);

		if (urls[i])
			set_text(json_object_get(j, "annotations"), "package", urls[i]);
	}
	free(urls);
}

/* Whether headers of distributions are there. */
static bool is_distribution_path(const char *path)
{
	return path_is_in(path, "/usr/src") || path_is_in(path, "/usr/lib") ||
	       path_is_in(path, "/lib");
}

/* Adds the files and directories of the manifest to d, and its other items to the
 * internal parameters. */
static void add_manifest(const struct job *job, const struct manifest *m,
	struct dependencies *d, json_t *internal)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct manifest_item *item = &m->items[i];
		_cleanup_free_ char *real = observed_real_path(job, item->path);
		const char *path = is_distribution_path(real) ? real : item->path;
		const char *kind = manifest_kind_name(item->kind);
		json_t *group;

		if (item->kind == MANIFEST_FILE || item->kind == MANIFEST_INPUT) {
			add_dependency(d, item->path, path, real, item->value, kind);
			continue;
		}
		if (item->kind == MANIFEST_DIR) {
			add_dependency(
				d, item->path, path, real, item->value, "directory");
			continue;
		}
		group = json_object_get(internal, kind);
		if (!group) {
			group = json_object();
			json_object_set_new(internal, kind, group);
		}
		set_text(group, item->path, item->value);
	}
}

/* Adds the parts of the key, which say what the build may have read. */
static void add_key(const struct key *key, struct dependencies *d)
{
	for (size_t i = 0; i < key->n_parts; i++) {
		char hex[DIGEST_HEX];

		digest_hex(&key->parts[i].digest, hex);
		add_dependency(d, key->parts[i].name, NULL, NULL, hex, "key-part");
	}
}

/* Sets the variables of the environment. Only what dkms and kernels use is shown: others
 * may have secrets in them, so that they are only named. */
static void set_environment(const struct job *job, json_t *internal)
{
	static const char *const shown[] = {"ARCH", "CC", "CROSS_COMPILE", "KCFLAGS",
		"KERNEL_CC", "KERNEL_LD", "LC_ALL", "LD", "LLVM", "PATH",
		SOURCE_DATE_VARIABLE, "arch", "dkms_tree", "install_tree",
		"kernel_config", "kernel_source_dir", "kernelver", "module",
		"module_version", "source_tree", NULL};
	_cleanup_(strv_done) struct strv env = {0};
	json_t *values = json_object(), *names = json_array();

	build_fill_environment(job, &env);
	strv_sort_unique(&env);
	for (size_t i = 0; i < env.n; i++) {
		char *value = strchr(env.items[i], '=');
		bool known = false;

		if (!value)
			continue;
		*value++ = '\0';
		for (size_t j = 0; shown[j]; j++)
			known |= streq(env.items[i], shown[j]);
		if (streq(env.items[i], "parallel_jobs"))
			continue; /* it is not the same everywhere, and changes nothing */
		if (known)
			set_text(values, env.items[i], value);
		else
			json_array_append_new(names, json_text(env.items[i]));
	}
	json_object_set_new(internal, "environment", values);
	json_object_set_new(internal, "otherVariables", names);
}

static json_t *external_parameters(const struct job *job)
{
	_cleanup_free_ char *real = conf_make_command(job->conf, job->kernel->release);
	_cleanup_free_ char *line = places_text(job->build, real);
	_cleanup_(str_done) struct str make = {0};
	json_t *j = json_object(), *patches = json_array();

	conf_add_command(&make, line);
	set_text(j, "module", job->name);
	set_text(j, "version", job->version);
	set_text(j, "kernel", job->kernel->release);
	set_text(j, "arch", job->kernel->arch);
	set_text(j, "make", make.data + strspn(make.data, " "));
	for (size_t i = 0; i < job->conf->patches.n; i++)
		json_array_append_new(patches, json_text(job->conf->patches.items[i]));
	json_object_set_new(j, "patches", patches);
	return j;
}

static const char *sandbox_word(const struct job *job)
{
	switch (job->build->sandbox) {
	case SANDBOX_KIND_UNTRUSTED:
		return "nobody";
	case SANDBOX_KIND_USERNS:
		return "own-user";
	default:
		return "none";
	}
}

static void set_time(json_t *object, const char *key, int64_t seconds)
{
	time_t when = (time_t)seconds;
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &tm));
	set_text(object, key, text);
}

static json_t *run_details(const struct job *job)
{
	_cleanup_free_ char *id = xasprintf("urn:dkms:builder:%s", sandbox_word(job));
	const struct entry *e = &job->reuse->entry;
	json_t *metadata = json_object(), *byproducts = json_array();

	if (!job->shared->settings->source_date.given) {
		int64_t end = e->n_files ? e->made_s : time(NULL);
		int64_t cost = e->n_files ? (int64_t)(e->cost_ms / 1000)
					  : (int64_t)build_elapsed_s(job->build);

		set_time(metadata, "startedOn", end - cost);
		set_time(metadata, "finishedOn", end);
	}
	for (size_t i = 0; i < e->n_files; i++) {
		char hex[DIGEST_HEX];

		if (!has_prefix(e->files[i].name, "module/"))
			continue;
		digest_hex(&e->files[i].digest, hex);
		json_array_append_new(byproducts,
			json_pack("{s:o, s:{s:s}, s:{s:s}}", "name",
				json_text(e->files[i].name + strlen("module/")), "digest",
				"sha256", hex, "annotations", "state",
				"before signing and compression"));
	}
	return json_pack("{s:{s:s, s:{s:s}}, s:o, s:o}", "builder", "id", id, "version",
		"dkms", PACKAGE_VERSION, "metadata", metadata, "byproducts", byproducts);
}

json_t *provenance_predicate(const struct job *job, const struct manifest *manifest)
{
	json_t *internal = json_object();
	struct dependencies d = {.list = json_array()};

	set_text(internal, "sandbox", sandbox_word(job));
	set_environment(job, internal);
	json_object_set_new(internal, "complete", json_boolean(manifest->n > 0));
	if (manifest->n)
		add_manifest(job, manifest, &d, internal);
	else
		add_key(&job->reuse->key, &d);
	add_packages(job, &d);
	strv_done(&d.paths);
	free(d.at);
	return json_pack("{s:{s:s, s:o, s:o, s:o}, s:o}", "buildDefinition", "buildType",
		"urn:dkms:build:1", "externalParameters", external_parameters(job),
		"internalParameters", internal, "resolvedDependencies", d.list,
		"runDetails", run_details(job));
}
