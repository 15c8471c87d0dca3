/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which calls of a compiler can be answered from a memo? This lists what is understood. What
 * is not listed is left to the compiler.
 *
 * The calls are those that kbuild makes: "gcc-12 FLAGS -c -x c /dev/null -o .tmp_123/tmp" asks
 * for an option, "printf '%b\n' CODE | gcc-12 FLAGS -c -x assembler-with-cpp -o .tmp_123/tmp -"
 * for an instruction. */
#include <stdint.h>

#include "builder/probes/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool text_is(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const char *text_after(const char *text, const char *start)
{
	for (; *start; start++, text++)
		if (*text != *start)
			return NULL;
	return text;
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(word, words[i]))
			return true;
	return false;
}

static bool begins_with_one_of(const char *word, const char *const *starts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_after(word, starts[i]))
			return true;
	return false;
}

/* Whether the text can be a number or a name and not a path. */
static bool is_plain(const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || c == '+' || c == ',' || c == '-' ||
			    c == '=' || c == '_'))
			return false;
	}
	return true;
}

static bool contains(const char *text, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		const char *w = word;

		for (size_t j = i; j < n && *w && text[j] == *w; j++)
			w++;
		if (!*w)
			return true;
	}
	return false;
}

static size_t length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

bool options_are_closed(const char *text, size_t n)
{
	/* #include, __has_include, .include, .incbin, #embed, __DATE__ and the like */
	static const char *const words[] = {"include", "incbin", "embed", "__DATE",
		"__TIME", "import", "pragma", "_Pragma", "##"};

	for (size_t i = 0; i < COUNT(words); i++)
		if (contains(text, n, words[i]))
			return false;
	return true;
}

/* -fNAME and -fNAME=VALUE, without "-f". */
static bool is_known_f(const char *name)
{
	/* They write further files, read profiles, plugins or the clock, or print the working
	 * directory. */
	static const char *const refused[] = {"auto-profile", "branch-probabilities",
		"callgraph-info", "compare-debug", "coverage", "crash", "debug", "dump",
		"mem-report", "modules", "opt-info", "pch", "plugin", "profile", "random",
		"record", "report", "repo", "save", "stack-usage", "stats", "test-coverage",
		"time", "working-directory"};
	static const char *const with_value[] = {"align-functions=", "align-jumps=",
		"align-labels=", "align-loops=", "cf-protection=", "conserve-stack=",
		"function-alignment=", "live-patching=", "max-errors=", "message-length=",
		"min-function-alignment=", "no-sanitize=", "no-sanitize-recover=",
		"patchable-function-entry=", "sanitize-coverage=", "sanitize-recover=",
		"sanitize=", "strict-flex-arrays=", "tls-model=", "trivial-auto-var-init=",
		"visibility=", "zero-call-used-regs=", "zero-init-padding-bits="};
	/* Their value is not a path that is opened. */
	static const char *const maps[] = {
		"debug-prefix-map=", "file-prefix-map=", "macro-prefix-map="};
	const char *end = name;

	if (begins_with_one_of(name, maps, COUNT(maps)))
		return true;
	if (begins_with_one_of(name, refused, COUNT(refused)))
		return false;
	while (*end && *end != '=')
		end++;
	return is_plain(name) &&
	       (!*end || begins_with_one_of(name, with_value, COUNT(with_value)));
}

/* -mNAME and -mNAME=VALUE, without "-m". */
static bool is_known_m(const char *name)
{
	if (text_after(name, "llvm"))
		return false;
	/* This depends on the processor. */
	return is_plain(name) && !contains(name, length(name), "native");
}

static bool is_known_w(const char *name)
{
	static const char *const assembler[] = {"--fatal-warnings", "--noexecstack",
		"-mrelax-relocations=no", "-mrelax-relocations=yes"};
	const char *to_assembler = text_after(name, "a,");

	if (to_assembler)
		return is_one_of(to_assembler, assembler, COUNT(assembler));
	return !text_after(name, "p,") && !text_after(name, "l,") && is_plain(name);
}

