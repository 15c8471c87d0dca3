/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of an entry is a text:
 *
 *   dkms-cache-entry 1
 *   key DIGEST
 *   made SECONDS COST-IN-MS
 *   title TEXT
 *   part DIGEST NAME            any number of these lines
 *   file DIGEST SIZE NAME       any number of these lines
 *   end DIGEST                  of all bytes before this line
 *
 * Numbers are decimal, digests have 64 hexadecimal digits, and TEXT and NAME have no line
 * ends. A file with any other content, such as another version, is not an entry: the
 * result is made again. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "cache/entry.h"

#define FIRST_LINE "dkms-cache-entry 1"

void entry_add_part(struct entry *e, const char *name, const struct digest *digest)
{
	e->parts = xrealloc_array(e->parts, e->n_parts + 1, sizeof(*e->parts));
	e->parts[e->n_parts++] = (struct entry_part){xstrdup(name), *digest};
}

void entry_add_file(struct entry *e, const char *name, const struct digest *digest,
	uint64_t size)
{
	e->files = xrealloc_array(e->files, e->n_files + 1, sizeof(*e->files));
	e->files[e->n_files++] = (struct entry_file){xstrdup(name), *digest, size};
}

const struct entry_file *entry_file(const struct entry *e, const char *name)
{
	for (size_t i = 0; i < e->n_files; i++)
		if (streq(e->files[i].name, name))
			return &e->files[i];
	return NULL;
}

void entry_done(struct entry *e)
{
	for (size_t i = 0; i < e->n_parts; i++)
		free(e->parts[i].name);
	for (size_t i = 0; i < e->n_files; i++)
		free(e->files[i].name);
	free(e->parts);
	free(e->files);
	free(e->title);
	*e = (struct entry){0};
}

void entry_write(const struct entry *e, struct str *ret)
{
	char hex[DIGEST_HEX];
	struct digest digest;

	digest_hex(&e->key, hex);
	str_addf(ret, FIRST_LINE "\nkey %s\nmade %" PRId64 " %" PRIu64 "\ntitle %s\n",
		hex, e->made_s, e->cost_ms, e->title ? e->title : "");
	for (size_t i = 0; i < e->n_parts; i++) {
		digest_hex(&e->parts[i].digest, hex);
		str_addf(ret, "part %s %s\n", hex, e->parts[i].name);
	}
	for (size_t i = 0; i < e->n_files; i++) {
		digest_hex(&e->files[i].digest, hex);
		str_addf(ret, "file %s %" PRIu64 " %s\n", hex, e->files[i].size,
			e->files[i].name);
	}
	digest_bytes(ret->data, ret->len, &digest);
	digest_hex(&digest, hex);
	str_addf(ret, "end %s\n", hex);
}

/* Reads "DIGEST " at *at and moves *at behind it. */
static bool parse_digest(const char **at, struct digest *ret)
{
	if (!digest_parse(*at, ret) || (*at)[DIGEST_HEX - 1] != ' ')
		return false;
	*at += DIGEST_HEX;
	return true;
}

static bool parse_line(struct entry *e, const char *line)
{
	uint64_t made, size;
	struct digest digest;

	if (has_prefix(line, "key "))
		return digest_parse(line + 4, &e->key) && !line[4 + DIGEST_HEX - 1];
	if (has_prefix(line, "made ")) {
		line += 5;
		if (!text_take_number(&line, &made) || *line++ != ' ' ||
			!text_take_number(&line, &e->cost_ms) || *line)
			return false;
		e->made_s = (int64_t)made;
		return true;
	}
	if (has_prefix(line, "title ")) {
		str_replace(&e->title, line + 6);
		return true;
	}
	if (has_prefix(line, "part ")) {
		line += 5;
		if (!parse_digest(&line, &digest))
			return false;
		entry_add_part(e, line, &digest);
		return true;
	}
	if (has_prefix(line, "file ")) {
		line += 5;
		if (!parse_digest(&line, &digest) || !text_take_number(&line, &size) ||
			*line++ != ' ')
			return false;
		entry_add_file(e, line, &digest, size);
		return true;
	}
	return false;
}

/* Returns the length of the text before its last line if that is an end line with the
 * right digest, otherwise 0. */
static size_t verified_length(const struct str *text)
{
	size_t end_len = strlen("end ") + DIGEST_HEX; /* with the line end */
	struct digest written, digest;
	const char *end;

	if (text->len <= end_len || strlen(text->data) != text->len)
		return 0;
	end = text->data + text->len - end_len;
	if (end[-1] != '\n' || !has_prefix(end, "end ") ||
		!digest_parse(end + 4, &written) || end[end_len - 1] != '\n')
		return 0;
	digest_bytes(text->data, text->len - end_len, &digest);
	return digest_equal(&digest, &written) ? text->len - end_len : 0;
}

int entry_parse(const struct str *text, struct entry *ret)
{
	size_t n = verified_length(text);
	_cleanup_free_ char *copy = n ? xstrndup(text->data, n) : NULL;
	struct entry e = {0};
	char *line, *rest = copy;
	bool good = n > 0;

	line = good ? strsep(&rest, "\n") : NULL;
	good = good && streq(line, FIRST_LINE);
	while (good && (line = strsep(&rest, "\n")) && rest)
		good = parse_line(&e, line);
	if (!good || !e.title) {
		entry_done(&e);
		return -EBADMSG;
	}
	*ret = e;
	return 0;
}
