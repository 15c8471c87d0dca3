/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects need not be compiled, since a build of the package for another kernel, or
 * of a source that differs elsewhere, has made the same?
 *
 * After a build, each object that kbuild has compiled is kept with its .cmd file and the
 * list of its inputs: each file that the compiler read, by content, and each CONFIG
 * option that these mention, by value. Before make of another build, with the same key
 * (fingerprint_objects), those whose inputs are all the same are put into the build
 * directory. kbuild finds them newer than all they depend on and made by the same command
 * line, and links them; what it does not find so, it compiles. So an object is used only
 * if the cache and kbuild agree on it.
 *
 * Paths must be the same for all kernels, which takes a sandbox and a known layout of
 * headers (header_mounts_list). Left to the compiler, and to ccache, are objects
 *   - that depend on a file which make itself has made, or which a link leads to that it has
 *     made, or which lies outside of the build directory and the kernel's trees;
 *   - of sources that can read more than the list says: see has_secret_inputs();
 *   - that are not compiled by kbuild, and those that kbuild makes of its own source for each
 *     module, .module-common.o, with the kernel's release in it.
 *   - whose command reads more than the list says, or that were changed after it.
 * When make was given objects and fails, or leaves other files than it did when these
 * were made, or changes some that they depend on, the build starts over without. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/listing.h"
#include "builder/build/buildlog.h"
#include "builder/reuse/cmdfile.h"
#include "builder/reuse/inputs.h"
#include "builder/reuse/kbuild-objects.h"
#include "builder/reuse/kbuild.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/reuse.h"

/* Larger than any .cmd file or source (bytes). */
#define FILE_MAX (16 * 1024 * 1024)

struct objects {
	struct view view;	 /* the build directory before make, and the kernel */
	struct timespec began;	 /* what has changed in it since was changed by make */
	struct key key;
	struct entry source;	 /* that objects came from; no files: none */
	struct strv given;	 /* their names */
	struct stat *given_stat; /* when they were put there */
	struct pieces pieces;	 /* that source has */
	struct entry entry;	 /* to be published with the build; no files: none */
	size_t used, made;	 /* objects that make took, and that it compiled */
};

void objects_free(struct objects *o)
{
	if (!o)
		return;
	view_done(&o->view);
	key_done(&o->key);
	entry_done(&o->source);
	strv_done(&o->given);
	free(o->given_stat);
	pieces_done(&o->pieces);
	entry_done(&o->entry);
	free(o);
}

/* JOB_LINKING */

static bool is_same(const void *view, const char *name, const char *value)
{
	return view_is_same(view, name, value);
}

/* A file may come to the name below the build directory: nothing is there, and the
 * directory is a real one, so that nobody leads us elsewhere. */
static bool is_free(const struct build *b, const char *name)
{
	_cleanup_free_ char *path = path_join(b->work_dir, name);
	_cleanup_free_ char *dir = path_parent(path);
	_cleanup_free_ char *real = realpath(dir, NULL);
	_cleanup_free_ char *work = realpath(b->work_dir, NULL);

	return real && work && path_is_in(real, work) &&
	       streq(real + strlen(work), dir + strlen(b->work_dir)) &&
	       !path_exists(path);
}

static int give_piece(struct job *job, const struct entry *e, const struct piece *piece)
{
	struct build *b = job->build;
	struct objects *o = job->reuse->objects;
	struct cache_file files[2];
	size_t n = 0;
	int r = piece->files.n == ARRAY_SIZE(files) ? 0 : -EBADMSG;

	for (size_t i = 0; i < piece->files.n && r == 0; i++) {
		if (!is_free(b, piece->files.items[i]))
			r = -EEXIST;
	}
	if (r < 0)
		return r;
	for (; n < piece->files.n; n++)
		files[n] = (struct cache_file){piece->files.items[n],
			path_join(b->work_dir, piece->files.items[n])};
	r = cache_restore_piece(job->shared->cache, e, files, n, 0644);
	for (size_t i = 0; i < n && r == 0 && b->sandbox == SANDBOX_KIND_UNTRUSTED; i++)
		if (lchown(files[i].path, SANDBOX_UID, SANDBOX_UID) < 0)
			r = -errno;
	if (r == 0) {
		o->given_stat = xrealloc_array(o->given_stat, o->given.n + 1,
			sizeof(*o->given_stat));
		if (lstat(files[0].path, &o->given_stat[o->given.n]) == 0)
			strv_push(&o->given, piece->files.items[0]);
		else
			r = -errno;
	}
	for (size_t i = 0; i < n; i++) {
		if (r < 0)
			unlink(files[i].path);
		free(files[i].path);
	}
	return r;
}

