/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a build in which it uses the cache: its key is made, its result is
 * restored or stored.
 *
 * An entry has what make and strip produced, before it is signed and compressed. So keys
 * and signatures are never in the cache. The files of an entry are module/NAME.ko for
 * each module, Module.symvers if there is one, and make.log. Its texts are the manifest
 * and the predicate of the provenance.
 *
 * POST_BUILD runs later, in the sandbox, where it can change only the build directory,
 * which is removed afterwards, and add files to the built ones. The entry has these files,
 * with names that begin with "added/", so that a hit skips the script. A build whose
 * script changes built files, such as one that signs them, is not kept: the result depends
 * on a key, and on how dkms has signed and compressed the modules. The entry is published
 * together with the build, so builds whose POST_BUILD failed are never found in the
 * cache. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/listing.h"
#include "builder/host/module-name.h"
#include "builder/build/build.h"
#include "builder/build/collect.h"
#include "builder/reuse/cached.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/fleet.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/observed.h"
#include "builder/reuse/observed-values.h"
#include "builder/reuse/probe-memo.h"
#include "builder/reuse/provenance.h"
#include "builder/reuse/reuse.h"
#include "builder/reuse/store-objects.h"

/* The name of build_describe_fit()'s text in an entry. */
#define FIT "fit"

/* JOB_FINGERPRINTING */

/* Whether the result is in the local cache, so that no remote one need be asked. */
static bool is_here(const struct job *job)
{
	struct manifest manifest = {0};
	struct entry e = {0};
	bool found = cached_find(job, &e, &manifest);

	entry_done(&e);
	manifest_done(&manifest);
	return found;
}

static int fingerprint_work(struct job *job)
{
	struct reuse *reuse = job->reuse;
	const struct error *why = &reuse->key_error;

	build_look_at_inputs(job);
	/* This is not an error: the build is not cached, and reports itself what it
	 * cannot read. */
	if (fingerprint_build(job->shared->key_texts, job, false, &reuse->key,
		    &reuse->key_error) < 0) {
		key_done(&reuse->key);
		strv_pushf(&job->outcome.notices, "not cached: %s%s%s", why->what,
			why->remedy ? "; " : "", why->remedy ? why->remedy : "");
	} else if (job->shared->fleet) {
		reuse->found = is_here(job);
	}
	return 0;
}

enum transition fingerprint_enter(struct job *job)
{
	if (!job->build || !job->shared->cache || fingerprint_find_obstacle(job))
		return TRANSITION_NEXT;
	job->ask.work = fingerprint_work;
	return TRANSITION_WORK;
}

/* The files of an entry, with their paths in the build. files_done() frees. */
struct files {
	struct cache_file *items;
	size_t n;
};

static void add_file(struct files *f, char *name, char *path)
{
	f->items = xrealloc_array(f->items, f->n + 1, sizeof(*f->items));
	f->items[f->n++] = (struct cache_file){.name = name, .path = path};
}

/* The names in an entry of the files that POST_BUILD has added begin with this. */
#define ADDED "added/"

/* Adds the files of the entry that POST_BUILD has added, and makes their directories. */
static int add_added_files(const struct job *job, const struct entry *e, struct files *ret)
{
	int r = 0;

	for (size_t i = 0; i < e->n_files && r == 0; i++) {
		const char *name = e->files[i].name;
		_cleanup_free_ char *path = NULL, *dir = NULL;

		if (!has_prefix(name, ADDED))
			continue;
		path = path_join(job->build->paths.staging_dir, name + strlen(ADDED));
		if (path_has_dot_dot(path))
			return -EBADMSG;
		dir = path_parent(path);
		r = dir_make(dir, NULL);
		add_file(ret, xstrdup(name), TAKE_PTR(path));
	}
	return r;
}

static void files_done(struct files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].name);
		free(f->items[i].path);
	}
	free(f->items);
}

static void list_files(const struct job *job, struct files *ret)
{
	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = conf_dest_file(m);

		if (!m->excluded)
			add_file(ret, path_join("module", name),
				build_staged_path(job, name));
	}
	add_file(
		ret, xstrdup("Module.symvers"), build_staged_path(job, "Module.symvers"));
	add_file(ret, xstrdup("make.log"), xstrdup(job->build->paths.log));
}

/* JOB_RESTORING */

