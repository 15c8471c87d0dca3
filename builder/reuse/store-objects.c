/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects are stored in the cache? */
#include "config.h"


#include "base/beneath.h"
#include "base/file.h"
#include "cache/cache.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/reuse/check-objects.h"
#include "builder/reuse/cmdfile.h"
#include "builder/reuse/fixed-files.h"
#include "builder/reuse/kbuild-objects.h"
#include "builder/reuse/kbuild.h"
#include "builder/reuse/reuse.h"
#include "builder/reuse/store-objects.h"

/* Larger than any .cmd file or source (bytes). */
#define FILE_MAX (16 * 1024 * 1024)

/* Whether an object of this source may depend on something that its list of inputs does
 * not contain: the source cannot be read, or contains a word with which it can make the
 * assembler or the compiler read a file that is not a listed dependency, use the time,
 * use options by composed names, or give genksyms(8), which computes the versions of
 * symbols, another text. path is below the build directory. */
static bool has_unlisted_inputs(const struct build *b, const char *path)
{
	static const char *const words[] = {"incbin", ".include", "__DATE__", "__TIME__",
		"__TIMESTAMP__", "system_header", "CONFIG_##", "CONFIG_ ##", "##CONFIG",
		"## CONFIG", "__GENKSYMS__"};
	_cleanup_(str_done) struct str text = {0};

	if (beneath_read(b->work_dir, path + strlen(b->work_dir) + 1, FILE_MAX, &text,
		    NULL) < 0)
		return true;
	if (strlen(text.data) != text.len)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(text.data, words[i]))
			return true;
	return false;
}

/* Returns a file that an object depends on as an input, "NAME VALUE"; the caller frees.
 * NAME is its path as make sees it, VALUE is from the listing before make. Returns NULL
 * if the file cannot be compared with that of another build: objects.h says which files
 * these are. */
static char *describe_input(const struct job *job, const char *seen)
{
	const struct build *b = job->build;
	_cleanup_free_ char *name = xstrdup(seen);
	_cleanup_free_ char *what =
		strstr(seen, "/..")
			? NULL
			: inputs_describe_file(&job->reuse->objects->inputs, seen);
	_cleanup_free_ char *path = build_real_path(b, name);

	if (path && path_is_below(seen, b->paths.build_dir) &&
		objects_path_has_new_link(job->reuse->objects, path))
		return NULL;
	if (!what && path) {
		/* The listing has the file under another path, without links and "..". */
		_cleanup_free_ char *real = realpath(path, NULL);
		char *other = real ? build_sandbox_path(b, real) : NULL;

		if (!other)
			return NULL;
		free(name);
		name = other;
		what = inputs_describe_file(&job->reuse->objects->inputs, name);
		free(path);
		path = build_real_path(b, name);
	}
	if (!what || !path)
		return NULL;
	if (path_is_below(name, b->paths.build_dir) &&
		(!objects_file_is_unchanged(job, path, what) ||
			has_unlisted_inputs(b, path)))
		return NULL;
	return xasprintf("%s %s", name, what);
}

/* What all objects depend on, and which inputs of the pieces these are. */
struct numbers {
	struct strv files, options; /* sorted; options without CONFIG_ */
	size_t *file_numbers; /* of the inputs, one for each of files; SIZE_MAX: the file
				     * cannot be compared */
	size_t first_option;  /* number of the input of options.items[0]; the others
				     * follow */
};

static void numbers_done(struct numbers *n)
{
	strv_done(&n->files);
	strv_done(&n->options);
	free(n->file_numbers);
}

/* Appends to pieces the inputs of all objects, each once. */
static void number_inputs(const struct job *job, const struct kbuild_objects *all,
	struct pieces *pieces, struct numbers *ret)
{
	for (size_t i = 0; i < all->n; i++) {
		strv_extend(&ret->files, &all->items[i].files);
		strv_extend(&ret->options, &all->items[i].options);
	}
	strv_sort_unique(&ret->files);
	strv_sort_unique(&ret->options);
	ret->file_numbers = xcalloc(ret->files.n + 1, sizeof(*ret->file_numbers));
	for (size_t i = 0; i < ret->files.n; i++) {
		char *input = describe_input(job, ret->files.items[i]);

		ret->file_numbers[i] = input ? pieces->inputs.n : SIZE_MAX;
		if (input)
			strv_take(&pieces->inputs, input);
	}
	ret->first_option = pieces->inputs.n;
	for (size_t i = 0; i < ret->options.n; i++) {
		_cleanup_free_ char *value =
			kbuild_option_value(job->reuse->objects->inputs.kernel.options,
				ret->options.items[i]);

		strv_pushf(&pieces->inputs, "CONFIG_%s %s", ret->options.items[i], value);
	}
}

/* Appends to pieces the files on which all objects depend. Returns false if one of them
 * is not in the listing. */
static bool add_common(const struct job *job, struct pieces *pieces)
{
	_cleanup_(strv_done) struct strv fixed = {0};

	fixed_files_list(job, &fixed);
	for (size_t i = 0; i < fixed.n; i++) {
		_cleanup_free_ char *what = inputs_describe_file(
			&job->reuse->objects->inputs, fixed.items[i]);

		if (!what)
			return false;
		piece_add_input(&pieces->common, pieces->inputs.n);
		strv_pushf(&pieces->inputs, "%s %s", fixed.items[i], what);
	}
	return true;
}

static size_t find_file_number(const struct numbers *n, const char *file)
{
	return n->file_numbers[strv_find_sorted(&n->files, file)];
}

