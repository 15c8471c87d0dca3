/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which modules does the administrator keep off which kernels? */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "base/file.h"
#include "base/lock.h"
#include "builder/host/skip-list.h"

/* A larger file is not read (bytes). */
#define LIST_MAX (1024 * 1024)
/* How often the lock is tried, and the time between (ms). It is held for a moment only. */
#define LOCK_TRIES 200
#define LOCK_WAIT_MS 50

#define HEADER \
	"# What dkms skip keeps off kernels: NAME[/VERSION] RELEASE, or * for all kernels.\n"

static char *list_path(const struct settings *s)
{
	return path_join(s->config_dir, "skip.list");
}

void skip_list_done(struct skip_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].name);
		free(l->items[i].version);
		free(l->items[i].release);
	}
	free(l->items);
	*l = (struct skip_list){0};
}

static void add_record(struct skip_list *l, const char *module, const char *release)
{
	const char *slash = strchr(module, '/');
	struct skip_record r = {.name = xstrndup(module, strcspn(module, "/"))};

	if (slash && slash[1])
		r.version = xstrdup(slash + 1);
	if (release && !streq(release, "*"))
		r.release = xstrdup(release);
	l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
	l->items[l->n++] = r;
}

/* Appends the records of a line, without its end. */
static void read_line(const char *line, struct skip_list *l)
{
	_cleanup_(strv_done) struct strv words = {0};

	strv_split(&words, line);
	if (!words.n || *words.items[0] == '#')
		return;
	for (size_t i = 1; i < words.n; i++)
		add_record(l, words.items[0], words.items[i]);
	if (words.n == 1)
		add_record(l, words.items[0], NULL);
}

/* Reads the file; text stays empty if there is none. */
static int read_text(const struct settings *s, struct str *text, struct error *err)
{
	_cleanup_free_ char *path = list_path(s);
	_cleanup_(error_done) struct error why = {0};
	int r = file_read(path, LIST_MAX, text, &why);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		error_move(err, &why);
	return r;
}

int skip_list_read(const struct settings *s, struct skip_list *ret, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	char *rest, *line;
	int r = read_text(s, &text, err);

	*ret = (struct skip_list){0};
	rest = text.data;
	while (r == 0 && rest && (line = strsep(&rest, "\n")))
		read_line(line, ret);
	return r;
}

/* Whether what a record says, or NULL for all, holds for value. */
static bool holds_for(const char *said, const char *value)
{
	return !said || (value && streq(said, value));
}

const struct skip_record *skip_list_find(const struct skip_list *l, const char *name,
	const char *version, const char *release)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct skip_record *r = &l->items[i];

		if (streq(r->name, name) && holds_for(r->version, version) &&
			holds_for(r->release, release))
			return r;
	}
	return NULL;
}

char *skip_record_words(const struct skip_record *r)
{
	return xasprintf("%s%s%s %s%s", r->name, r->version ? "/" : "",
		r->version ? r->version : "", r->release ? "-k " : "--all",
		r->release ? r->release : "");
}

static int lock_list(const struct settings *s, struct lock *ret, struct error *err)
{
	const struct timespec wait = {.tv_nsec = LOCK_WAIT_MS * 1000000};
	_cleanup_free_ char *path = list_path(s);
	int r = -EAGAIN;

	for (int i = 0; i < LOCK_TRIES && r == -EAGAIN; i++) {
		if (i)
			nanosleep(&wait, NULL);
		r = lock_try(s->trees.dkms, path, ret, err);
	}
	return r == -EAGAIN ? error_set(err, r, 1, "another dkms is changing %s", path) : r;
}

static int write_text(const struct settings *s, const struct str *text, struct error *err)
{
	_cleanup_free_ char *path = list_path(s);
	int r = dir_make(s->config_dir, err);

	return r < 0 ? r : file_write(path, text->data ? text->data : "", text->len, 0644, err);
}

int skip_list_add(const struct settings *s, const char *name, const char *version,
	const char *release, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	struct skip_list list = {0};
	struct lock lock = {0};
	int r = lock_list(s, &lock, err);

	if (r == 0)
		r = skip_list_read(s, &list, err);
	if (r == 0)
		r = read_text(s, &text, err);
	if (r == 0 && skip_list_find(&list, name, version, release))
		r = 1;
	if (r == 0) {
		if (!text.len)
			str_add(&text, HEADER);
		else if (text.data[text.len - 1] != '\n')
			str_add(&text, "\n");
		str_addf(&text, "%s%s%s %s\n", name, version ? "/" : "",
			version ? version : "", release ? release : "*");
		r = write_text(s, &text, err);
	}
	lock_release(&lock);
	skip_list_done(&list);
	return r;
}

/* Appends to text what stays of a line after the removal. Returns how many records were
 * removed. */
static int remove_from_line(struct str *text, const char *line, const char *name,
	const char *version, const char *release)
{
	_cleanup_(str_done) struct str rest = {0};
	struct skip_list records = {0};
	int removed = 0;

	read_line(line, &records);
	for (size_t i = 0; i < records.n; i++) {
		const struct skip_record *r = &records.items[i];

		if (streq(r->name, name) && (!version || (r->version && streq(r->version, version))) &&
			(!release || (r->release && streq(r->release, release))))
			removed++;
		else
			str_addf(&rest, "%s%s%s %s\n", r->name, r->version ? "/" : "",
				r->version ? r->version : "", r->release ? r->release : "*");
	}
	if (!removed)
		str_addf(text, "%s\n", line);
	else if (rest.len)
		str_add(text, rest.data);
	skip_list_done(&records);
	return removed;
}

int skip_list_remove(const struct settings *s, const char *name, const char *version,
	const char *release, struct error *err)
{
	_cleanup_(str_done) struct str before = {0}, after = {0};
	struct lock lock = {0};
	char *rest, *line;
	int removed = 0, r = lock_list(s, &lock, err);

	if (r == 0)
		r = read_text(s, &before, err);
	rest = before.data;
	while (r == 0 && rest && (line = strsep(&rest, "\n")))
		if (rest || *line) /* the last line has an end */
			removed += remove_from_line(&after, line, name, version, release);
	if (r == 0 && removed)
		r = write_text(s, &after, err);
	lock_release(&lock);
	return r < 0 ? r : removed;
}