/* Whether the entry has all the files, apart from Module.symvers, which not every build
 * has. */
static bool is_whole(const struct entry *e, const struct files *files)
{
	for (size_t i = 0; i < files->n; i++)
		if (!streq(files->items[i].name, "Module.symvers") &&
			!entry_file(e, files->items[i].name))
			return false;
	return true;
}

/* Copies the files of the entry to where a build puts them. Returns 0, or a negative
 * errno if the module must be built after all. */
static int restore(struct job *job, const struct entry *e)
{
	_cleanup_(files_done) struct files files = {0};
	_cleanup_free_ char *module_dir = build_staged_path(job, "");
	int r;

	list_files(job, &files);
	if (!is_whole(e, &files))
		return -EBADMSG;
	r = dir_make(module_dir, NULL);
	if (r == 0)
		r = add_added_files(job, e, &files);
	if (r == 0)
		unlink(job->build->paths.log);
	if (r == 0)
		r = cache_restore(job->shared->cache, e, files.items, files.n, 0644);
	return r;
}

bool cached_find(const struct job *job, struct entry *ret, struct manifest *ret_manifest)
{
	struct cache *cache = job->shared->cache;
	struct entry entries[CACHE_SLOTS] = {0};
	struct observed_change change;
	struct digest key;
	size_t n, hit = CACHE_SLOTS;

	fingerprint_primary(&job->reuse->key, &key);
	n = cache_find_variants(cache, &key, entries);
	for (size_t i = 0; i < n && hit == CACHE_SLOTS; i++) {
		if (cache_get_manifest(cache, &entries[i], ret_manifest) < 0)
			continue;
		if (observed_find_changes(job, ret_manifest, &change, 1) == 0) {
			hit = i;
			break;
		}
		free(change.value);
		manifest_done(ret_manifest);
	}
	for (size_t i = 0; i < n; i++) {
		if (i == hit)
			*ret = entries[i];
		else
			entry_done(&entries[i]);
	}
	if (hit < CACHE_SLOTS)
		return true;
	key_digest(&job->reuse->key, &key);
	return cache_find(cache, &key, ret);
}

/* Whether the modules of the entry were found to fit what the job's have to fit. */
static bool is_known_to_fit(const struct job *job, const struct entry *e)
{
	_cleanup_free_ char *fit = build_describe_fit(job);
	_cleanup_(str_done) struct str known = {0};

	return fit && cache_get_text(job->shared->cache, e, FIT, &known) == 0 &&
	       known.data && streq(known.data, fit);
}

/* Returns who has signed the entry, or NULL; the caller frees. */
static char *read_signers(struct cache *cache, const struct entry *e)
{
	_cleanup_(str_done) struct str text = {0};

	return cache_get_text(cache, e, FLEET_SIGNERS, &text) == 0 && text.len
		       ? xstrdup(text.data)
		       : NULL;
}

static int restore_work(struct job *job)
{
	struct build *b = job->build;
	struct cache *cache = job->shared->cache;
	struct entry e = {0};
	int r;

	job->outcome.cache_missed = !cached_find(job, &e, &job->reuse->manifest);
	cache_count_lookup(cache, job->outcome.cache_missed ? NULL : &e);
	if (job->outcome.cache_missed)
		return 0;
	r = build_clear_job_dir(job);
	if (r < 0) {
		entry_done(&e);
		return r;
	}
	if (restore(job, &e) == 0) {
		/* This gives the same warnings as after a build. */
		if (!is_known_to_fit(job, &e))
			r = build_check_staged_modules(job);
		job->outcome.restored = true;
		cache_get_text(cache, &e, PROVENANCE_PREDICATE, &job->reuse->predicate);
		job->reuse->signers = read_signers(cache, &e);
		/* The following states, such as signing, write to the log, too. */
		b->log_fd = open(b->paths.log, O_WRONLY | O_APPEND | O_CLOEXEC);
		if (b->log_fd < 0 && r == 0)
			r = error_errno(&job->outcome.error, -errno, 1, "cannot open %s",
				b->paths.log);
		job->outcome.cost_s = (double)e.cost_ms / 1000;
	}
	job->outcome.cache_missed = !job->outcome.restored;
	if (job->outcome.cache_missed)
		manifest_done(&job->reuse->manifest);
	if (job->outcome.cache_missed)
		r = dir_remove(b->paths.staging_dir, &job->outcome.error);
	entry_done(&e);
	return r;
}

