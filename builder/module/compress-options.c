/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the words of compress_gzip_opts, compress_xz_opts and compress_zstd_opts.
 *
 * lzma_str_to_filters() of liblzma reads the filters of xz (--lzma2 and --x86), but
 * neither the other options nor our defaults, and it came only with liblzma 5.4. While
 * older ones are supported, using it would add code here instead of replacing some. */
#include "config.h"

#include <errno.h>
#include <stdint.h>

#include "base/strv.h"
#include "builder/module/codecs.h"
#include "builder/module/compress-options.h"

/* The kernel needs little memory for an xz dictionary of this size
 * (Documentation/staging/xz.rst). A zstd window of up to 8 MiB can be decompressed
 * without asking for it; RFC 8878 recommends this limit. */
#define XZ_DICT_DEFAULT (2U * 1024 * 1024)
#define ZSTD_WINDOW_LOG_MAX 23 /* 8 MiB */
#define ZSTD_LEVEL_MAX 19      /* the highest level without --ultra */
#define THREADS_MAX 256

/* A set of tools, one bit for each. */
enum tool {
	GZIP = 1 << COMPRESSION_GZIP,
	XZ = 1 << COMPRESSION_XZ,
	ZSTD = 1 << COMPRESSION_ZSTD,
	ALL = GZIP | XZ | ZSTD,
};

enum value_use { NO_VALUE, OPTIONAL_VALUE, REQUIRED_VALUE };

/* The state while the words are read one after the other. */
struct parsing {
	enum compression how;
	struct compress_options *o;
	bool extreme;
	bool ultra;
	const char *lzma2; /* the last value of --lzma2, or NULL */
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

/* Reads a size in bytes with one of the units that xz knows: 65536, 64KiB, 2M, 1GiB. */
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

static bool accept_without_effect(_unused_ struct parsing *r, _unused_ const char *value)
{
	return true;
}

static bool set_fast(struct parsing *r, const char *value)
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

static bool set_best(struct parsing *r, _unused_ const char *value)
{
	r->o->level = 9;
	return true;
}

static bool set_extreme(struct parsing *r, _unused_ const char *value)
{
	r->extreme = true;
	return true;
}

static bool set_ultra(struct parsing *r, _unused_ const char *value)
{
	r->ultra = true;
	return true;
}

static bool set_threads(struct parsing *r, const char *value)
{
	unsigned long n;

	/* "+1" makes xz run one thread in its multi-threaded mode, the only mode used
	 * here. */
	if (!read_number(*value == '+' ? value + 1 : value, UINT32_MAX, &n))
		return false;
	if (n == 0) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		n = online > 0 ? (unsigned long)online : 1;
	}
	r->o->threads = n > THREADS_MAX ? THREADS_MAX : (unsigned int)n;
	return true;
}

static bool set_single_thread(struct parsing *r, _unused_ const char *value)
{
	r->o->threads = 1;
	return true;
}

static bool set_long(struct parsing *r, const char *value)
{
	unsigned long n = 27;

	if (value && (!read_number(value, 31, &n) || n < 10))
		return false;
	r->o->long_distance = true;
	r->o->window_log = (int)n;
	return true;
}

static bool set_checksum(struct parsing *r, _unused_ const char *value)
{
	r->o->checksum = true;
	return true;
}

static bool set_no_checksum(struct parsing *r, _unused_ const char *value)
{
	r->o->checksum = false;
	return true;
}

static bool set_check(struct parsing *r, const char *value)
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

static bool set_format(_unused_ struct parsing *r, const char *value)
{
	return streq(value, "xz") || streq(value, "auto");
}

static bool set_lzma2(struct parsing *r, const char *value)
{
	r->lzma2 = value;
	return true;
}

#define SET_BCJ(name, filter)                                                            \
	static bool set_##name(struct parsing *r, _unused_ const char *value)            \
	{                                                                                \
		r->o->bcj = filter;                                                      \
		return true;                                                             \
	}
SET_BCJ(x86, LZMA_FILTER_X86)
SET_BCJ(powerpc, LZMA_FILTER_POWERPC)
SET_BCJ(arm, LZMA_FILTER_ARM)
SET_BCJ(armthumb, LZMA_FILTER_ARMTHUMB)
SET_BCJ(sparc, LZMA_FILTER_SPARC)

