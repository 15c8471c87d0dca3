/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of compress_gzip_opts, compress_xz_opts and compress_zstd_opts. */
#include "config.h"

#include <errno.h>
#include <stdint.h>

#include "base/strv.h"
#include "builder/module/codecs.h"
#include "builder/module/compress-options.h"

/* The kernel can read no more than the first with little memory, and both tools
 * decompress the second without being asked to. */
#define XZ_DICT_DEFAULT (2U * 1024 * 1024)
#define ZSTD_WINDOW_LOG_MAX 23 /* 8 MiB */
#define ZSTD_LEVEL_MAX 19      /* without --ultra */
#define THREADS_MAX 256

/* Bits, one for each tool. */
enum tool {
	GZIP = 1 << COMPRESSION_GZIP,
	XZ = 1 << COMPRESSION_XZ,
	ZSTD = 1 << COMPRESSION_ZSTD,
	ALL = GZIP | XZ | ZSTD,
};

enum takes { NOTHING, MAYBE_VALUE, VALUE };

/* What is seen while the words are read, in the order of the words. */
struct reading {
	enum compression how;
	struct compress_options *o;
	bool extreme;
	bool ultra;
	const char *lzma2; /* what follows --lzma2=, or NULL */
};

static bool read_number(const char *value, unsigned long max, unsigned long *ret)
{
	char *end;

	if (is_empty(value) || *value < '0' || *value > '9')
		return false;
	errno = 0;
	*ret = strtoul(value, &end, 10);
	return !*end && !errno && *ret <= max;
}

/* The same with the units that xz knows: 65536, 64KiB, 2M, 1GiB. */
static bool read_size(const char *value, uint32_t *ret)
{
	static const char units[] = "kmg";
	unsigned long long n;
	const char *unit;
	char *end;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno || n > UINT32_MAX)
		return false;
	if (*end) {
		unit = strchr(units, *end | 0x20);
		if (!unit)
			return false;
		n <<= 10 * (unit - units + 1);
		end++;
		if (*end && !streq(end, "i") && !streq(end, "iB") && !streq(end, "B"))
			return false;
	}
	if (n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool ignore(_unused_ struct reading *r, _unused_ const char *value)
{
	return true;
}

static bool set_fast(struct reading *r, const char *value)
{
	unsigned long n = 1;

	if (value &&
		(r->how != COMPRESSION_ZSTD || !read_number(value, 131072, &n) || !n))
		return false;
	r->o->level = r->how == COMPRESSION_GZIP ? 1
		      : r->how == COMPRESSION_XZ ? 0
						 : -(int)n;
	return true;
}

static bool set_best(struct reading *r, _unused_ const char *value)
{
	r->o->level = 9;
	return true;
}

static bool set_extreme(struct reading *r, _unused_ const char *value)
{
	r->extreme = true;
	return true;
}

static bool set_ultra(struct reading *r, _unused_ const char *value)
{
	r->ultra = true;
	return true;
}

static bool set_threads(struct reading *r, const char *value)
{
	unsigned long n;

	/* xz: "+1" is one thread in the mode of many, which is the only mode here. */
	if (!read_number(*value == '+' ? value + 1 : value, UINT32_MAX, &n))
		return false;
	if (n == 0) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		n = online > 0 ? (unsigned long)online : 1;
	}
	r->o->threads = n > THREADS_MAX ? THREADS_MAX : (unsigned int)n;
	return true;
}

static bool set_single_thread(struct reading *r, _unused_ const char *value)
{
	r->o->threads = 1;
	return true;
}

static bool set_long(struct reading *r, const char *value)
{
	unsigned long n = 27;

	if (value && (!read_number(value, 31, &n) || n < 10))
		return false;
	r->o->long_distance = true;
	r->o->window_log = (int)n;
	return true;
}

static bool set_checksum(struct reading *r, _unused_ const char *value)
{
	r->o->checksum = true;
	return true;
}

static bool set_no_checksum(struct reading *r, _unused_ const char *value)
{
	r->o->checksum = false;
	return true;
}