enum transition restore_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;

	/* --force means that the module is built even if it is in the cache. */
	if (!job->build || !job->reuse->key.n_parts ||
		(s->switches.force && !s->remote.only))
		return TRANSITION_NEXT;
	job->ask.work = restore_work;
	return TRANSITION_WORK;
}

/* JOB_STORING */

/* Notes why the build is not kept. */
static void refuse(struct job *job, const char *why)
{
	if (job->outcome.not_kept)
		return;
	job->outcome.not_kept = xstrdup(why);
	strv_pushf(&job->outcome.notices, "not kept: %s", why);
}

static const struct key_part *find_part(const struct key *key, const char *name)
{
	for (size_t i = 0; i < key->n_parts; i++)
		if (streq(key->parts[i].name, name))
			return &key->parts[i];
	return NULL;
}

/* Returns the first difference between two keys: "source: m.c", with the name of the part
 * and of the first of its lines that differ. The caller frees. */
static char *describe_change(const struct key *before, const struct key *after)
{
	for (size_t i = 0; i < before->n_parts; i++) {
		const struct key_part *old = &before->parts[i];
		const struct key_part *new = find_part(after, old->name);
		_cleanup_(strv_done) struct strv lines = {0};
		size_t n;

		if (!new || digest_equal(&old->digest, &new->digest))
			continue;
		n = listing_differences(old->detail ? old->detail : "",
			new->detail ? new->detail : "", 1, &lines);
		if (!n)
			return xstrdup(old->name);
		lines.items[0][strcspn(lines.items[0], " ")] = '\0';
		return n > 1 ? xasprintf("%s: %s and %zu more", old->name, lines.items[0],
				       n - 1)
			     : xasprintf("%s: %s", old->name, lines.items[0]);
	}
	return xstrdup("the set of header directories");
}

/* Returns whether the key is still the same as before the build. If something changed
 * during the build, it is unknown whether the result is from before or after the change,
 * so that the build is not kept. */
static bool is_unchanged(struct job *job)
{
	const struct key *key = &job->reuse->key;
	_cleanup_(error_done) struct error err = {0};
	_cleanup_free_ char *change = NULL, *why = NULL;
	struct key now = {0};
	struct digest before, after;

	if (fingerprint_build(job->shared->key_texts, job, true, &now, &err) < 0) {
		refuse(job, err.what);
		return false;
	}
	key_digest(key, &before);
	key_digest(&now, &after);
	if (!digest_equal(&before, &after))
		change = describe_change(key, &now);
	key_done(&now);
	if (!change)
		return true;
	why = xasprintf("%s changed while it was built", change);
	refuse(job, why);
	return false;
}

/* Without this text, the modules are checked again when they are restored. */
static void store_fit(struct job *job)
{
	char *fit = job->build->fit;
	struct str text = {.data = fit, .len = strlen(fit)};

	(void)cache_store_text(job->shared->cache, FIT, &text, &job->reuse->entry);
}

static int store_work(struct job *job)
{
	_cleanup_(files_done) struct files files = {0};
	struct build *b = job->build;
	size_t n = 0;

	if (fingerprint_is_traced(job) && !b->trace) {
		refuse(job, "what it read could not be recorded");
		return 0;
	}
	if (job->reuse->other_source)
		refuse(job, "others than root can change the source, and it changed "
			    "while it was copied");
	if (b->doubt)
		refuse(job, b->doubt);
	if (b->doubt || job->reuse->other_source || !is_unchanged(job))
		return 0;
	objects_store(job);
	list_files(job, &files);
	for (size_t i = 0; i < files.n; i++) {
		if (path_is_file(files.items[i].path)) {
			struct cache_file here = files.items[i];

			files.items[i] = files.items[n];
			files.items[n++] = here;
		}
	}
	job->reuse->entry = (struct entry){
		.title = job_built_title(job),
		.made_s = time(NULL),
		.cost_ms = (uint64_t)(build_elapsed_s(b) * 1000),
	};
	if (cache_store_files(job->shared->cache, &job->reuse->key, files.items, n,
		    &job->reuse->entry) < 0)
		entry_done(&job->reuse->entry);
	else if (b->fit)
		store_fit(job);
	return 0;
}

