/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do all objects of a build depend on? */
#include "config.h"

#include "builder/host/header-trees.h"
#include "builder/build/build.h"
#include "builder/build/debug-info.h"
#include "builder/build/places.h"
#include "builder/reuse/fingerprint-objects.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/kbuild.h"
#include "builder/reuse/key-parts.h"

#define FORMAT "dkms objects 13\n"

/* Variables that are not in the key. All but the first describe the kernel. If a makefile
 * uses them, the command lines of its objects show it, and make compares those. */
static const char *const ignored_variables[] = {
	"parallel_jobs", "kernelver", "kernel_source_dir", "kernel_config", NULL};

/* Under the lock: returns the listings of all directories of the kernel's headers. */
static struct key_text *get_headers(struct key_texts *texts, struct kernel *kernel)
{
	struct key_text *t = key_texts_find(texts, "headers", kernel);
	_cleanup_(strv_done) struct strv paths = {0};
	struct str all = {0};
	struct cached_listing *listing;

	if (t)
		return t;
	header_trees_list(kernel, &paths);
	for (size_t i = 0; i < paths.n; i++)
		if (key_texts_get_headers(texts, paths.items[i], &listing) == 0) {
			struct str text = cached_listing_text(listing);

			str_add_bytes(&all, text.data, text.len);
		}
	return key_texts_keep(texts, "headers", kernel, &all);
}

/* Under the lock: sets *ret to what is in the kernel's headers, and *ret_family to the
 * text of its family. Returns 0 or a negative errno. */
static int describe_kernel(struct key_texts *texts, const struct job *job,
	struct kernel_index *ret, struct key_text **ret_family)
{
	struct key_text *headers = get_headers(texts, job->kernel);
	struct key_text *options = key_texts_find(texts, "options", job->kernel);
	struct key_text *family = key_texts_find(texts, "family", job->kernel);
	struct str text = {0};
	int r;

	if (!options) {
		r = kbuild_read_options(job->kernel, &text);
		if (r < 0) {
			str_done(&text);
			return r;
		}
		options = key_texts_keep(texts, "options", job->kernel, &text);
	}
	if (!family) {
		text = (struct str){0};
		kbuild_describe_family(job->kernel, headers->text.data,
			&job->build->header_mounts, key_text_index(options), &text);
		family = key_texts_keep_part(texts, "family", job->kernel, &text);
	}
	*ret = (struct kernel_index){key_text_index(headers), key_text_index(options)};
	*ret_family = family;
	return 0;
}

/* Adds the make command. The kernel's release in it is left out, so that other kernels
 * have the same. */
static void add_make(const struct job *job, struct key *key)
{
	const char *release = job->kernel->release;
	_cleanup_free_ char *seen = places_text(job->build, job->conf->make);
	_cleanup_(str_done) struct str command = {0};
	struct str s = {0};

	conf_add_command(&command, seen);
	for (char *at = command.data, *next; at; at = next) {
		next = strstr(at, release);
		if (next) {
			*next = '\0';
			next += strlen(release);
		}
		key_parts_add_line(&s, s.len ? "RELEASE" : "MAKE", at);
	}
	key_parts_add_text(key, "make", &s);
}

int fingerprint_objects(struct key_texts *texts, const struct job *job, const char *names,
	struct kernel_index *ret_kernel, struct key *ret)
{
	struct key_text *family;
	struct kernel_index kernel;
	struct key key = {0};
	int r;

	pthread_mutex_lock(&texts->lock);
	r = describe_kernel(texts, job, &kernel, &family);
	pthread_mutex_unlock(&texts->lock);
	if (r < 0)
		return r;
	key_add(&key, "format", FORMAT, strlen(FORMAT));
	key_add(&key, "package", job->name, strlen(job->name));
	key_add_shared(&key, "family", &family->text, &family->digest);
	if (names)
		key_add(&key, "names", names, strlen(names));
	add_make(job, &key);
	key_parts_add_common(job, ignored_variables, &key);
	key_parts_add_debug_info(!debug_info_is_left_out(job), &key);
	if (!fingerprint_is_traced(job))
		r = key_parts_add_careful(texts, job, false, &key, NULL);
	if (r < 0) {
		key_done(&key);
		return r;
	}
	*ret_kernel = kernel;
	*ret = key;
	return 0;
}
