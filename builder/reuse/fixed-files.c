/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On which files of a package do all of its objects depend?
 *
 * A package can run anything while it is built, and so it can put any bytes into any of
 * its objects. Another package of that name and version must not be linked with them,
 * although all files that the object was compiled from are the same. So an object is used
 * by a build only if the whole course of the build that stored it was decided by what is
 * the same for both: the key of the objects has the make command, the environment and the
 * names of all files, the manifest has what was read of the system, and the files of the
 * package that were read by anything but the compiler are inputs of each object. What
 * differs then is only text that the compiler has read, and that text changes nothing but
 * the objects that have it in their lists of inputs.
 *
 * This holds for hostile packages, too: as long as a build has done only what these same
 * files, words and programs make it do, it has no code of its own. The first step that
 * gives it some is that it reads a file that is different, and the kernel has reported
 * this before the build can do anything about it (run/readers.h). What it does later, such
 * as writing a false list of inputs, does not help it.
 *
 * All files of the package are fixed
 *
 *   - if the build was not traced, or the kernel could not report everything;
 *   - if the build has executed a file that it had made, or opened one that kbuild does
 *     not make for each module: it may be made of any of the sources;
 *   - if the make command, or one of the files that were read, contains a word with which
 *     the compiler prints what it has read, which then may become a command.
 *
 * PRE_BUILD and patches are not fixed: they end before make starts, and all that they
 * leave is in the listing of the build directory. If they leave something in /tmp, the
 * build takes and stores no objects.
 *
 * Not noticed: a makefile that takes commands from the compiler's messages, or from an
 * object of its own. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/walk.h"
#include "cache/listing.h"
#include "builder/run/trace.h"
#include "builder/build/build.h"
#include "builder/reuse/check-objects.h"
#include "builder/reuse/fixed-files.h"
#include "builder/reuse/reuse.h"

/* A larger file is not searched for words (bytes). */
#define FILE_MAX (16 * 1024 * 1024)

void fixed_files_watch(const struct job *job)
{
	const struct build *b = job->build;
	_cleanup_(walk_done) struct walk w = {0};
	_cleanup_(strv_done) struct strv names = {0};
	const struct walk_entry *e;
	int r = b->trace ? walk_begin(&w, b->work_dir, WALK_SORTED) : -ENOENT;

	while (r == 0 && (e = walk_next(&w)))
		if (e->type == DT_REG)
			strv_push(&names, e->path);
	if (r == 0)
		trace_watch(b->trace, b->work_dir, &names);
}

/* Whether the text has a word that makes the compiler print a source: an option, or a
 * name of the preprocessor. */
static bool prints_sources(const char *text)
{
	static const char *const words[] = {
		"-E", "-S", "-dD", "-dM", "--preprocess", "--assemble", "CPP", "cpp"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (const char *at = text; (at = strstr(at, words[i]));) {
			bool begins = at == text || !isalnum((unsigned char)at[-1]);

			at += strlen(words[i]);
			if (begins && !isalnum((unsigned char)*at))
				return true;
		}
	return false;
}

/* Returns what the listing says of the file, as for inputs_describe_file(). */
static char *describe(const struct job *job, const char *seen)
{
	_cleanup_(str_done) struct str escaped = {0};

	listing_add_escaped(&escaped, seen);
	return inputs_describe_file(&job->reuse->objects->inputs, escaped.data);
}

/* Whether a file that was read cannot have made the compiler print a source. It must still
 * be the one that was there before make. */
static bool is_harmless(const struct job *job, const char *name)
{
	const struct build *b = job->build;
	_cleanup_free_ char *path = path_join(b->work_dir, name);
	_cleanup_free_ char *seen = path_join(b->paths.build_dir, name);
	_cleanup_free_ char *what = describe(job, seen);
	_cleanup_(str_done) struct str text = {0};

	return what && objects_file_is_unchanged(job, path, what) &&
	       beneath_read(b->work_dir, name, FILE_MAX, &text, NULL) == 0 &&
	       strlen(text.data ? text.data : "") == text.len &&
	       !prints_sources(text.data ? text.data : "");
}

static void add_all(const struct inputs *in, struct strv *ret)
{
	for (const char *line = in->files.data; line && *line;) {
		size_t n = strcspn(line, "\n"), name = strcspn(line, " \n");

		if (has_prefix(line + name, " file "))
			strv_take(ret, xstrndup(line, name));
		line += n + (line[n] == '\n');
	}
}

void fixed_files_list(const struct job *job, struct strv *ret)
{
	const struct build *b = job->build;
	const struct objects *o = job->reuse->objects;
	_cleanup_(strv_done) struct strv names = {0};
	bool known = b->trace && trace_list_read(b->trace, &names) &&
		     !prints_sources(job->conf->make);

	for (size_t i = 0; i < names.n && known; i++)
		known = is_harmless(job, names.items[i]);
	if (!known) {
		add_all(&o->inputs, ret);
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *seen = path_join(b->paths.build_dir, names.items[i]);
		struct str escaped = {0};

		listing_add_escaped(&escaped, seen);
		strv_take(ret, str_take(&escaped));
	}
	/* What decided the build that has compiled the objects which this one was given. */
	for (size_t i = 0; i < o->origin_pieces.common.n_inputs; i++) {
		const char *input =
			o->origin_pieces.inputs.items[o->origin_pieces.common.inputs[i]];

		strv_take(ret, xstrndup(input, strcspn(input, " ")));
	}
	strv_sort_unique(ret);
}