/* The log tells what comes from the cache, and why not the rest. */
static void log_given(const struct job *job, const char *title, const struct pieces *p,
	const size_t *changed)
{
	const struct build *b = job->build;
	_cleanup_(strv_done) struct strv changes = {0};

	buildlog_add_note(b->log_fd, "%s: %zu of %zu, %s", OBJECTS_NOTE,
		job->reuse->objects->given.n, p->n, title + strlen(OBJECTS_TITLE));
	view_add_changes(&job->reuse->objects->view, p, changed, &changes);
	for (size_t i = 0; i < changes.n; i++)
		buildlog_add_note(
			b->log_fd, "%s, not %s", OBJECTS_NOTE, changes.items[i]);
}

/* Takes the one of the entries that has most objects for us; n of them. */
static void give_best(struct job *job, struct entry *entries, size_t n)
{
	struct objects *o = job->reuse->objects;
	struct pieces best = {0};
	_cleanup_free_ size_t *best_changed = NULL;
	size_t best_n = 0, best_at = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ size_t *changed = NULL;
		struct pieces p = {0};
		size_t n_valid;

		if (cache_get_pieces(job->shared->cache, &entries[i], &p) < 0)
			continue;
		changed = xcalloc(p.n + 1, sizeof(*changed));
		n_valid = pieces_check(&p, is_same, &o->view, changed);
		if (!best_changed || n_valid > best_n) {
			struct pieces worse = best;
			size_t *its = best_changed;

			best = p;
			p = worse;
			best_changed = changed;
			changed = its;
			best_n = n_valid;
			best_at = i;
		}
		pieces_done(&p);
	}
	for (size_t i = 0; i < best.n; i++)
		if (best_changed[i] == PIECE_VALID &&
			give_piece(job, &entries[best_at], &best.items[i]) == -EBADMSG)
			break;
	if (best_changed)
		log_given(job, entries[best_at].title, &best, best_changed);
	if (o->given.n) {
		o->source = entries[best_at];
		entries[best_at] = (struct entry){0};
		o->pieces = best;
		best = (struct pieces){0};
	}
	pieces_done(&best);
}

static int link_work(struct job *job)
{
	struct build *b = job->build;
	struct objects *o = xcalloc(1, sizeof(*o));
	struct entry entries[CACHE_SLOTS] = {0};
	_cleanup_free_ char *names = NULL;
	size_t n;

	objects_free(job->reuse->objects);
	job->reuse->objects = NULL;
	clock_gettime(CLOCK_REALTIME, &o->began);
	if (view_read(cache_stats(job->shared->cache), b->work_dir, b->paths.build_dir,
		    &b->header_mounts, &o->view) < 0) {
		objects_free(o);
		return 0;
	}
	names = view_names(&o->view);
	if (fingerprint_objects(
		    job->shared->key_texts, job, names, &o->view.kernel, &o->key) < 0) {
		objects_free(o);
		return 0;
	}
	job->reuse->objects = o;
	/* Who forces a build wants it made; what comes of it is kept. */
	if (job->reuse->from_scratch || job->shared->settings->switches.force)
		return 0;
	n = cache_find_pieces(job->shared->cache, &o->key, entries);
	give_best(job, entries, n);
	for (size_t i = 0; i < n; i++)
		entry_done(&entries[i]);
	return 0;
}

