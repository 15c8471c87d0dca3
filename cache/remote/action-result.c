/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message of protocol buffers is a list of fields: a varint, which is the number of the field
 * times 8 plus the kind of its value, and the value. A varint has 7 bits in each byte, the lowest
 * first, and the highest bit of each byte but the last is set. */
#include "config.h"

#include <errno.h>

#include "cache/remote/action-result.h"

enum kind {
	KIND_VARINT = 0,
	KIND_FIXED64 = 1,
	KIND_BYTES = 2, /* a varint with their number, and the bytes; also of messages */
	KIND_FIXED32 = 5,
};

/* The fields of ActionResult, OutputFile and Digest. */
enum {
	RESULT_OUTPUT_FILES = 2,
	RESULT_STDOUT_RAW = 5,
	FILE_PATH = 1,
	FILE_DIGEST = 2,
	FILE_CONTENTS = 5,
	DIGEST_HASH = 1,
	DIGEST_SIZE_BYTES = 2,
};

/* What is left of a message. */
struct reader {
	const unsigned char *at, *end;
};

struct field {
	uint64_t number;
	enum kind kind;
	uint64_t value;	     /* of KIND_VARINT */
	struct reader bytes; /* of KIND_BYTES */
};

static void blob_done(struct output_blob *f)
{
	free(f->path);
	str_done(&f->contents);
}

void action_result_done(struct action_result *a)
{
	for (size_t i = 0; i < a->n_files; i++)
		blob_done(&a->files[i]);
	str_done(&a->out);
	*a = (struct action_result){0};
}

struct output_blob *action_result_file(struct action_result *a, const char *path)
{
	for (size_t i = 0; i < a->n_files; i++)
		if (streq(a->files[i].path, path))
			return &a->files[i];
	return NULL;
}

static void add_varint(struct str *ret, uint64_t value)
{
	do {
		unsigned char byte = value & 0x7f;

		value >>= 7;
		byte |= value ? 0x80 : 0;
		str_add_bytes(ret, &byte, 1);
	} while (value);
}

static void add_number(struct str *ret, unsigned int field, uint64_t value)
{
	if (!value)
		return;
	add_varint(ret, field << 3 | KIND_VARINT);
	add_varint(ret, value);
}

static void add_field(struct str *ret, unsigned int field, const void *bytes, size_t n)
{
	if (!n)
		return;
	add_varint(ret, field << 3 | KIND_BYTES);
	add_varint(ret, n);
	str_add_bytes(ret, bytes, n);
}

static void add_file(struct str *ret, const struct output_blob *f)
{
	_cleanup_(str_done) struct str digest = {0}, file = {0};
	char hex[DIGEST_HEX];

	digest_hex(&f->digest, hex);
	add_field(&digest, DIGEST_HASH, hex, strlen(hex));
	add_number(&digest, DIGEST_SIZE_BYTES, f->size);
	add_field(&file, FILE_PATH, f->path, strlen(f->path));
	add_field(&file, FILE_DIGEST, digest.data, digest.len);
	add_field(&file, FILE_CONTENTS, f->contents.data, f->contents.len);
	add_field(ret, RESULT_OUTPUT_FILES, file.data, file.len);
}

void action_result_write(const struct action_result *a, struct str *ret)
{
	for (size_t i = 0; i < a->n_files; i++)
		add_file(ret, &a->files[i]);
	add_field(ret, RESULT_STDOUT_RAW, a->out.data, a->out.len);
}

