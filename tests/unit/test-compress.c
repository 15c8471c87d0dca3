/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compresses files, and reads the result by the libraries and by the tools. A kernel must
 * be able to read it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "builder/module/compress.h"
#include "tests/unit/tap.h"

static char root[] = "/tmp/dkms-test-XXXXXX";

/* Returns a path below root. Caller frees. */
static char *in_root(const char *name)
{
	return path_join(root, name);
}

/* Makes a file of n bytes that compresses about as well as a module: words between zeros.
 */
static char *make_input(const char *name, size_t n)
{
	char *path = in_root(name);
	char *bytes = xcalloc(n, 1);
	unsigned int random = 1;

	for (size_t i = 0; i < n; i++) {
		random = random * 1103515245 + 12345;
		if (i % 8 < 3)
			bytes[i] = (char)(random >> 28);
	}
	if (file_write(path, bytes, n, 0644, NULL) < 0)
		ok(false, "write %s", path);
	free(bytes);
	return path;
}

static int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool have(const char *tool)
{
	_cleanup_free_ char *command = xasprintf("command -v %s >/dev/null 2>&1", tool);

	return run(command) == 0;
}

static void check_round_trip(
	const char *input, enum compression how, const char *options, const char *tool)
{
	_cleanup_free_ char *packed = xasprintf("%s%s", input, compression_suffix(how));
	_cleanup_free_ char *unpacked = xasprintf("%s.unpacked", input);
	const char *shown = options ? options : "(default)";
	FILE *f = fopen(unpacked, "we");
	struct error e = {0};
	struct stat st;

	umask(077);
	ok(compress_file(input, packed, how, options, &e) == 0, "%s %s%s%s", tool, shown,
		e.what ? ": " : "", e.what ? e.what : "");
	umask(022);
	ok(stat(packed, &st) == 0 && (st.st_mode & 07777) == 0644, "the mode is 0644");
	ok(f && decompress_file(packed, how, f, &e) == 0, "read back%s%s",
		e.what ? ": " : "", e.what ? e.what : "");
	if (f)
		fclose(f);
	is_int(file_same_bytes(input, unpacked), 1, "the bytes are the same");
	if (have(tool)) {
		_cleanup_free_ char *command = xasprintf("%s -qdc%s < %s | cmp - %s",
			tool, how == COMPRESSION_ZSTD ? " --long=31" : "", packed, input);

		is_int(run(command), 0, "the tool reads it as well");
	} else {
		ok(true, "the tool reads it as well # SKIP no %s", tool);
	}
	unlink(packed);
	unlink(unpacked);
	error_done(&e);
}

