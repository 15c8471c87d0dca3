/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compresses and decompresses files with zlib, liblzma and libzstd. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "builder/module/codecs.h"
#include "builder/module/compress-options.h"
#include "builder/module/compress.h"

#define BLOCK_BYTES 65536 /* read and written at a time */

/* A stream of one of the libraries. step() moves bytes from in to out. It returns 1 when
 * the stream is complete, 0 when it needs more input or more room, or a negative errno.
 * last tells step() that in holds the end of the input. done() frees the library's state
 * and may be NULL. */
struct coder {
	const unsigned char *in;
	size_t in_len;
	unsigned char *out;
	size_t out_room;
	int (*step)(struct coder *c, bool last);
	void (*done)(struct coder *c);
	union {
		z_stream z;
		lzma_stream x;
		ZSTD_CCtx *zstd_c;
		ZSTD_DCtx *zstd_d;
	};
};

static int copy_step(struct coder *c, bool last)
{
	size_t n = c->in_len < c->out_room ? c->in_len : c->out_room;

	memcpy(c->out, c->in, n);
	c->in += n;
	c->in_len -= n;
	c->out += n;
	c->out_room -= n;
	return last && c->in_len == 0;
}

static int zlib_step(struct coder *c, bool last, int (*code)(z_stream *, int))
{
	int r;

	/* zlib declares its input without const but does not change it. */
	c->z.next_in = (unsigned char *)(uintptr_t)c->in;
	c->z.avail_in = (unsigned int)c->in_len;
	c->z.next_out = c->out;
	c->z.avail_out = (unsigned int)c->out_room;
	r = code(&c->z, last ? Z_FINISH : Z_NO_FLUSH);
	c->in = c->z.next_in;
	c->in_len = c->z.avail_in;
	c->out = c->z.next_out;
	c->out_room = c->z.avail_out;
	switch (r) {
	case Z_STREAM_END:
		return 1;
	case Z_OK:
	case Z_BUF_ERROR: /* no progress; run_coder() notices if that is final */
		return 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

static int deflate_step(struct coder *c, bool last)
{
	return zlib_step(c, last, sym_deflate);
}

static int inflate_step(struct coder *c, bool last)
{
	return zlib_step(c, last, sym_inflate);
}

static void deflate_done(struct coder *c)
{
	sym_deflateEnd(&c->z);
}

static void inflate_done(struct coder *c)
{
	sym_inflateEnd(&c->z);
}

static int xz_step(struct coder *c, bool last)
{
	lzma_ret r;

	c->x.next_in = c->in;
	c->x.avail_in = c->in_len;
	c->x.next_out = c->out;
	c->x.avail_out = c->out_room;
	r = sym_lzma_code(&c->x, last ? LZMA_FINISH : LZMA_RUN);
	c->in = c->x.next_in;
	c->in_len = c->x.avail_in;
	c->out = c->x.next_out;
	c->out_room = c->x.avail_out;
	switch (r) {
	case LZMA_STREAM_END:
		return 1;
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		return 0;
	case LZMA_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

static void xz_done(struct coder *c)
{
	sym_lzma_end(&c->x);
}

static int zstd_compress_step(struct coder *c, bool last)
{
	ZSTD_inBuffer in = {c->in, c->in_len, 0};
	ZSTD_outBuffer out = {c->out, c->out_room, 0};
	size_t left = sym_ZSTD_compressStream2(
		c->zstd_c, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);

	if (sym_ZSTD_isError(left))
		return sym_ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation
			       ? -ENOMEM
			       : -EIO;
	c->in += in.pos;
	c->in_len -= in.pos;
	c->out += out.pos;
	c->out_room -= out.pos;
	return last && left == 0;
}

static int zstd_decompress_step(struct coder *c, _unused_ bool last)
{
	ZSTD_inBuffer in = {c->in, c->in_len, 0};
	ZSTD_outBuffer out = {c->out, c->out_room, 0};
	size_t left = sym_ZSTD_decompressStream(c->zstd_d, &out, &in);

	if (sym_ZSTD_isError(left))
		return -EBADMSG;
	c->in += in.pos;
	c->in_len -= in.pos;
	c->out += out.pos;
	c->out_room -= out.pos;
	return left == 0;
}

static void zstd_compress_done(struct coder *c)
{
	sym_ZSTD_freeCCtx(c->zstd_c);
}

static void zstd_decompress_done(struct coder *c)
{
	sym_ZSTD_freeDCtx(c->zstd_d);
}

/* The default gzip header of zlib has neither a name nor a time, so it is left as it
 * is. */
static int start_gzip(struct coder *c, const struct compress_options *o)
{
	c->step = deflate_step;
	c->done = deflate_done;
	return sym_deflateInit2_(&c->z, o->level, Z_DEFLATED, 15 + 16, 8,
		       Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof(c->z)) == Z_OK
		       ? 0
		       : -ENOMEM;
}

static int start_xz(struct coder *c, const struct compress_options *o)
{
	lzma_options_lzma lzma = o->lzma;
	lzma_filter filters[LZMA_FILTERS_MAX + 1] = {{.id = LZMA_VLI_UNKNOWN}};
	/* The multi-threaded encoder is used for one thread as well, so that the blocks,
	 * and thus the bytes, are the same for any number of threads. */
	lzma_mt mt = {.threads = o->threads, .filters = filters, .check = o->check};
	size_t n = 0;
	lzma_ret r;

	if (o->bcj != LZMA_VLI_UNKNOWN)
		filters[n++] = (lzma_filter){.id = o->bcj};
	filters[n++] = (lzma_filter){.id = LZMA_FILTER_LZMA2, .options = &lzma};
	filters[n].id = LZMA_VLI_UNKNOWN;
	c->step = xz_step;
	c->done = xz_done;
	r = sym_lzma_stream_encoder_mt(&c->x, &mt);
	return r == LZMA_OK ? 0 : r == LZMA_MEM_ERROR ? -ENOMEM : -EINVAL;
}

static int start_zstd(struct coder *c, const struct compress_options *o, off_t size)
{
	c->step = zstd_compress_step;
	c->done = zstd_compress_done;
	c->zstd_c = sym_ZSTD_createCCtx();
	if (!c->zstd_c)
		return -ENOMEM;
	/* At least one worker is used, so that the bytes are the same for any number of
	 * them. A library built without threads rejects this, but then it always writes
	 * the same. */
	sym_ZSTD_CCtx_setParameter(c->zstd_c, ZSTD_c_nbWorkers, (int)o->threads);
	if (sym_ZSTD_isError(sym_ZSTD_CCtx_setParameter(
		    c->zstd_c, ZSTD_c_compressionLevel, o->level)) ||
		sym_ZSTD_isError(sym_ZSTD_CCtx_setParameter(
			c->zstd_c, ZSTD_c_checksumFlag, o->checksum)) ||
		sym_ZSTD_isError(sym_ZSTD_CCtx_setParameter(c->zstd_c,
			ZSTD_c_enableLongDistanceMatching, o->long_distance)) ||
		sym_ZSTD_isError(sym_ZSTD_CCtx_setParameter(
			c->zstd_c, ZSTD_c_windowLog, o->window_log)) ||
		sym_ZSTD_isError(sym_ZSTD_CCtx_setPledgedSrcSize(
			c->zstd_c, (unsigned long long)size)))
		return -EINVAL;
	return 0;
}

static int start_compressing(struct coder *c, enum compression how,
	const struct compress_options *o, off_t size)
{
	switch (how) {
	case COMPRESSION_GZIP:
		return start_gzip(c, o);
	case COMPRESSION_XZ:
		return start_xz(c, o);
	case COMPRESSION_ZSTD:
		return start_zstd(c, o, size);
	default:
		return -EINVAL;
	}
}

static int start_decompressing(struct coder *c, enum compression how)
{
	switch (how) {
	case COMPRESSION_NONE:
		c->step = copy_step;
		return 0;
	case COMPRESSION_GZIP:
		c->step = inflate_step;
		c->done = inflate_done;
		return sym_inflateInit2_(
			       &c->z, 15 + 16, ZLIB_VERSION, (int)sizeof(c->z)) == Z_OK
			       ? 0
			       : -ENOMEM;
	case COMPRESSION_XZ:
		c->step = xz_step;
		c->done = xz_done;
		return sym_lzma_stream_decoder(&c->x, UINT64_MAX, 0) == LZMA_OK ? 0
										: -ENOMEM;
	case COMPRESSION_ZSTD:
		c->step = zstd_decompress_step;
		c->done = zstd_decompress_done;
		c->zstd_d = sym_ZSTD_createDCtx();
		return c->zstd_d ? 0 : -ENOMEM;
	default:
		return -EINVAL;
	}
}

/* Runs the stream c until it is complete, reading from one file and writing to the
 * other. Returns 0 or a negative errno; -EBADMSG if the input ends too early. After a
 * failure to read or to write, ferror() of that file is set. */
static int run_coder(struct coder *c, FILE *from, FILE *to)
{
	unsigned char in[BLOCK_BYTES], out[BLOCK_BYTES];
	bool last = false;

	for (;;) {
		size_t made;
		int r;

		if (c->in_len == 0 && !last) {
			errno = 0;
			c->in = in;
			c->in_len = fread(in, 1, sizeof(in), from);
			if (ferror(from))
				return errno ? -errno : -EIO;
			last = feof(from);
		}
		c->out = out;
		c->out_room = sizeof(out);
		r = c->step(c, last);
		made = sizeof(out) - c->out_room;
		errno = 0;
		if (fwrite(out, 1, made, to) != made)
			return errno ? -errno : -EIO;
		if (r)
			return r < 0 ? r : 0;
		if (last && c->in_len == 0 && made == 0)
			return -EBADMSG; /* it needs more input than there is */
	}
}

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Sets err for a failed run_coder(): names the file to if writing failed, else path. */
static int set_coder_error(struct error *err, int r, const char *path, const char *verb,
	FILE *to, const char *to_path)
{
	if (ferror(to))
		return error_errno(err, r, 1, "cannot write %s", to_path);
	if (r == -EBADMSG)
		return error_set(err, r, 1, "cannot %s %s: it is damaged", verb, path);
	return error_errno(err, r, 1, "cannot %s %s", verb, path);
}

/* Compresses from into the new file to, and sets its mode and writes it to disk. The
 * paths are for errors. */
static int compress_stream(FILE *from, const char *from_path, FILE *to,
	const char *to_path, enum compression how, const struct compress_options *o,
	struct error *err)
{
	struct coder c = {0};
	struct stat st;
	int r = 0;

	if (fstat(fileno(from), &st) < 0)
		r = -errno;
	if (r == 0)
		r = start_compressing(&c, how, o, st.st_size);
	if (r == 0)
		r = run_coder(&c, from, to);
	if (c.done)
		c.done(&c);
	if (r < 0)
		return set_coder_error(err, r, from_path, "compress", to, to_path);
	if (fflush(to) || fchmod(fileno(to), 0644) < 0 || fsync(fileno(to)) < 0)
		return error_errno(err, -errno, 1, "cannot write %s", to_path);
	return 0;
}

int compress_file(const char *source, const char *target, enum compression how,
	const char *options, struct error *err)
{
	_cleanup_(close_file) FILE *from = NULL, *to = NULL;
	struct compress_options o;
	int fd, r;

	r = compress_options_parse(how, options, &o, err);
	if (r < 0)
		return r;
	from = fopen(source, "re");
	if (!from)
		return error_errno(err, -errno, 1, "cannot open %s", source);
	fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_errno(err, -errno, 1, "cannot create %s", target);
	to = fdopen(fd, "w");
	if (!to) {
		r = error_errno(err, -errno, 1, "cannot create %s", target);
		close(fd);
	} else {
		r = compress_stream(from, source, to, target, how, &o, err);
	}
	if (r < 0)
		unlink(target);
	return r;
}

int decompress_file(const char *path, enum compression how, FILE *to, struct error *err)
{
	_cleanup_(close_file) FILE *from = fopen(path, "re");
	_cleanup_free_ char *content = xasprintf("the content of %s", path);
	struct coder c = {0};
	int r;

	if (!from)
		return error_errno(err, -errno, 1, "cannot open %s", path);
	r = codec_load(how, err);
	if (r < 0)
		return r;
	r = start_decompressing(&c, how);
	if (r == 0)
		r = run_coder(&c, from, to);
	if (c.done)
		c.done(&c);
	if (r == 0 && fflush(to))
		r = -errno;
	if (r < 0)
		return set_coder_error(err, r, path, "decompress", to, content);
	return 0;
}