static bool read_varint(struct reader *r, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		uint64_t byte = *r->at++;

		if (shift == 63 && byte > 1)
			return false;
		value |= (byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool skip(struct reader *r, uint64_t n)
{
	if (n > (uint64_t)(r->end - r->at))
		return false;
	r->at += n;
	return true;
}

/* Reads the next field, of any kind. Returns false if it is malformed. */
static bool read_field(struct reader *r, struct field *ret)
{
	uint64_t tag, n;

	if (!read_varint(r, &tag) || tag >> 3 == 0 || tag >> 32)
		return false;
	*ret = (struct field){.number = tag >> 3, .kind = tag & 7};
	switch (ret->kind) {
	case KIND_VARINT:
		return read_varint(r, &ret->value);
	case KIND_FIXED64:
		return skip(r, 8);
	case KIND_FIXED32:
		return skip(r, 4);
	case KIND_BYTES:
		if (!read_varint(r, &n) || n > (uint64_t)(r->end - r->at))
			return false;
		ret->bytes = (struct reader){r->at, r->at + n};
		return skip(r, n);
	}
	return false; /* a group, which no message of today has */
}

/* A field that comes twice has its last value, as the encoding wants it. */
static bool is_bytes(const struct field *f, uint64_t number, size_t max)
{
	return f->number == number && f->kind == KIND_BYTES &&
	       (size_t)(f->bytes.end - f->bytes.at) <= max;
}

static void set_bytes(struct str *s, const struct field *f)
{
	str_done(s);
	str_add_bytes(s, f->bytes.at, (size_t)(f->bytes.end - f->bytes.at));
}

static bool parse_digest(struct reader r, struct output_blob *ret, bool *has_digest)
{
	struct field f;

	while (r.at < r.end) {
		char hex[DIGEST_HEX] = "";

		if (!read_field(&r, &f))
			return false;
		if (f.number == DIGEST_SIZE_BYTES && f.kind == KIND_VARINT) {
			ret->size = f.value;
		} else if (is_bytes(&f, DIGEST_HASH, sizeof(hex) - 1)) {
			memcpy(hex, f.bytes.at, (size_t)(f.bytes.end - f.bytes.at));
			*has_digest = digest_parse(hex, &ret->digest);
		} else if (f.number == DIGEST_HASH || f.number == DIGEST_SIZE_BYTES) {
			return false;
		}
	}
	return true;
}

static bool parse_file(struct reader r, struct output_blob *ret)
{
	bool has_digest = false;
	struct field f;

	while (r.at < r.end) {
		if (!read_field(&r, &f))
			return false;
		if (is_bytes(&f, FILE_PATH, ACTION_RESULT_PATH_MAX)) {
			free(ret->path);
			ret->path = xstrndup((const char *)f.bytes.at,
				(size_t)(f.bytes.end - f.bytes.at));
		} else if (is_bytes(&f, FILE_DIGEST, SIZE_MAX)) {
			if (!parse_digest(f.bytes, ret, &has_digest))
				return false;
		} else if (is_bytes(&f, FILE_CONTENTS, SIZE_MAX)) {
			set_bytes(&ret->contents, &f);
		} else if (f.number == FILE_PATH || f.number == FILE_DIGEST ||
			   f.number == FILE_CONTENTS) {
			return false;
		}
	}
	return has_digest && !is_empty(ret->path) && ret->size <= INT64_MAX;
}

static bool parse_field(const struct field *f, struct action_result *a)
{
	switch (f->number) {
	case RESULT_OUTPUT_FILES:
		return f->kind == KIND_BYTES && a->n_files < ACTION_RESULT_FILES &&
		       parse_file(f->bytes, &a->files[a->n_files++]);
	case RESULT_STDOUT_RAW:
		if (!is_bytes(f, RESULT_STDOUT_RAW, ACTION_RESULT_OUT_MAX))
			return false;
		set_bytes(&a->out, f);
		return true;
	default:
		return true;
	}
}

int action_result_parse(const void *bytes, size_t n, struct action_result *ret)
{
	struct action_result a = {0};
	struct reader r = {bytes, n ? (const unsigned char *)bytes + n : bytes};
	struct field f;
	bool good = n <= ACTION_RESULT_MAX;

	while (good && r.at < r.end)
		good = read_field(&r, &f) && parse_field(&f, &a);
	if (!good) {
		action_result_done(&a);
		return -EBADMSG;
	}
	*ret = a;
	return 0;
}