/* Whether the option is known, and its value is in the same word. */
static bool is_known(const char *word)
{
	static const char *const known[] = {"-E", "-P", "-Qunused-arguments", "-S", "-ansi",
		"-c", "-dM", "-integrated-as", "-no-integrated-as", "-nostdinc", "-p", "-pedantic",
		"-pg", "-pipe", "-undef", "-w"};
	const char *rest;

	if (is_one_of(word, known, COUNT(known)))
		return true;
	if ((rest = text_after(word, "-f")))
		return is_known_f(rest);
	if ((rest = text_after(word, "-m")))
		return is_known_m(rest);
	if ((rest = text_after(word, "-W")))
		return is_known_w(rest);
	if ((rest = text_after(word, "-D")) || (rest = text_after(word, "-U")))
		return *rest && options_are_closed(rest, length(rest));
	if ((rest = text_after(word, "-O")) || (rest = text_after(word, "-std=")) ||
		(rest = text_after(word, "--param=")) ||
		(rest = text_after(word, "--target=")))
		return is_plain(rest);
	return false;
}

static bool is_language(const char *word)
{
	static const char *const languages[] = {"assembler", "assembler-with-cpp", "c"};

	return is_one_of(word, languages, COUNT(languages));
}

/* What the words of a call have been so far. */
struct words {
	struct probe *probe;
	bool has_language, has_input, compiles, asks;
};

/* Reads the word at argv[i]. Returns how many words it has read; 0 if it is not known. */
static size_t read_word(char **argv, size_t i, struct words *w)
{
	static const char *const asking[] = {
		"--version", "-dumpfullversion", "-dumpmachine", "-dumpversion"};
	const char *word = argv[i], *next = argv[i + 1];

	if (is_one_of(word, asking, COUNT(asking))) {
		w->asks = true;
		return 1;
	}
	if (text_is(word, "-") || text_is(word, "/dev/null")) {
		if (w->has_input || !w->has_language)
			return 0;
		w->probe->reads_stdin = text_is(word, "-");
		w->has_input = true;
		return 1;
	}
	if (text_is(word, "-x") || text_is(word, "-xc")) {
		w->has_language = true;
		return text_is(word, "-xc")	    ? 1
		       : next && is_language(next) ? 2
						   : 0;
	}
	if (text_is(word, "-o")) {
		if (w->probe->output || !next || !*next)
			return 0;
		w->probe->output = next;
		w->probe->output_arg = i + 1;
		return 2;
	}
	if (text_is(word, "--param"))
		return next && is_plain(next) ? 2 : 0;
	w->compiles = w->compiles || text_is(word, "-c") || text_is(word, "-S") ||
		      text_is(word, "-E");
	return is_known(word) ? 1 : 0;
}

bool options_understand(char **argv, struct probe *ret)
{
	struct words w = {.probe = ret};
	bool to_stdout = false;

	*ret = (struct probe){0};
	if (!argv[0] || !argv[1])
		return false;
	for (size_t i = 1; argv[i];) {
		size_t n = read_word(argv, i, &w);

		if (!n)
			return false;
		to_stdout = to_stdout || text_is(argv[i], "-E");
		i += n;
	}
	if (w.asks)
		return !w.has_input && !ret->output;
	/* Without -o, the output would be a file in the working directory. */
	return w.has_input && w.compiles && (ret->output || to_stdout);
}

/* Whether the word asks for debug information, or for none, or says how it is written. */
static bool is_debug_option(const char *word)
{
	const char *rest = text_after(word, "-g");

	return rest && !text_after(rest, "no-") && !text_after(rest, "record-gcc-switches");
}

bool options_are_kbuilds_debug_info(char **argv)
{
	bool compiles = false, kernel = false, module = false, before = false;
	size_t runs = 0;

	for (size_t i = 1; argv[0] && argv[i]; i++) {
		bool is_debug = is_debug_option(argv[i]);

		runs += is_debug && !before;
		before = is_debug;
		compiles = compiles || text_is(argv[i], "-c");
		kernel = kernel || text_is(argv[i], "-D__KERNEL__");
		module = module || text_is(argv[i], "-DMODULE");
	}
	return compiles && kernel && module && runs == 1;
}