const char *objects_obstacle(const struct job *job)
{
	const struct build *b = job->build;

	if (!b || !job->reuse->key.n_parts)
		return "what the build depends on is not known";
	if (job->shared->settings->kernel.config)
		return "with --config it is not known what kbuild looks at";
	if (b->sandbox == SANDBOX_KIND_NONE)
		return "without a sandbox each kernel has its own paths";
	return b->header_mounts.n
		       ? NULL
		       : "paths of these headers cannot be the same for all kernels";
}

enum phase link_enter(struct job *job)
{
	if (!build_is_needed(job) || objects_obstacle(job))
		return PHASE_NEXT;
	job->ask.work = link_work;
	return PHASE_WORK;
}

/* After make */

bool objects_are_used(const struct job *job)
{
	return job->reuse->objects && job->reuse->objects->given.n;
}

/* Files that kbuild makes in any case. */
static bool is_product(const char *name)
{
	static const char *const suffixes[] = {".a", ".cmd", ".d", ".ko", ".mod", ".mod.c", ".o",
		".order", ".symvers"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (has_suffix(name, suffixes[i]))
			return true;
	return false;
}

/* What list_made() fills. */
struct made {
	const struct line_index *before; /* the files that were there before make */
	struct str list;
};

static void list_made(void *userdata, const struct build *b, const char *name)
{
	struct made *made = userdata;
	_cleanup_free_ char *seen = path_join(b->paths.build_dir, name),
			    *path = path_join(b->work_dir, name);
	_cleanup_(str_done) struct str escaped = {0};
	_cleanup_free_ char *target = NULL;
	size_t n;

	if (is_product(name))
		return;
	listing_add_escaped(&escaped, seen);
	str_add(&made->list, escaped.data);
	/* No object is kept that was made by way of a new one, wherever it leads. */
	if (line_index_find(made->before, escaped.data, &n) && link_read(path, &target) == 0)
		str_addf(&made->list, " link %s", target);
	str_add(&made->list, "\n");
}

/* The note of pieces is two digests: of the names of files that make has left, but for
 * kbuild's own, and where links lead; and of what the package and the administrator gave
 * patches and scripts to work on. */

static char *note_made(const struct job *job)
{
	struct made made = {.before = job->reuse->objects->view.index};
	struct digest digest;
	char hex[DIGEST_HEX];

	build_walk(job->build, list_made, &made);
	digest_bytes(made.list.data ? made.list.data : "", made.list.len, &digest);
	str_done(&made.list);
	digest_hex(&digest, hex);
	return xstrdup(hex);
}

static char *note_preparation(const struct job *job)
{
	static const char *const parts[] = {"source", "overrides", "depends"};
	const struct key *key = &job->reuse->key;
	struct digester d;
	struct digest digest;
	char hex[DIGEST_HEX];

	digester_begin(&d);
	for (size_t i = 0; i < key->n_parts; i++)
		for (size_t j = 0; j < ARRAY_SIZE(parts); j++)
			if (streq(key->parts[i].name, parts[j]))
				digester_add(&d, key->parts[i].digest.bytes, DIGEST_SIZE);
	digester_end(&d, &digest);
	digest_hex(&digest, hex);
	return xstrdup(hex);
}

bool objects_same_preparation(const struct job *job, const struct pieces *p)
{
	_cleanup_free_ char *now = note_preparation(job);

	return p->note && has_suffix(p->note, now);
}

/* Words in a source that let the assembler or the compiler read what no list of
 * dependencies names, make something of the time, or look at options by names that are
 * put together, or tell what makes symbol versions something else. */
static bool has_secret_inputs(const char *path)
{
	static const char *const words[] = {"incbin", ".include", "__DATE__", "__TIME__",
		"__TIMESTAMP__", "system_header", "CONFIG_##", "CONFIG_ ##", "##CONFIG",
		"## CONFIG", "__GENKSYMS__"};
	_cleanup_(str_done) struct str text = {0};

	if (file_read(path, FILE_MAX, &text, NULL) < 0 || !text.data)
		return true;
	if (strlen(text.data) != text.len)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(text.data, words[i]))
			return true;
	return false;
}

