/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "cache/libzstd.h"
#include "cache/remote/pack.h"

#define LEVEL 3
#define WINDOW_LOG 23 /* 8 MiB: no reader needs more memory */
#define CHUNK (128 * 1024) /* bytes that are compressed or decompressed at a time */

/* Compresses n bytes and appends them; last ends the frame. */
static int add_bytes(ZSTD_CCtx *ctx, const void *bytes, size_t n, bool last, struct str *ret)
{
	_cleanup_free_ char *chunk = xcalloc(1, CHUNK);
	ZSTD_inBuffer in = {bytes, n, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {chunk, CHUNK, 0};

		left = sym_ZSTD_compressStream2(
			ctx, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
		if (sym_ZSTD_isError(left))
			return -ENOMEM;
		str_add_bytes(ret, chunk, out.pos);
	} while (last ? left > 0 : in.pos < in.size);
	return 0;
}

int pack_make(struct store *s, struct signed_pack *pack, struct str *ret)
{
	ZSTD_CCtx *ctx;
	uint64_t total = 0;
	int r = libzstd_load(NULL);

	for (size_t i = 0; i < pack->n_files && r == 0; i++) {
		if (pack->files[i].size > SIGNED_UNPACKED_MAX - total)
			r = -EFBIG;
		else
			total += pack->files[i].size;
	}
	if (r < 0)
		return r;
	ctx = sym_ZSTD_createCCtx();
	if (!ctx || sym_ZSTD_isError(sym_ZSTD_CCtx_setParameter(
			    ctx, ZSTD_c_compressionLevel, LEVEL)) ||
		sym_ZSTD_isError(
			sym_ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, WINDOW_LOG)))
		r = -ENOMEM;
	for (size_t i = 0; i < pack->n_files && r == 0; i++) {
		_cleanup_(str_done) struct str object = {0};

		r = store_get_bytes(s, &pack->files[i].digest, &object);
		if (r == 0 && object.len != pack->files[i].size)
			r = -EBADMSG;
		if (r == 0 && object.len)
			r = add_bytes(ctx, object.data, object.len, false, ret);
	}
	if (r == 0)
		r = add_bytes(ctx, "", 0, true, ret);
	sym_ZSTD_freeCCtx(ctx);
	if (r < 0)
		return r;
	digest_bytes(ret->data, ret->len, &pack->digest);
	pack->size = ret->len;
	pack->unpacked = total;
	return 0;
}

/* A pack that is being unpacked. */
struct unpacker {
	const struct signed_pack *pack;
	ZSTD_DCtx *ctx;
	ZSTD_inBuffer in;
	char *chunk; /* CHUNK bytes, of which those from begin to end are not yet used */
	size_t begin, end;
	bool ended; /* the frame is at its end */
};

/* Decompresses until there are bytes in the chunk, or none are left. */
static int fill_chunk(struct unpacker *u)
{
	ZSTD_outBuffer out = {u->chunk, CHUNK, 0};

	while (!out.pos && !u->ended) {
		size_t before = u->in.pos;
		size_t left = sym_ZSTD_decompressStream(u->ctx, &out, &u->in);

		if (sym_ZSTD_isError(left))
			return -EBADMSG;
		u->ended = left == 0;
		/* The frame is cut off. */
		if (left && !out.pos && u->in.pos == before)
			return -EBADMSG;
	}
	u->begin = 0;
	u->end = out.pos;
	return 0;
}

/* Reads a file, which grows as its bytes come, whatever its size is said to be. */
static int read_file(struct unpacker *u, const struct entry_file *file, struct str *ret)
{
	struct digest digest;

	str_add_bytes(ret, "", 0);
	while (ret->len < file->size) {
		size_t n = u->end - u->begin;

		if (n > file->size - ret->len)
			n = file->size - ret->len;
		str_add_bytes(ret, u->chunk + u->begin, n);
		u->begin += n;
		if (ret->len == file->size)
			break;
		if (fill_chunk(u) < 0 || u->begin == u->end)
			return -EBADMSG;
	}
	digest_bytes(ret->len ? ret->data : "", ret->len, &digest);
	return digest_equal(&digest, &file->digest) ? 0 : -EBADMSG;
}

static int begin(struct unpacker *u, const struct signed_pack *pack, const void *bytes, size_t n)
{
	struct digest digest;
	int r;

	*u = (struct unpacker){.pack = pack, .in = {bytes, n, 0}};
	if (n != pack->size)
		return -EBADMSG;
	digest_bytes(bytes, n, &digest);
	if (!digest_equal(&digest, &pack->digest))
		return -EBADMSG;
	r = libzstd_load(NULL);
	if (r < 0)
		return r;
	u->ctx = sym_ZSTD_createDCtx();
	u->chunk = xcalloc(1, CHUNK);
	return u->ctx ? 0 : -ENOMEM;
}

/* Nothing may follow the last file. Returns r, or -EBADMSG if something does. */
static int end(struct unpacker *u, int r)
{
	if (r == 0 && u->begin == u->end)
		r = fill_chunk(u);
	if (r == 0 && (u->begin != u->end || !u->ended || u->in.pos != u->in.size))
		r = -EBADMSG;
	if (u->ctx)
		sym_ZSTD_freeDCtx(u->ctx);
	free(u->chunk);
	return r;
}

int pack_unpack(struct store *s, const struct signed_pack *pack, const void *bytes, size_t n)
{
	struct unpacker u;
	int r = begin(&u, pack, bytes, n);

	for (size_t i = 0; i < pack->n_files && r == 0; i++) {
		_cleanup_(str_done) struct str file = {0};

		r = read_file(&u, &pack->files[i], &file);
		if (r == 0)
			r = store_put_bytes(s, file.len ? file.data : "", file.len,
				&pack->files[i].digest);
	}
	return end(&u, r);
}

int pack_unpack_text(
	const struct signed_pack *pack, const void *bytes, size_t n, struct str *ret)
{
	struct unpacker u;
	int r = pack->n_files == 1 ? begin(&u, pack, bytes, n) : -EBADMSG;

	if (pack->n_files != 1)
		return r;
	if (r == 0)
		r = read_file(&u, &pack->files[0], ret);
	return end(&u, r);
}