static bool set_check(struct reading *r, const char *value)
{
	static const struct {
		const char *name;
		lzma_check check;
	} checks[] = {
		{"none", LZMA_CHECK_NONE},
		{"crc32", LZMA_CHECK_CRC32},
		{"crc64", LZMA_CHECK_CRC64},
		{"sha256", LZMA_CHECK_SHA256},
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (streq(value, checks[i].name)) {
			r->o->check = checks[i].check;
			return true;
		}
	return false;
}

static bool set_format(_unused_ struct reading *r, const char *value)
{
	return streq(value, "xz") || streq(value, "auto");
}

static bool set_lzma2(struct reading *r, const char *value)
{
	r->lzma2 = value;
	return true;
}

#define SET_BCJ(name, filter)                                                            \
	static bool set_##name(struct reading *r, _unused_ const char *value)            \
	{                                                                                \
		r->o->bcj = filter;                                                      \
		return true;                                                             \
	}
SET_BCJ(x86, LZMA_FILTER_X86)
SET_BCJ(powerpc, LZMA_FILTER_POWERPC)
SET_BCJ(arm, LZMA_FILTER_ARM)
SET_BCJ(armthumb, LZMA_FILTER_ARMTHUMB)
SET_BCJ(sparc, LZMA_FILTER_SPARC)

static const struct option_row {
	int tools;
	char letter; /* 0: none */
	const char *name;
	enum takes takes;
	/* value is NULL when none was given; false for a bad one */
	bool (*apply)(struct reading *r, const char *value);
} rows[] = {
	/* What only concerns the tool as a process. */
	{ALL, 'f', "force", NOTHING, ignore},
	{ALL, 'k', "keep", NOTHING, ignore},
	{ALL, 'q', "quiet", NOTHING, ignore},
	{ALL, 'v', "verbose", NOTHING, ignore},
	{GZIP, 'n', "no-name", NOTHING, ignore},
	{XZ | ZSTD, 'z', "compress", NOTHING, ignore},
	{ZSTD, 0, "rm", NOTHING, ignore},
	{ZSTD, 0, "progress", NOTHING, ignore},
	{ZSTD, 0, "no-progress", NOTHING, ignore},
	/* What changes the result. */
	{ALL, 0, "fast", MAYBE_VALUE, set_fast},
	{GZIP | XZ, 0, "best", NOTHING, set_best},
	{XZ, 'e', "extreme", NOTHING, set_extreme},
	{XZ | ZSTD, 'T', "threads", VALUE, set_threads},
	{XZ, 'C', "check", VALUE, set_check},
	{XZ, 'F', "format", VALUE, set_format},
	{XZ, 0, "lzma2", MAYBE_VALUE, set_lzma2},
	{XZ, 0, "x86", NOTHING, set_x86},
	{XZ, 0, "powerpc", NOTHING, set_powerpc},
	{XZ, 0, "arm", NOTHING, set_arm},
	{XZ, 0, "armthumb", NOTHING, set_armthumb},
	{XZ, 0, "sparc", NOTHING, set_sparc},
	{ZSTD, 0, "ultra", NOTHING, set_ultra},
	{ZSTD, 0, "long", MAYBE_VALUE, set_long},
	{ZSTD, 'C', "check", NOTHING, set_checksum},
	{ZSTD, 0, "no-check", NOTHING, set_no_checksum},
	{ZSTD, 0, "single-thread", NOTHING, set_single_thread},
};

static const struct option_row *find_row(
	enum compression how, char letter, const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(rows[i].tools & (1 << how)))
			continue;
		if (name ? strlen(rows[i].name) == len &&
					strncmp(rows[i].name, name, len) == 0
			 : rows[i].letter == letter)
			return &rows[i];
	}
	return NULL;
}

/* "--name", "--name=value"; next is the word behind it or NULL. Returns how many words
 * were used, 0 when the option is not known or its value is bad. */
static size_t read_long(struct reading *r, const char *word, const char *next)
{
	size_t len = strcspn(word + 2, "=");
	const struct option_row *row = find_row(r->how, 0, word + 2, len);
	const char *value = word[2 + len] ? word + 2 + len + 1 : NULL;
	bool separate = row && row->takes == VALUE && !value;

	if (!row || (row->takes == NOTHING && value) || (separate && !next))
		return 0;
	if (!row->apply(r, separate ? next : value))
		return 0;
	return separate ? 2 : 1;
}

/* "-9", "-19", "-9e", "-qT4", "-T 4"; the same result. */
static size_t read_short(struct reading *r, const char *word, const char *next)
{
	const char *c = word + 1;

	while (*c) {
		const struct option_row *row;
		char *end;

		if (*c >= '0' && *c <= '9') {
			long level = r->how == COMPRESSION_ZSTD ? strtol(c, &end, 10)
								: *c - '0';

			if (level > 22 || (level == 0 && r->how == COMPRESSION_GZIP))
				return 0;
			r->o->level = (int)level;
			c = r->how == COMPRESSION_ZSTD ? end : c + 1;
			continue;
		}
		row = find_row(r->how, *c++, NULL, 0);
		if (!row)
			return 0;
		if (row->takes != VALUE) {
			row->apply(r, NULL);
			continue;
		}
		if (*c)
			return row->apply(r, c) ? 1 : 0;
		return next && row->apply(r, next) ? 2 : 0;
	}
	return c > word + 1;
}

