/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of a manifest is a text:
 *
 *   dkms manifest 1
 *   KIND VALUE PATH     any number of these lines, sorted by KIND and PATH
 *   end
 *
 * KIND is a word of kinds[] below. VALUE and PATH have no spaces, control characters and
 * backslashes; they are written as \ooo, in octal. The value of a kind with a digest has
 * 64 hexadecimal digits. All paths are absolute. A program that knows another version
 * only does not read the text. */
#include "config.h"

#include <errno.h>

#include "cache/digest.h"
#include "cache/listing.h"
#include "cache/manifest.h"

#define FIRST_LINE "dkms manifest 1"
#define LAST_LINE "end"

static const struct {
	const char *name;
	bool has_digest; /* the value is a digest */
	bool has_path;   /* what is called a path is one, and not a name */
} kinds[MANIFEST_KINDS] = {
	[MANIFEST_DIR] = {"dir", true, true},
	[MANIFEST_EXISTS] = {"exists", false, true},
	[MANIFEST_FACT] = {"fact", true, false},
	[MANIFEST_FILE] = {"file", true, true},
	[MANIFEST_LINK] = {"link", false, true},
	[MANIFEST_PROGRAM] = {"program", false, false},
	[MANIFEST_INPUT] = {"input", true, true},
};

const char *manifest_kind_name(enum manifest_kind kind)
{
	return kinds[kind].name;
}

void manifest_add(
	struct manifest *m, enum manifest_kind kind, const char *path, const char *value)
{
	/* The array is full when it has a power of two of elements, or none. */
	if ((m->n & (m->n - 1)) == 0)
		m->items = xrealloc_array(m->items, 2 * m->n + 1, sizeof(*m->items));
	m->items[m->n++] = (struct manifest_item){kind, xstrdup(path), xstrdup(value)};
}

static void item_done(struct manifest_item *item)
{
	free(item->path);
	free(item->value);
}

static int compare_items(const void *a, const void *b)
{
	const struct manifest_item *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return order ? order : strcmp(x->value, y->value);
}

void manifest_sort(struct manifest *m)
{
	size_t n = 0;

	if (m->n)
		qsort(m->items, m->n, sizeof(*m->items), compare_items);
	for (size_t i = 0; i < m->n; i++) {
		if (n && compare_items(&m->items[n - 1], &m->items[i]) == 0)
			item_done(&m->items[i]);
		else
			m->items[n++] = m->items[i];
	}
	m->n = n;
}

const char *manifest_find(
	const struct manifest *m, enum manifest_kind kind, const char *path)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct manifest_item *item = &m->items[middle];
		int order = item->kind != kind ? (item->kind < kind ? -1 : 1)
					       : strcmp(item->path, path);

		if (order == 0)
			return item->value;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void manifest_done(struct manifest *m)
{
	for (size_t i = 0; i < m->n; i++)
		item_done(&m->items[i]);
	free(m->items);
	*m = (struct manifest){0};
}

int manifest_write(const struct manifest *m, struct str *ret)
{
	if (m->n > MANIFEST_MAX)
		return -E2BIG;
	str_add(ret, FIRST_LINE "\n");
	for (size_t i = 0; i < m->n; i++) {
		str_addf(ret, "%s ", kinds[m->items[i].kind].name);
		listing_add_escaped(ret, m->items[i].value);
		str_add(ret, " ");
		listing_add_escaped(ret, m->items[i].path);
		str_add(ret, "\n");
	}
	str_add(ret, LAST_LINE "\n");
	return 0;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Replaces \ooo by its character, in place. Returns false if the text is empty or an
 * escape is malformed. */
static bool unescape(char *text)
{
	char *to = text;

	if (!*text)
		return false;
	for (const char *from = text; *from; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		if (from[1] < '0' || from[1] > '3' || !is_octal(from[2]) ||
			!is_octal(from[3]))
			return false;
		*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
		if (!*to++)
			return false;
		from += 3;
	}
	*to = '\0';
	return true;
}

static bool parse_line(struct manifest *m, char *line)
{
	const char *kind_name = strsep(&line, " ");
	char *value = strsep(&line, " ");
	enum manifest_kind kind = 0;
	struct digest digest;

	while (kind < MANIFEST_KINDS && !streq(kinds[kind].name, kind_name))
		kind++;
	if (kind == MANIFEST_KINDS || !line || strchr(line, ' ') || !unescape(value) ||
		!unescape(line) || m->n == MANIFEST_MAX)
		return false;
	if (kinds[kind].has_digest &&
		(strlen(value) != DIGEST_HEX - 1 || !digest_parse(value, &digest)))
		return false;
	if (kinds[kind].has_path && *line != '/')
		return false;
	manifest_add(m, kind, line, value);
	return m->n < 2 ||
	       compare_items(&m->items[m->n - 2], &m->items[m->n - 1]) < 0;
}

int manifest_parse(const char *text, size_t n, struct manifest *ret)
{
	_cleanup_free_ char *copy = xstrndup(text, n);
	struct manifest m = {0};
	bool has_nul = strlen(copy) != n;
	char *rest = copy, *line = strsep(&rest, "\n");
	bool good = !has_nul && streq(line, FIRST_LINE);

	while (good && (line = strsep(&rest, "\n")) && !streq(line, LAST_LINE))
		good = parse_line(&m, line);
	/* The text must end with the last line. */
	if (!good || !line || !rest || *rest) {
		manifest_done(&m);
		return -EBADMSG;
	}
	*ret = m;
	return 0;
}
