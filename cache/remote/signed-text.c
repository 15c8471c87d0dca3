/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "base/file.h"
#include "cache/remote/signed-text.h"

#define FIRST_LINE "dkms remote 1"

void signed_pack_done(struct signed_pack *p)
{
	for (size_t i = 0; i < p->n_files; i++)
		free(p->files[i].name);
	free(p->files);
}

void signed_text_done(struct signed_text *t)
{
	for (size_t i = 0; i < t->n_parts; i++)
		free(t->parts[i].name);
	free(t->parts);
	free(t->by);
	free(t->title);
	signed_pack_done(&t->record);
	signed_pack_done(&t->pack);
	*t = (struct signed_text){0};
}

static void write_pack(const struct signed_pack *p, const char *word, struct str *ret)
{
	char hex[DIGEST_HEX];

	digest_hex(&p->digest, hex);
	str_addf(ret, "%s %s %" PRIu64 " %" PRIu64 "\n", word, hex, p->size, p->unpacked);
	for (size_t i = 0; i < p->n_files; i++) {
		digest_hex(&p->files[i].digest, hex);
		str_addf(ret, "%s %s %" PRIu64 " %s\n", i < p->n_results ? "file" : "text",
			hex, p->files[i].size, p->files[i].name);
	}
}

void signed_text_write(const struct signed_text *t, struct str *ret)
{
	char hex[DIGEST_HEX];
	struct digest signer;

	_Static_assert(sizeof(t->signer) == DIGEST_SIZE, "it is written like a digest");
	memcpy(signer.bytes, t->signer, DIGEST_SIZE);
	digest_hex(&t->key, hex);
	str_addf(ret, FIRST_LINE "\nkey %s\n", hex);
	digest_hex(&signer, hex);
	str_addf(ret, "signer %s\nslot %u\nmade %" PRId64 " %" PRIu64 "\nby %s\ntitle %s\n",
		hex, t->slot, t->made_s, t->cost_ms, t->by, t->title);
	for (size_t i = 0; i < t->n_parts; i++) {
		digest_hex(&t->parts[i].digest, hex);
		str_addf(ret, "part %s %s\n", hex, t->parts[i].name);
	}
	write_pack(&t->record, "record", ret);
	write_pack(&t->pack, "pack", ret);
	str_add(ret, "end\n");
}

/* Reads "WORD " at *at, and moves *at behind it. */
static bool parse_word(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (!has_prefix(*at, word) || (*at)[n] != ' ')
		return false;
	*at += n + 1;
	return true;
}

static bool parse_digest(const char **at, struct digest *ret)
{
	if (!digest_parse(*at, ret))
		return false;
	*at += DIGEST_HEX - 1;
	return true;
}

/* Reads the rest of the line as a text, and moves *at to the next line. */
static bool parse_text(const char **at, char **ret)
{
	size_t n = strcspn(*at, "\n");

	if (n > SIGNED_NAME_MAX || (*at)[n] != '\n')
		return false;
	*ret = xstrndup(*at, n);
	*at += n + 1;
	return !text_has_control(*ret);
}

/* Reads the character c, and moves *at behind it. */
static bool parse_char(const char **at, char c)
{
	return *(*at)++ == c;
}

/* A name of a file in an entry: a relative path that leads nowhere else. */
static bool is_file_name(const char *name)
{
	_cleanup_free_ char *plain = path_without_dots(name);

	return plain && *plain && streq(plain + 1, name);
}

static bool parse_part(const char **at, struct signed_text *t)
{
	struct entry_part *part;

	if (t->n_parts == SIGNED_PARTS_MAX)
		return false;
	t->parts = xrealloc_array(t->parts, t->n_parts + 1, sizeof(*t->parts));
	part = &t->parts[t->n_parts++];
	*part = (struct entry_part){0};
	return parse_digest(at, &part->digest) && parse_char(at, ' ') &&
	       parse_text(at, &part->name);
}