/* The file in the build directory is still what it was before make. */
static bool is_untouched(const struct job *job, const char *path, const char *was)
{
	struct digest digest;
	struct stat st;
	char hex[DIGEST_HEX];

	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
		statcache_digest(cache_stats(job->shared->cache), AT_FDCWD, path, &st,
			&digest) < 0)
		return false;
	digest_hex(&digest, hex);
	return has_suffix(was, hex);
}

static bool is_since(const struct stat *st, const struct timespec *began)
{
	return timespec_ns(&st->st_ctim) > timespec_ns(began);
}

/* make has made a link on the way to a file, or one that such a link leads to. */
static bool is_led(const struct objects *o, const char *path, int depth)
{
	for (const char *end = path + 1; *end;) {
		_cleanup_free_ char *partial = NULL, *target = NULL, *next = NULL;
		struct stat st;
		int dir;

		end += strcspn(end, "/");
		partial = xstrndup(path, (size_t)(end - path));
		end += *end == '/';
		if (lstat(partial, &st) < 0 || !S_ISLNK(st.st_mode))
			continue;
		if (is_since(&st, &o->began) || depth == 8 || link_read(partial, &target) < 0)
			return true;
		dir = *target == '/' ? 0 : (int)(path_base(partial) - partial);
		next = xasprintf("%.*s%s/%s", dir, partial, target, end);
		return is_led(o, next, depth + 1);
	}
	return false;
}

/* make has changed the file of an input, "NAME VALUE". */
static bool is_touched(const struct job *job, const char *input)
{
	const struct build *b = job->build;
	_cleanup_free_ char *name = xstrndup(input, strcspn(input, " "));
	_cleanup_free_ char *path =
		path_is_below(name, b->paths.build_dir) ? build_real_path(b, name) : NULL;
	struct stat st;

	if (!path)
		return false;
	return lstat(path, &st) < 0 || (is_since(&st, &job->reuse->objects->began) &&
					       !is_untouched(job, path, input));
}

/* "NAME VALUE" of a file that an object depends on; caller frees; NULL when it is one
 * that cannot be compared. */
static char *input_of(const struct job *job, const char *seen)
{
	const struct build *b = job->build;
	_cleanup_free_ char *name = xstrdup(seen);
	_cleanup_free_ char *what =
		strstr(seen, "/..") ? NULL
				    : view_describe(&job->reuse->objects->view, seen);
	_cleanup_free_ char *path = build_real_path(b, name);

	if (path && path_is_below(seen, b->paths.build_dir) &&
		is_led(job->reuse->objects, path, 0))
		return NULL;
	if (!what && path) {
		/* By another way: links, "..". */
		_cleanup_free_ char *real = realpath(path, NULL);
		char *other = real ? build_sandbox_path(b, real) : NULL;

		if (!other)
			return NULL;
		free(name);
		name = other;
		what = view_describe(&job->reuse->objects->view, name);
		free(path);
		path = build_real_path(b, name);
	}
	if (!what || !path)
		return NULL;
	if (path_is_below(name, b->paths.build_dir) &&
		(!is_untouched(job, path, what) || has_secret_inputs(path)))
		return NULL;
	return xasprintf("%s %s", name, what);
}

/* All that the objects depend on, as inputs of ret. */
struct inputs {
	struct strv read, configs; /* sorted */
	size_t *read_number;	   /* of the input; SIZE_MAX: cannot be compared */
	size_t first_config;	   /* the number of the first of configs */
};

static void inputs_done(struct inputs *in)
{
	strv_done(&in->read);
	strv_done(&in->configs);
	free(in->read_number);
}