enum transition store_enter(struct job *job)
{
	if (!build_is_needed(job) || !job->reuse->key.n_parts)
		return TRANSITION_NEXT;
	job->ask.work = store_work;
	return TRANSITION_WORK;
}

/* Adds what was looked at by the build that compiled the objects which this one linked.
 * Of their inputs only those count that are the same here. */
static void add_origin(struct job *job)
{
	struct objects *o = job->reuse->objects;
	struct manifest *m = &job->reuse->manifest;
	struct manifest inputs = {0};

	if (!o || !o->restored.n)
		return;
	for (size_t i = 0; i < o->origin_manifest.n; i++) {
		const struct manifest_item *item = &o->origin_manifest.items[i];

		manifest_add(m, item->kind, item->path, item->value);
	}
	cache_get_inputs(job->shared->cache, &o->origin, &inputs);
	for (size_t i = 0; i < inputs.n; i++) {
		const struct manifest_item *item = &inputs.items[i];
		_cleanup_free_ char *now = observed_value(job, item->kind, item->path);

		if (streq(now, item->value))
			manifest_add(m, item->kind, item->path, item->value);
	}
	manifest_done(&inputs);
	manifest_sort(m);
}

/* Adds the files of POST_BUILD to the entry, or drops the entry if it may not be kept. */
static void store_post_build(struct job *job)
{
	const struct build *b = job->build;
	struct entry *e = &job->reuse->entry;
	_cleanup_(files_done) struct files files = {0};
	_cleanup_free_ char *why = NULL;

	if (b->changed)
		why = xasprintf("POST_BUILD changes %s", b->changed);
	for (size_t i = 0; i < b->added.n && !why; i++) {
		const char *name = b->added.items[i];
		_cleanup_free_ char *module = module_name_of_file(path_base(name));

		/* It may be a copy of a module that dkms has signed. */
		if (module)
			why = xasprintf("POST_BUILD adds the module %s", name);
		/* A line end would begin another line of the entry. */
		else if (text_has_control(name))
			why = xstrdup("POST_BUILD adds a file with a control character in its name");
		add_file(&files, xasprintf(ADDED "%s", name),
			path_join(b->paths.staging_dir, name));
	}
	if (why)
		refuse(job, why);
	if (why || (files.n && cache_store_more(job->shared->cache, files.items, files.n,
					e) < 0))
		entry_done(e);
}

void cached_observe(struct job *job)
{
	struct reuse *reuse = job->reuse;
	struct cache *cache = job->shared->cache;
	_cleanup_free_ char *why = NULL;
	struct digest primary;
	int r;

	if (!build_is_needed(job))
		return;
	if (reuse->entry.n_files)
		store_post_build(job);
	if (!job->build->trace)
		return;
	r = observed_list(job, &reuse->manifest, &why);
	if (r == 0) {
		add_origin(job);
		probe_memo_add_inputs(job, &reuse->manifest);
		if (reuse->entry.n_files)
			r = cache_store_manifest(
				cache, &reuse->manifest, &reuse->entry);
	}
	if (r == 0 && reuse->objects && reuse->objects->new_entry.n_files)
		r = cache_store_manifest(
			cache, &reuse->manifest, &reuse->objects->new_entry);
	if (r == 0 && reuse->entry.n_files) {
		fingerprint_primary(&reuse->key, &primary);
		cache_make_variant(cache, &primary, &reuse->entry);
		return;
	}
	if (r < 0) {
		if (why && reuse->key.n_parts)
			refuse(job, why);
		entry_done(&reuse->entry);
		if (reuse->objects)
			entry_done(&reuse->objects->new_entry);
	}
}

void cached_commit(struct job *job)
{
	struct entry *e = &job->reuse->entry;

	if (e->n_files)
		cache_commit(job->shared->cache, e,
			e->replaces || job->shared->settings->switches.force);
	objects_commit(job);
	fleet_keep(job, e);
}

struct reuse *reuse_new(void)
{
	return xcalloc(1, sizeof(struct reuse));
}

void reuse_free(struct reuse *r)
{
	if (!r)
		return;
	key_done(&r->key);
	manifest_done(&r->manifest);
	str_done(&r->predicate);
	free(r->signers);
	error_done(&r->key_error);
	entry_done(&r->entry);
	objects_free(r->objects);
	probe_memo_free(r->probes);
	free(r);
}