static void test_round_trips(void)
{
	_cleanup_free_ char *empty = make_input("empty.ko", 0);
	_cleanup_free_ char *small = make_input("small.ko", 3000);
	_cleanup_free_ char *large = make_input("large.ko", 9000000);
	static const struct {
		enum compression how;
		const char *tool, *options;
	} cases[] = {
		{COMPRESSION_GZIP, "gzip", NULL},
		{COMPRESSION_GZIP, "gzip", "-1"},
		{COMPRESSION_GZIP, "gzip", "-q --best -nf"},
		{COMPRESSION_XZ, "xz", "--check=crc32 --lzma2=dict=1MiB -6"},
		{COMPRESSION_XZ, "xz", "-0 -T4 --x86"},
		{COMPRESSION_XZ, "xz", "-qfT 2 -1e --check sha256"},
		{COMPRESSION_XZ, "xz",
			"--lzma2=preset=0e,lc=2,lp=1,pb=0,mode=fast,nice=32,mf=hc4"},
		{COMPRESSION_ZSTD, "zstd", NULL},
		{COMPRESSION_ZSTD, "zstd", "-q --rm -T0 -3"},
		{COMPRESSION_ZSTD, "zstd", "--fast=3 --no-check"},
		{COMPRESSION_ZSTD, "zstd", "-1 --long=25"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_round_trip(small, cases[i].how, cases[i].options, cases[i].tool);
	check_round_trip(empty, COMPRESSION_GZIP, NULL, "gzip");
	check_round_trip(empty, COMPRESSION_XZ, NULL, "xz");
	check_round_trip(empty, COMPRESSION_ZSTD, NULL, "zstd");
	check_round_trip(small, COMPRESSION_ZSTD, "--ultra -22", "zstd");
	check_round_trip(large, COMPRESSION_GZIP, "--fast", "gzip");
	check_round_trip(large, COMPRESSION_XZ, "-0 -T2", "xz");
	check_round_trip(large, COMPRESSION_ZSTD, NULL, "zstd");
}

static void test_same_bytes(void)
{
	_cleanup_free_ char *large = make_input("same.ko", 9000000);
	_cleanup_free_ char *renamed = make_input("other-name.ko", 9000000);
	_cleanup_free_ char *a = in_root("a"), *b = in_root("b");
	static const struct {
		enum compression how;
		const char *one, *many;
	} cases[] = {
		{COMPRESSION_GZIP, "-1", "-1"},
		{COMPRESSION_XZ, "-0", "-0 -T3"},
		{COMPRESSION_ZSTD, NULL, "-T3"},
		{COMPRESSION_ZSTD, "--single-thread", "-T0"},
		{COMPRESSION_ZSTD, "-3", ""},
	};
	struct timespec past[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};

	utimensat(AT_FDCWD, renamed, past, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = compress_file(large, a, cases[i].how, cases[i].one, NULL);

		if (r == 0)
			r = compress_file(renamed, b, cases[i].how, cases[i].many, NULL);
		is_int(r, 0, "compress twice");
		ok(file_same_bytes(a, b) == 1,
			"%s: the bytes do not depend on the name, the time and the "
			"number of threads",
			compression_suffix(cases[i].how));
		unlink(a);
		unlink(b);
	}
}

/* Reads the stream header and the block header of an xz file. */
static bool read_xz_headers(const char *path, lzma_check *ret_check, uint32_t *ret_dict)
{
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	lzma_block block = {.filters = filters};
	lzma_stream_flags flags;
	struct str s = {0};
	bool fine = false;

	if (file_read(path, 1 << 30, &s, NULL) == 0 && s.len > LZMA_STREAM_HEADER_SIZE &&
		lzma_stream_header_decode(&flags, (uint8_t *)s.data) == LZMA_OK) {
		const uint8_t *header = (uint8_t *)s.data + LZMA_STREAM_HEADER_SIZE;

		block.check = flags.check;
		block.header_size = lzma_block_header_size_decode(*header);
		if (lzma_block_header_decode(&block, NULL, header) == LZMA_OK) {
			fine = filters[0].id == LZMA_FILTER_LZMA2;
			if (fine)
				*ret_dict = ((lzma_options_lzma *)filters[0].options)
						    ->dict_size;
			*ret_check = flags.check;
			for (size_t i = 0; filters[i].id != LZMA_VLI_UNKNOWN; i++)
				free(filters[i].options);
		}
	}
	str_done(&s);
	return fine;
}

static void test_for_the_kernel(void)
{
	_cleanup_free_ char *input = make_input("kernel.ko", 300000);
	_cleanup_free_ char *packed = in_root("kernel.ko.xz");
	static const struct {
		const char *options;
		uint32_t dict;
		lzma_check check;
	} cases[] = {
		{NULL, 2 << 20, LZMA_CHECK_CRC32},
		{"-9", 2 << 20, LZMA_CHECK_CRC32},
		{"--check=crc32 --lzma2=dict=1MiB -6", 1 << 20, LZMA_CHECK_CRC32},
		{"-1 --lzma2=preset=2,dict=64KiB", 64 << 10, LZMA_CHECK_CRC32},
		{"-1 --lzma2=dict=8M -C crc64", 8 << 20, LZMA_CHECK_CRC64},
	};
	struct str s = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		lzma_check check = LZMA_CHECK_NONE;
		uint32_t dict = 0;

		is_int(compress_file(
			       input, packed, COMPRESSION_XZ, cases[i].options, NULL),
			0, cases[i].options ? cases[i].options : "xz without options");
		ok(read_xz_headers(packed, &check, &dict), "the headers can be read");
		is_int(dict, cases[i].dict, "the size of the dictionary");
		is_int(check, cases[i].check, "the kind of checksum");
		unlink(packed);
	}

	is_int(compress_file(input, packed, COMPRESSION_GZIP, NULL, NULL), 0, "gzip");
	is_int(file_read(packed, 1 << 30, &s, NULL), 0, "read the gzip file");
	ok(s.len > 10 && s.data[3] == 0 && memcmp(s.data + 4, "\0\0\0\0", 4) == 0,
		"the gzip header has no name and no time");
	str_done(&s);
	unlink(packed);

	/* Frame_Header_Descriptor with Single_Segment: the window is as large as the
	 * content. */
	is_int(compress_file(input, packed, COMPRESSION_ZSTD, "--ultra -20", NULL), 0,
		"zstd");
	is_int(file_read(packed, 1 << 30, &s, NULL), 0, "read the zstd file");
	ok(s.len > 9 && (s.data[4] & 0xe4) == 0xa4,
		"the zstd frame has the content's size and a checksum");
	str_done(&s);
	unlink(packed);
}

static void test_zstd_limits(void)
{
	static const char input[] =
		"/proc/self/exe"; /* levels change how this file is compressed */
	_cleanup_free_ char *zeros = in_root("zeros.ko");
	_cleanup_free_ char *a = in_root("a"), *b = in_root("b");
	struct str s = {0};

	compress_file(input, a, COMPRESSION_ZSTD, "-19", NULL);
	compress_file(input, b, COMPRESSION_ZSTD, "-22", NULL);
	is_int(file_same_bytes(a, b), 1, "without --ultra -19 is the highest level");
	unlink(b);
	compress_file(input, b, COMPRESSION_ZSTD, "-22 --ultra", NULL);
	is_int(file_same_bytes(a, b), 0, "with --ultra there are higher levels");
	unlink(a);
	unlink(b);

	/* After the magic number comes a descriptor, and then the window if it is smaller
	 * than the content. The upper five bits of the window are the exponent minus ten.
	 */
	is_int(file_write(zeros, "", 0, 0644, NULL), 0, "make a file");
	is_int(truncate(zeros, 20000000), 0, "make it 20 MB of zeros");
	is_int(compress_file(zeros, a, COMPRESSION_ZSTD, "--ultra -22", NULL), 0,
		"compress it with --ultra -22");
	is_int(file_read(a, 1 << 20, &s, NULL), 0, "read the compressed file");
	ok(s.len > 6 && !(s.data[4] & 0x20) && (unsigned char)s.data[5] >> 3 == 23 - 10,
		"the window is 8 MiB");
	str_done(&s);
	unlink(a);
	is_int(compress_file(zeros, a, COMPRESSION_ZSTD, "-1 --long=24", NULL), 0,
		"compress it with --long=24");
	is_int(file_read(a, 1 << 20, &s, NULL), 0, "read the file of --long=24");
	ok(s.len > 6 && !(s.data[4] & 0x20) && (unsigned char)s.data[5] >> 3 == 24 - 10,
		"the window is 16 MiB");
	str_done(&s);
	unlink(a);
}

static void test_bad_options(void)
{
	_cleanup_free_ char *input = make_input("options.ko", 100);
	_cleanup_free_ char *packed = in_root("options.out");
	static const struct {
		enum compression how;
		const char *options;
		bool fine;
	} cases[] = {
		{COMPRESSION_GZIP, "--rsyncable", false},
		{COMPRESSION_GZIP, "-0", false},
		{COMPRESSION_GZIP, "-T4", false},
		{COMPRESSION_GZIP, "6", false},
		{COMPRESSION_GZIP, "-", false},
		{COMPRESSION_GZIP, "--", false},
		{COMPRESSION_GZIP, "--fast=2", false},
		{COMPRESSION_GZIP, "  -1\t-9 ", true},
		{COMPRESSION_XZ, "-T", false},
		{COMPRESSION_XZ, "-T x", false},
		{COMPRESSION_XZ, "-T +1", true},
		{COMPRESSION_XZ, "--threads", false},
		{COMPRESSION_XZ, "--check=md5", false},
		{COMPRESSION_XZ, "--lzma2=dict=2TiB", false},
		{COMPRESSION_XZ, "--lzma2=dict=99999999999", false},
		{COMPRESSION_XZ, "--lzma2=dict", false},
		{COMPRESSION_XZ, "--lzma2=preset=x", false},
		{COMPRESSION_XZ, "--lzma2=lc=4,lp=4", false},
		{COMPRESSION_XZ, "--lzma2", true},
		{COMPRESSION_XZ, "--ultra", false},
		{COMPRESSION_XZ, "-19", true}, /* xz reads it as -1 and -9 */
		{COMPRESSION_ZSTD, "-23", false},
		{COMPRESSION_ZSTD, "-22", true}, /* lowered to -19 without --ultra */
		{COMPRESSION_ZSTD, "--fast=0", false},
		{COMPRESSION_ZSTD, "--long=99", false},
		{COMPRESSION_ZSTD, "--lzma2=dict=1MiB", false},
		{COMPRESSION_ZSTD, "--threads 2 -qvf -C", true},
		{COMPRESSION_ZSTD, "-T2x", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = {0};
		int r = compress_file(input, packed, cases[i].how, cases[i].options, &e);

		if (cases[i].fine)
			ok(r == 0, "%s: %s", cases[i].options, e.what ? e.what : "fine");
		else
			ok(r == -EINVAL && e.status == 1 && e.what &&
					strstr(e.what, "_opts: ") && !path_exists(packed),
				"%s: %s", cases[i].options, e.what ? e.what : "no error");
		unlink(packed);
		error_done(&e);
	}
}

static void test_failures(void)
{
	_cleanup_free_ char *input = make_input("failures.ko", 2000000);
	_cleanup_free_ char *packed = in_root("failures.out");
	_cleanup_free_ char *missing = in_root("missing.ko");
	static const enum compression all[] = {
		COMPRESSION_GZIP, COMPRESSION_XZ, COMPRESSION_ZSTD};
	struct rlimit limit, small;
	struct error e = {0};
	FILE *null;

	is_int(compress_file(missing, packed, COMPRESSION_GZIP, NULL, &e), -ENOENT,
		"a missing file");
	ok(e.what && strstr(e.what, "missing.ko") && !path_exists(packed), "%s",
		e.what ? e.what : "");
	error_done(&e);
	is_int(file_write(packed, "old", 3, 0644, NULL), 0,
		"make a file at the destination");
	is_int(compress_file(input, packed, COMPRESSION_GZIP, NULL, NULL), -EEXIST,
		"an existing file is not replaced");
	ok(path_exists(packed), "it is not removed either");
	unlink(packed);

	/* A full disk, simulated by the limit of a process for file sizes. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	small = (struct rlimit){.rlim_cur = 100000, .rlim_max = limit.rlim_max};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		int r;

		setrlimit(RLIMIT_FSIZE, &small);
		r = compress_file(input, packed, all[i], "-1", &e);
		setrlimit(RLIMIT_FSIZE, &limit);
		is_int(r, -EFBIG, "there is no room for the result");
		ok(e.what && strstr(e.what, "failures.out"), "%s", e.what ? e.what : "");
		ok(!path_exists(packed), "no part of the result is left");
		error_done(&e);
	}

	null = fopen("/dev/null", "we");
	for (size_t i = 0; null && i < ARRAY_SIZE(all); i++) {
		const char *suffix = compression_suffix(all[i]);
		struct stat st;

		is_int(compress_file(input, packed, all[i], "-1", NULL), 0, suffix);
		ok(stat(packed, &st) == 0 && truncate(packed, st.st_size - 20) == 0,
			"cut off the end");
		is_int(decompress_file(packed, all[i], null, &e), -EBADMSG,
			"a file that is cut off");
		ok(e.what && strstr(e.what, "failures.out"), "%s", e.what ? e.what : "");
		error_done(&e);
		is_int(decompress_file(input, all[i], null, NULL), -EBADMSG,
			"a file that is not compressed");
		unlink(packed);
	}
	if (null)
		fclose(null);
	is_int(compress_file(input, packed, COMPRESSION_NONE, NULL, NULL), -EINVAL,
		"a file without compression is an error of the caller");
}

int main(void)
{
	if (!ok(mkdtemp(root) != NULL, "a temporary directory"))
		return done_testing();
	test_round_trips();
	test_same_bytes();
	test_for_the_kernel();
	test_zstd_limits();
	test_bad_options();
	test_failures();
	dir_remove(root, NULL);
	return done_testing();
}