static const struct known_option {
	int tools;
	char letter; /* of the short form; 0: there is none */
	const char *name;
	enum value_use value;
	/* Gets the value, or NULL if none was given. Returns false if the value is
	 * bad. */
	bool (*apply)(struct parsing *r, const char *value);
} known_options[] = {
	/* These concern only the command-line tool and have no effect here. */
	{ALL, 'f', "force", NO_VALUE, accept_without_effect},
	{ALL, 'k', "keep", NO_VALUE, accept_without_effect},
	{ALL, 'q', "quiet", NO_VALUE, accept_without_effect},
	{ALL, 'v', "verbose", NO_VALUE, accept_without_effect},
	{GZIP, 'n', "no-name", NO_VALUE, accept_without_effect},
	{XZ | ZSTD, 'z', "compress", NO_VALUE, accept_without_effect},
	{ZSTD, 0, "rm", NO_VALUE, accept_without_effect},
	{ZSTD, 0, "progress", NO_VALUE, accept_without_effect},
	{ZSTD, 0, "no-progress", NO_VALUE, accept_without_effect},
	/* These change the result. */
	{ALL, 0, "fast", OPTIONAL_VALUE, set_fast},
	{GZIP | XZ, 0, "best", NO_VALUE, set_best},
	{XZ, 'e', "extreme", NO_VALUE, set_extreme},
	{XZ | ZSTD, 'T', "threads", REQUIRED_VALUE, set_threads},
	{XZ, 'C', "check", REQUIRED_VALUE, set_check},
	{XZ, 'F', "format", REQUIRED_VALUE, set_format},
	{XZ, 0, "lzma2", OPTIONAL_VALUE, set_lzma2},
	{XZ, 0, "x86", NO_VALUE, set_x86},
	{XZ, 0, "powerpc", NO_VALUE, set_powerpc},
	{XZ, 0, "arm", NO_VALUE, set_arm},
	{XZ, 0, "armthumb", NO_VALUE, set_armthumb},
	{XZ, 0, "sparc", NO_VALUE, set_sparc},
	{ZSTD, 0, "ultra", NO_VALUE, set_ultra},
	{ZSTD, 0, "long", OPTIONAL_VALUE, set_long},
	{ZSTD, 'C', "check", NO_VALUE, set_checksum},
	{ZSTD, 0, "no-check", NO_VALUE, set_no_checksum},
	{ZSTD, 0, "single-thread", NO_VALUE, set_single_thread},
};

static const struct known_option *find_option(
	enum compression how, char letter, const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_options); i++) {
		if (!(known_options[i].tools & (1 << how)))
			continue;
		if (name ? strlen(known_options[i].name) == len &&
					strncmp(known_options[i].name, name, len) == 0
			 : known_options[i].letter == letter)
			return &known_options[i];
	}
	return NULL;
}

/* Parses the word "--name" or "--name=value". next is the word after it, or NULL.
 * Returns how many words were used; 0 if the option is unknown or its value is bad. */
static size_t parse_long_option(struct parsing *r, const char *word, const char *next)
{
	size_t len = strcspn(word + 2, "=");
	const struct known_option *option = find_option(r->how, 0, word + 2, len);
	const char *value = word[2 + len] ? word + 2 + len + 1 : NULL;
	bool separate = option && option->value == REQUIRED_VALUE && !value;

	if (!option || (option->value == NO_VALUE && value) || (separate && !next))
		return 0;
	if (!option->apply(r, separate ? next : value))
		return 0;
	return separate ? 2 : 1;
}

/* Parses a word of short options: "-9", "-19", "-9e", "-qT4", "-T" with "4" as next.
 * Returns the same as parse_long_option(). */
static size_t parse_short_options(struct parsing *r, const char *word, const char *next)
{
	const char *c = word + 1;

	while (*c) {
		const struct known_option *option;
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
		option = find_option(r->how, *c++, NULL, 0);
		if (!option)
			return 0;
		if (option->value != REQUIRED_VALUE) {
			option->apply(r, NULL);
			continue;
		}
		if (*c)
			return option->apply(r, c) ? 1 : 0;
		return next && option->apply(r, next) ? 2 : 0;
	}
	return c > word + 1;
}

/* Sets one NAME=VALUE of --lzma2. Returns false if the name or the value is bad. */
static bool set_lzma_option(lzma_options_lzma *lzma, const char *name, const char *value)
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

static bool set_preset(const struct parsing *r, int level, bool extreme)
{
	uint32_t preset = (uint32_t)level | (extreme ? LZMA_PRESET_EXTREME : 0);

	if (sym_lzma_lzma_preset(&r->o->lzma, preset))
		return false;
	r->o->lzma.dict_size = XZ_DICT_DEFAULT;
	return true;
}

/* Sets the options of the LZMA2 filter from the level and then from the value of
 * --lzma2, which wins over the level wherever the level is given. In xz a later level
 * undoes an earlier --lzma2, so that "--lzma2=dict=1MiB -6" gives a dictionary of 8 MiB;
 * nobody who writes that means it. Returns false if a value is bad. */
static bool finish_lzma_options(struct parsing *r)
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
		} else if (!set_lzma_option(&r->o->lzma, field, value)) {
			return false;
		}
	}
	/* The library checks which values may be combined. */
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
	struct parsing r = {.how = how, .o = &o};

	if (codec_load(how, err) < 0)
		return -ENOENT;
	strv_split(&words, options ? options : "");
	for (size_t i = 0, used; i < words.n; i += used) {
		const char *word = words.items[i], *next = words.items[i + 1];

		used = has_prefix(word, "--") ? parse_long_option(&r, word, next)
		       : *word == '-'         ? parse_short_options(&r, word, next)
					      : 0;
		if (!used)
			return error_set(err, -EINVAL, 1,
				"compress_%s_opts: unknown option or bad value: %s",
				tools[how], word);
	}
	if (how == COMPRESSION_XZ && !finish_lzma_options(&r))
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