static void number_inputs(const struct job *job, const struct compiled *all,
	struct pieces *pieces, struct inputs *ret)
{
	for (size_t i = 0; i < all->n; i++) {
		strv_extend(&ret->read, &all->items[i].read);
		strv_extend(&ret->configs, &all->items[i].configs);
	}
	strv_sort_unique(&ret->read);
	strv_sort_unique(&ret->configs);
	ret->read_number = xcalloc(ret->read.n + 1, sizeof(*ret->read_number));
	for (size_t i = 0; i < ret->read.n; i++) {
		char *input = input_of(job, ret->read.items[i]);

		ret->read_number[i] = input ? pieces->inputs.n : SIZE_MAX;
		if (input)
			strv_take(&pieces->inputs, input);
	}
	ret->first_config = pieces->inputs.n;
	for (size_t i = 0; i < ret->configs.n; i++) {
		_cleanup_free_ char *value = kbuild_option(
			job->reuse->objects->view.kernel.options, ret->configs.items[i]);

		strv_pushf(&pieces->inputs, "CONFIG_%s %s", ret->configs.items[i], value);
	}
}

/* Adds the object's piece; false when it has an input that cannot be compared. */
static bool add_piece(const struct object *o, const struct inputs *in, struct pieces *pieces)
{
	struct piece *piece;

	for (size_t i = 0; i < o->read.n; i++)
		if (in->read_number[strv_find_sorted(&in->read, o->read.items[i])] ==
			SIZE_MAX)
			return false;
	piece = pieces_add(pieces);
	strv_push(&piece->files, o->name);
	strv_push(&piece->files, o->cmd_name);
	for (size_t i = 0; i < o->read.n; i++)
		piece_add_input(piece,
			in->read_number[strv_find_sorted(&in->read, o->read.items[i])]);
	for (size_t i = 0; i < o->configs.n; i++)
		piece_add_input(piece, in->first_config + strv_find_sorted(&in->configs,
								  o->configs.items[i]));
	return true;
}

/* make has not touched the object that it was given. */
static bool is_given(const struct job *job, const char *name)
{
	const struct objects *o = job->reuse->objects;
	_cleanup_free_ char *path = path_join(job->build->work_dir, name);
	struct stat st;

	for (size_t i = 0; i < o->given.n; i++)
		if (streq(o->given.items[i], name))
			return lstat(path, &st) == 0 &&
			       st.st_ino == o->given_stat[i].st_ino &&
			       st.st_size == o->given_stat[i].st_size &&
			       st.st_mtim.tv_sec == o->given_stat[i].st_mtim.tv_sec &&
			       st.st_mtim.tv_nsec == o->given_stat[i].st_mtim.tv_nsec;
	return false;
}

/* make has taken an object, and then changed what it depends on to something that is
 * older. */
static bool is_outdated(const struct job *job)
{
	const struct objects *o = job->reuse->objects;
	const struct pieces *p = &o->pieces;
	_cleanup_free_ bool *touched = xcalloc(p->inputs.n + 1, sizeof(*touched));

	for (size_t i = 0; i < p->inputs.n; i++)
		touched[i] = is_touched(job, p->inputs.items[i]);
	for (size_t i = 0; i < p->n; i++)
		for (size_t j = 0; j < p->items[i].n_inputs; j++)
			if (touched[p->items[i].inputs[j]] &&
				is_given(job, p->items[i].files.items[0]))
				return true;
	return false;
}

bool objects_fit(const struct job *job)
{
	const struct objects *o = job->reuse->objects;
	_cleanup_free_ char *made = NULL;

	if (!objects_are_used(job))
		return true;
	made = note_made(job);
	return o->pieces.note && has_prefix(o->pieces.note, made) && !is_outdated(job);
}

/* The command of a .cmd file, word by word. */
static void split_command(const struct str *text, struct strv *ret)
{
	_cleanup_(cmdfile_done) struct cmdfile cmd = {0};

	if (text->data && cmdfile_parse(text->data, &cmd) == 0)
		strv_split(ret, cmd.command);
}

static const char *find_other(const struct strv *words, const struct strv *but)
{
	for (size_t i = 0; i < words->n; i++)
		if (!strv_contains(but, words->items[i]))
			return words->items[i];
	return NULL;
}

/* make has compiled what it was given: the log tells what it found in the command
 * line. */
