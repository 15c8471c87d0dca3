/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which texts do the keys of a run have in common? */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "builder/reuse/key-texts.h"

struct key_texts *key_texts_new(struct statcache *stats, struct listing_cache *listings,
	const struct settings *settings)
{
	struct key_texts *texts = xcalloc(1, sizeof(*texts));

	texts->stats = stats;
	texts->listings = listings;
	texts->settings = settings;
	pthread_mutex_init(&texts->lock, NULL);
	return texts;
}

void key_texts_free(struct key_texts *texts)
{
	if (!texts)
		return;
	while (texts->texts) {
		struct key_text *next = texts->texts->next;

		str_done(&texts->texts->text);
		line_index_free(texts->texts->index);
		key_stamp_done(&texts->texts->stamp);
		error_done(&texts->texts->error);
		free(texts->texts->variant);
		free(texts->texts);
		texts->texts = next;
	}
	for (size_t i = 0; i < texts->n_headers; i++)
		cached_listing_free(texts->headers[i]);
	free(texts->headers);
	pthread_mutex_destroy(&texts->lock);
	free(texts);
}

static bool is_same_variant(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static struct key_text *find_variant(struct key_texts *texts, const char *name,
	const struct kernel *kernel, const char *variant)
{
	struct key_text *t;

	for (t = texts->texts; t; t = t->next)
		if (t->kernel == kernel && is_same_variant(t->variant, variant) &&
			streq(t->name, name))
			break;
	return t;
}

struct key_text *key_texts_find(
	struct key_texts *texts, const char *name, const struct kernel *kernel)
{
	return find_variant(texts, name, kernel, NULL);
}

struct key_text *key_texts_keep(struct key_texts *texts, const char *name,
	const struct kernel *kernel, struct str *text)
{
	struct key_text *t = xcalloc(1, sizeof(*t));

	t->kernel = kernel;
	t->name = name;
	str_add_bytes(text, "", 0);
	t->text = *text;
	t->next = texts->texts;
	texts->texts = t;
	return t;
}

struct key_text *key_texts_keep_part(struct key_texts *texts, const char *name,
	const struct kernel *kernel, struct str *text)
{
	struct key_text *t = key_texts_keep(texts, name, kernel, text);

	digest_bytes(t->text.data, t->text.len, &t->digest);
	return t;
}

const struct line_index *key_text_index(struct key_text *t)
{
	if (!t->index)
		t->index = line_index_new(t->text.data);
	return t->index;
}

/* Under the lock: makes a text, and keeps it unless it is the same as the text old. If it
 * cannot be made, keeps the reason. Returns the text to use. */
static struct key_text *make_text(struct key_texts *texts,
	const struct key_text_source *source, struct key_text *old)
{
	struct str text = {0};
	struct error why = {0};
	struct timespec began;
	struct digest digest;
	struct key_text *t;
	int r;

	clock_gettime(CLOCK_REALTIME, &began);
	r = source->make(texts, source, &text, &why);
	if (r < 0)
		str_done(&text);
	str_add_bytes(&text, "", 0);
	digest_bytes(text.data, text.len, &digest);
	if (old && r == 0 && !old->failure && digest_equal(&digest, &old->digest)) {
		t = old;
		str_done(&text);
	} else {
		t = key_texts_keep(texts, source->name, source->kernel, &text);
		t->digest = digest;
		t->variant = xstrdup(source->variant);
		t->failure = r;
		t->error = why;
	}
	key_stamp_done(&t->stamp);
	if (source->names_files)
		key_stamp_take(t->text.data, source->files, &began, &t->stamp);
	return t;
}

/* Returns whether the text must be made again. stamp is that of its files now. */
static bool is_outdated(const struct key_text_source *source, const struct key_text *t,
	const struct key_stamp *stamp)
{
	if (t->failure)
		return t->failure == -EAGAIN;
	return source->names_files && !key_stamp_is_same(&t->stamp, stamp);
}

/* Returns the text to use, which may be one that cannot be made. */
static struct key_text *get_text(
	struct key_texts *texts, const struct key_text_source *source)
{
	struct key_stamp now = {0};
	struct key_text *t, *seen;

	pthread_mutex_lock(&texts->lock);
	seen = find_variant(texts, source->name, source->kernel, source->variant);
	pthread_mutex_unlock(&texts->lock);
	/* A text never changes, so this needs no lock. */
	if (seen && source->names_files)
		key_stamp_take(seen->text.data, source->files, NULL, &now);

	pthread_mutex_lock(&texts->lock);
	t = find_variant(texts, source->name, source->kernel, source->variant);
	/* If another thread has made the text in the meantime, it began after this call,
	 * and so the text is good enough. */
	if (!t || (t == seen && is_outdated(source, t, &now)))
		t = make_text(texts, source, t);
	pthread_mutex_unlock(&texts->lock);
	key_stamp_done(&now);
	return t;
}

int key_texts_add_part(struct key_texts *texts, struct key *key,
	const struct key_text_source *source, bool afresh, struct error *err)
{
	struct key_text *t;

	if (afresh && !source->names_files) {
		struct str text = {0};
		int r = source->make(texts, source, &text, err);

		key_add(key, source->name, text.data, text.len);
		str_done(&text);
		return r;
	}
	t = get_text(texts, source);
	if (t->failure < 0) {
		error_set(err, t->failure, t->error.status, "%s", t->error.what);
		if (t->error.remedy)
			error_remedy(err, "%s", t->error.remedy);
		return t->failure;
	}
	key_add_shared(key, source->name, &t->text, &t->digest);
	return 0;
}

/* The directory in a kernel's headers of which listing_cache_get() lists only names. */
#define HEADER_MARKERS "/include/config"

int key_texts_get_headers(
	struct key_texts *texts, const char *path, struct cached_listing **ret)
{
	int r;

	for (size_t i = 0; i < texts->n_headers; i++)
		if (streq(cached_listing_path(texts->headers[i]), path)) {
			*ret = texts->headers[i];
			return 0;
		}
	r = listing_cache_get(texts->listings, path, HEADER_MARKERS, ret);
	if (r < 0)
		return r;
	texts->headers = xrealloc_array(
		texts->headers, texts->n_headers + 1, sizeof(*texts->headers));
	texts->headers[texts->n_headers++] = *ret;
	return 0;
}

int key_texts_add_headers(struct key_texts *texts, struct key *key, const char *name,
	const char *path, bool afresh)
{
	struct cached_listing *listing = NULL, *now;
	struct str text;
	int r;

	pthread_mutex_lock(&texts->lock);
	r = key_texts_get_headers(texts, path, &listing);
	pthread_mutex_unlock(&texts->lock);
	if (r < 0)
		return r;
	text = cached_listing_text(listing);
	if (!afresh || listing_cache_is_unchanged(texts->listings, listing)) {
		key_add_shared(key, name, &text, cached_listing_digest(listing));
		return 0;
	}
	r = listing_cache_get(texts->listings, path, HEADER_MARKERS, &now);
	if (r < 0)
		return r;
	text = cached_listing_text(now);
	key_add(key, name, text.data, text.len);
	cached_listing_free(now);
	return 0;
}