/* One NAME=VALUE of --lzma2. */
static bool set_lzma_field(lzma_options_lzma *lzma, const char *name, const char *value)
{
	static const struct {
		const char *name;
		size_t offset;
		uint32_t max;
	} numbers[] = {
		{"lc", offsetof(lzma_options_lzma, lc), LZMA_LCLP_MAX},
		{"lp", offsetof(lzma_options_lzma, lp), LZMA_LCLP_MAX},
		{"pb", offsetof(lzma_options_lzma, pb), LZMA_PB_MAX},
		{"nice", offsetof(lzma_options_lzma, nice_len), 273},
		{"depth", offsetof(lzma_options_lzma, depth), UINT32_MAX},
	};
	static const struct {
		const char *name;
		lzma_match_finder finder;
	} finders[] = {
		{"hc3", LZMA_MF_HC3},
		{"hc4", LZMA_MF_HC4},
		{"bt2", LZMA_MF_BT2},
		{"bt3", LZMA_MF_BT3},
		{"bt4", LZMA_MF_BT4},
	};
	unsigned long n;

	if (streq(name, "dict"))
		return read_size(value, &lzma->dict_size);
	if (streq(name, "mode")) {
		lzma->mode = streq(value, "fast") ? LZMA_MODE_FAST : LZMA_MODE_NORMAL;
		return streq(value, "fast") || streq(value, "normal");
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (streq(name, numbers[i].name)) {
			if (!read_number(value, numbers[i].max, &n))
				return false;
			*(uint32_t *)(void *)((char *)lzma + numbers[i].offset) =
				(uint32_t)n;
			return true;
		}
	if (!streq(name, "mf"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(finders); i++)
		if (streq(value, finders[i].name)) {
			lzma->mf = finders[i].finder;
			return true;
		}
	return false;
}

static bool set_preset(const struct reading *r, int level, bool extreme)
{
	uint32_t preset = (uint32_t)level | (extreme ? LZMA_PRESET_EXTREME : 0);

	if (sym_lzma_lzma_preset(&r->o->lzma, preset))
		return false;
	r->o->lzma.dict_size = XZ_DICT_DEFAULT;
	return true;
}

/* Makes the filter's options from the level and the words of --lzma2, which win over the
 * level wherever it stands. (xz lets a later level undo an earlier --lzma2; that turned
 * "--lzma2=dict=1MiB -6" into a dictionary of 8 MiB, which nobody who writes it means.)
 */
static bool finish_lzma(struct reading *r)
{
	_cleanup_free_ char *copy = xstrdup(r->lzma2 ? r->lzma2 : "");
	char *field, *rest = copy;

	if (!set_preset(r, r->o->level, r->extreme))
		return false;
	while ((field = strsep(&rest, ","))) {
		char *value = strchr(field, '=');

		if (!*field)
			continue;
		if (!value)
			return false;
		*value++ = '\0';
		if (streq(field, "preset")) {
			bool e = value[0] && value[1] == 'e' && !value[2];

			if (*value < '0' || *value > '9' || (value[1] && !e) ||
				!set_preset(r, *value - '0', e))
				return false;
		} else if (!set_lzma_field(&r->o->lzma, field, value)) {
			return false;
		}
	}
	/* The library knows which values go together. */
	return sym_lzma_raw_encoder_memusage((lzma_filter[]){
		       {.id = LZMA_FILTER_LZMA2, .options = &r->o->lzma},
		       {.id = LZMA_VLI_UNKNOWN},
	       }) != UINT64_MAX;
}

int compress_options_parse(enum compression how, const char *options,
	struct compress_options *ret, struct error *err)
{
	static const char *const tools[] = {"", "gzip", "xz", "zstd"};
	_cleanup_(strv_done) struct strv words = {0};
	struct compress_options o = {
		.level = how == COMPRESSION_ZSTD ? 3 : 6,
		.threads = 1,
		.check = LZMA_CHECK_CRC32,
		.bcj = LZMA_VLI_UNKNOWN,
		.checksum = true,
	};
	struct reading r = {.how = how, .o = &o};

	if (codec_load(how, err) < 0)
		return -ENOENT;
	strv_split(&words, options ? options : "");
	for (size_t i = 0, used; i < words.n; i += used) {
		const char *word = words.items[i], *next = words.items[i + 1];

		used = has_prefix(word, "--") ? read_long(&r, word, next)
		       : *word == '-'         ? read_short(&r, word, next)
					      : 0;
		if (!used)
			return error_set(err, -EINVAL, 1,
				"compress_%s_opts: unknown option or bad value: %s",
				tools[how], word);
	}
	if (how == COMPRESSION_XZ && !finish_lzma(&r))
		return error_set(err, -EINVAL, 1,
			"compress_xz_opts: bad value: --lzma2=%s",
			r.lzma2 ? r.lzma2 : "");
	if (how == COMPRESSION_ZSTD && o.level > ZSTD_LEVEL_MAX) {
		if (!r.ultra)
			o.level = ZSTD_LEVEL_MAX;
		else if (!o.window_log)
			o.window_log = ZSTD_WINDOW_LOG_MAX;
	}
	*ret = o;
	return 0;
}