static void log_compiled(const struct job *job, const struct object *object)
{
	const struct build *b = job->build;
	const struct entry_file *given =
		entry_file(&job->reuse->objects->source, object->cmd_name);
	_cleanup_free_ char *path = path_join(b->work_dir, object->cmd_name);
	_cleanup_(str_done) struct str was = {0}, is = {0};
	_cleanup_(strv_done) struct strv before = {0}, now = {0};
	const char *gone, *new;

	if (given && store_get_bytes(cache_store(job->shared->cache), &given->digest, &was) == 0)
		split_command(&was, &before);
	if (file_read(path, FILE_MAX, &is, NULL) == 0)
		split_command(&is, &now);
	new = find_other(&now, &before);
	gone = find_other(&before, &now);
	buildlog_add_note(b->log_fd, "%s, compiled by make all the same: %s%s%s%s",
		OBJECTS_NOTE, object->name, new || gone ? ": command line: " : "",
		new    ? new
		: gone ? gone
		       : "",
		new    ? " is new"
		: gone ? " is gone"
		       : "");
}

/* Puts the pieces into the cache. */
static void put_pieces(struct job *job, const struct pieces *p)
{
	struct build *b = job->build;
	struct objects *o = job->reuse->objects;
	struct cache_file *files = xcalloc(2 * p->n + 1, sizeof(*files));
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		for (size_t j = 0; j < p->items[i].files.n; j++, n++)
			files[n] = (struct cache_file){p->items[i].files.items[j],
				path_join(b->work_dir, p->items[i].files.items[j])};
	o->entry = (struct entry){
		.title = xasprintf(OBJECTS_TITLE "%s/%s %s %s", job->name, job->version,
			job->kernel->release, job->kernel->arch),
		.made_s = time(NULL),
		.cost_ms = (uint64_t)(build_elapsed_s(b) * 1000),
	};
	if (cache_store_pieces(job->shared->cache, &o->key, p, files, n, &o->entry) < 0)
		entry_done(&o->entry);
	for (size_t i = 0; i < n; i++)
		free(files[i].path);
	free(files);
}

/* Of the title "objects NAME/VERSION KERNEL ARCH". */
char *objects_kernel(const struct entry *e)
{
	_cleanup_(strv_done) struct strv words = {0};

	strv_split(&words, e->title);
	return words.n == 4 ? xstrdup(words.items[2]) : NULL;
}

void objects_store(struct job *job)
{
	struct build *b = job->build;
	struct objects *o = job->reuse->objects;
	_cleanup_(compiled_done) struct compiled all = {0};
	_cleanup_(inputs_done) struct inputs inputs = {0};
	_cleanup_(pieces_done) struct pieces p = {0};
	_cleanup_free_ char *made = NULL, *prepared = NULL;

	if (!o)
		return;
	compiled_find(b, &all);
	number_inputs(job, &all, &p, &inputs);
	for (size_t i = 0; i < all.n; i++) {
		if (!add_piece(&all.items[i], &inputs, &p))
			continue;
		if (is_given(job, all.items[i].name)) {
			o->used++;
			continue;
		}
		o->made++;
		if (strv_contains(&o->given, all.items[i].name))
			log_compiled(job, &all.items[i]);
	}
	made = note_made(job);
	prepared = note_preparation(job);
	p.note = xasprintf("%s %s", made, prepared);
	if (o->made) {
		put_pieces(job, &p);
	} else if (o->used && o->used == o->pieces.n) {
		job->outcome.linked_from = objects_kernel(&o->source);
		job->outcome.cost_s = (double)o->source.cost_ms / 1000;
	}
}

void objects_commit(struct job *job)
{
	struct objects *o = job->reuse->objects;
	struct cache *cache = job->shared->cache;
	int64_t saved_ms = 0;

	if (!o)
		return;
	if (job->outcome.linked_from)
		saved_ms = (int64_t)o->source.cost_ms -
			   (int64_t)(build_elapsed_s(job->build) * 1000);
	cache_used_pieces(cache, &o->source, o->used, o->made, saved_ms);
	if (o->entry.n_files)
		cache_commit_pieces(cache, &o->entry);
}