static bool parse_file(const char **at, struct signed_pack *p, uint64_t *left)
{
	struct entry_file *file;

	if (p->n_files == SIGNED_FILES_MAX)
		return false;
	p->files = xrealloc_array(p->files, p->n_files + 1, sizeof(*p->files));
	file = &p->files[p->n_files++];
	*file = (struct entry_file){0};
	if (!parse_digest(at, &file->digest) || !parse_char(at, ' ') ||
		!text_take_number(at, &file->size) || !parse_char(at, ' ') ||
		!parse_text(at, &file->name) || !is_file_name(file->name) ||
		file->size > *left)
		return false;
	*left -= file->size;
	for (size_t i = 0; i + 1 < p->n_files; i++)
		if (streq(p->files[i].name, file->name))
			return false;
	return true;
}

static bool parse_pack(const char **at, const char *word, struct signed_pack *p)
{
	uint64_t left;

	if (!parse_word(at, word) || !parse_digest(at, &p->digest) || !parse_char(at, ' ') ||
		!text_take_number(at, &p->size) || !parse_char(at, ' ') ||
		!text_take_number(at, &p->unpacked) || !parse_char(at, '\n') ||
		p->size > SIGNED_UNPACKED_MAX || p->unpacked > SIGNED_UNPACKED_MAX)
		return false;
	left = p->unpacked;
	while (parse_word(at, "file")) {
		if (!parse_file(at, p, &left))
			return false;
		p->n_results++;
	}
	while (parse_word(at, "text"))
		if (!parse_file(at, p, &left))
			return false;
	return left == 0;
}

static bool parse_all(const char *at, struct signed_text *t)
{
	uint64_t slot, made;
	struct digest signer;

	if (!has_prefix(at, FIRST_LINE "\n"))
		return false;
	at += strlen(FIRST_LINE "\n");
	if (!parse_word(&at, "key") || !parse_digest(&at, &t->key) || !parse_char(&at, '\n') ||
		!parse_word(&at, "signer") || !parse_digest(&at, &signer) ||
		!parse_char(&at, '\n') || !parse_word(&at, "slot") ||
		!text_take_number(&at, &slot) || !parse_char(&at, '\n') || slot >= SIGNED_SLOTS ||
		!parse_word(&at, "made") || !text_take_number(&at, &made) ||
		!parse_char(&at, ' ') || !text_take_number(&at, &t->cost_ms) ||
		!parse_char(&at, '\n') || !parse_word(&at, "by") ||
		!parse_text(&at, &t->by) || !parse_word(&at, "title") ||
		!parse_text(&at, &t->title))
		return false;
	memcpy(t->signer, signer.bytes, sizeof(t->signer));
	t->slot = (unsigned int)slot;
	t->made_s = (int64_t)made;
	while (parse_word(&at, "part"))
		if (!parse_part(&at, t))
			return false;
	return parse_pack(&at, "record", &t->record) && parse_pack(&at, "pack", &t->pack) &&
	       streq(at, "end\n");
}

int signed_text_parse(const char *text, size_t n, struct signed_text *ret)
{
	_cleanup_free_ char *copy = NULL;
	_cleanup_(str_done) struct str again = {0};
	struct signed_text t = {0};
	bool good;

	if (n > SIGNED_TEXT_MAX)
		return -EBADMSG;
	copy = xstrndup(text, n);
	good = strlen(copy) == n && parse_all(copy, &t);
	if (good) {
		/* Another spelling, such as of a number, would be another text. */
		signed_text_write(&t, &again);
		good = streq(again.data, copy);
	}
	if (!good) {
		signed_text_done(&t);
		return -EBADMSG;
	}
	*ret = t;
	return 0;
}

char *signed_text_path(
	const struct digest *key, const unsigned char *signer, unsigned int slot)
{
	static const char head[] = "dkms remote address 1";
	unsigned char number = (unsigned char)slot;
	struct digest address;
	char hex[DIGEST_HEX];
	struct digester d;

	digester_begin(&d);
	digester_add(&d, head, sizeof(head));
	digester_add(&d, key->bytes, sizeof(key->bytes));
	digester_add(&d, signer, SIGNIFY_PUBLIC_SIZE);
	digester_add(&d, &number, 1);
	digester_end(&d, &address);
	digest_hex(&address, hex);
	return xasprintf("ac/%s", hex);
}