/* Appends the piece of an object. Returns false if the object has an input that cannot be
 * compared. */
static bool add_piece(const struct kbuild_object *o, const struct numbers *numbers,
	struct pieces *pieces)
{
	struct piece *piece;

	for (size_t i = 0; i < o->files.n; i++)
		if (find_file_number(numbers, o->files.items[i]) == SIZE_MAX)
			return false;
	piece = pieces_add(pieces);
	strv_push(&piece->files, o->name);
	strv_push(&piece->files, o->cmd_name);
	for (size_t i = 0; i < o->files.n; i++)
		piece_add_input(piece, find_file_number(numbers, o->files.items[i]));
	for (size_t i = 0; i < o->options.n; i++)
		piece_add_input(piece,
			numbers->first_option +
				strv_find_sorted(&numbers->options, o->options.items[i]));
	return true;
}

/* Appends the words of the command line in a .cmd file. */
static void split_command(const struct str *text, struct strv *ret)
{
	_cleanup_(cmdfile_done) struct cmdfile cmd = {0};

	if (text->data && cmdfile_parse(text->data, &cmd) == 0)
		strv_split(ret, cmd.command);
}

/* Returns the first of the words that is not among the others, or NULL. */
static const char *find_missing_word(const struct strv *words, const struct strv *others)
{
	for (size_t i = 0; i < words->n; i++)
		if (!strv_contains(others, words->items[i]))
			return words->items[i];
	return NULL;
}

/* Writes to make.log that make compiled an object although it was restored, and how the
 * command line differs. */
static void log_recompiled(const struct job *job, const struct kbuild_object *object)
{
	const struct build *b = job->build;
	const struct entry_file *stored =
		entry_file(&job->reuse->objects->origin, object->cmd_name);
	_cleanup_(str_done) struct str was = {0}, is = {0};
	_cleanup_(strv_done) struct strv before = {0}, now = {0};
	const char *word, *change;

	if (stored && store_get_bytes(cache_store(job->shared->cache), &stored->digest,
			      &was) == 0)
		split_command(&was, &before);
	if (beneath_read(b->work_dir, object->cmd_name, FILE_MAX, &is, NULL) == 0)
		split_command(&is, &now);
	word = find_missing_word(&now, &before);
	change = "is new";
	if (!word) {
		word = find_missing_word(&before, &now);
		change = "is gone";
	}
	if (word)
		buildlog_add_note(b->log_fd,
			"%s, compiled again by make: %s: command line: %s %s",
			OBJECTS_NOTE, object->name, word, change);
	else
		buildlog_add_note(b->log_fd, "%s, compiled again by make: %s",
			OBJECTS_NOTE, object->name);
}

/* Puts the pieces into the cache, and sets new_entry. */
static void store_pieces(struct job *job, const struct pieces *p)
{
	struct build *b = job->build;
	struct objects *o = job->reuse->objects;
	struct cache_file *files = xcalloc(2 * p->n + 1, sizeof(*files));
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		for (size_t j = 0; j < p->items[i].files.n; j++, n++)
			files[n] = (struct cache_file){.name = p->items[i].files.items[j],
				.path = p->items[i].files.items[j],
				.beneath = b->work_dir};
	o->new_entry = (struct entry){
		.title = xasprintf(OBJECTS_TITLE "%s/%s %s %s", job->name, job->version,
			job->kernel->release, job->kernel->arch),
		.made_s = time(NULL),
		.cost_ms = (uint64_t)(build_elapsed_s(b) * 1000),
	};
	if (cache_store_pieces(job->shared->cache, &o->key, p, files, n, &o->new_entry) <
		0)
		entry_done(&o->new_entry);
	free(files);
}

void objects_store(struct job *job)
{
	struct build *b = job->build;
	struct objects *o = job->reuse->objects;
	_cleanup_(kbuild_objects_done) struct kbuild_objects all = {0};
	_cleanup_(numbers_done) struct numbers numbers = {0};
	_cleanup_(pieces_done) struct pieces p = {0};
	_cleanup_free_ char *made = NULL, *prepared = NULL;
	bool has_common;

	if (!o)
		return;
	kbuild_objects_find(b, &all);
	number_inputs(job, &all, &p, &numbers);
	for (size_t i = 0; i < all.n; i++) {
		if (!add_piece(&all.items[i], &numbers, &p))
			continue;
		if (objects_was_reused(job, all.items[i].name)) {
			o->n_reused++;
			continue;
		}
		o->n_compiled++;
		if (strv_contains(&o->restored, all.items[i].name))
			log_recompiled(job, &all.items[i]);
	}
	has_common = add_common(job, &p);
	made = objects_digest_made_files(job);
	prepared = objects_digest_preparation(job);
	p.note = xasprintf("%s %s", made, prepared);
	if (o->n_compiled && has_common) {
		store_pieces(job, &p);
	} else if (o->n_reused && o->n_reused == o->origin_pieces.n) {
		job->outcome.linked_from = objects_origin_release(&o->origin);
		job->outcome.cost_s = (double)o->origin.cost_ms / 1000;
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
		saved_ms = (int64_t)o->origin.cost_ms -
			   (int64_t)(build_elapsed_s(job->build) * 1000);
	cache_count_pieces(cache, &o->origin, o->n_reused, o->n_compiled, saved_ms);
	if (o->new_entry.n_files)
		cache_commit_pieces(cache, &o->new_entry);
}
