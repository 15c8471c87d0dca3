/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever plain.c reads, bash must read in the same way. Texts that are known to be plain,
 * texts that must be left to bash, and many that are put together at random. */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "builder/conf/plain.h"
#include "tests/unit/run.h"
#include "tests/unit/tap.h"

#define RELEASE "6.1.0-56-amd64"

static const char *const names[] = {"PACKAGE_NAME", "PACKAGE_VERSION", "BUILT_MODULE_NAME",
	"DEST_MODULE_LOCATION", "MAKE", "MAKE_MATCH", "BUILD_EXCLUSIVE_KERNEL",
	"BUILD_EXCLUSIVE_ARCH", "CLEAN", "DEST_MODULE_NAME", "BUILT_MODULE_LOCATION", "STRIP",
	"AUTOINSTALL", "NO_WEAK_MODULES", "POST_ADD", "PRE_BUILD", "POST_BUILD", "POST_INSTALL",
	"POST_REMOVE", "BUILD_EXCLUSIVE_CONFIG", "BUILD_EXCLUSIVE_KERNEL_MIN",
	"BUILD_EXCLUSIVE_KERNEL_MAX", "OBSOLETE_BY", "PATCH", "BUILD_DEPENDS",
	"BUILD_DEPENDS_REBUILD", "MODULES_CONF", NULL};

static const struct plain_variable given[] = {{"kernelver", RELEASE}, {"arch", "x86_64"},
	{"kernel_source_dir", "/lib/modules/" RELEASE "/build"}, {"dkms_tree", "/var/lib/dkms"},
	{"parallel_jobs", ""}, {"module", "it's \"my\" $module `x` \\y *"}};

static char directory[] = "/tmp/dkms-plain-XXXXXX";

/* Returns the variables as text; the caller frees it. */
static char *describe(const struct evaluation *e)
{
	struct str s = {0};

	for (size_t i = 0; i < e->n; i++)
		str_addf(&s, "%s[%u]=<%s>\n", e->items[i].name, e->items[i].index,
			e->items[i].value);
	return str_take(&s);
}

/* Evaluates texts with bash, as so many files. Returns the result as text, or what is wrong. */
static char *ask_bash(const struct strv *texts)
{
	struct strv files = {0}, no_assignments = {0};
	struct evaluation e = {0};
	struct outcome outcome = {0};
	struct error err = {0};
	struct command cmd;
	char *result;

	command_init(&cmd);
	for (size_t i = 0; i < texts->n; i++) {
		strv_pushf(&files, "%s/%zu.conf", directory, i);
		if (file_write(files.items[i], texts->items[i], strlen(texts->items[i]), 0644,
			    &err) < 0)
			abort();
	}
	strv_push(&cmd.env, "PATH=/usr/bin:/bin");
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		strv_setenv(&cmd.env, given[i].name, given[i].value);
	evaluate_fill_command(names, &files, &no_assignments, &cmd);
	run_command(&cmd, &outcome);
	if (evaluate_parse_report(&cmd, &outcome, &e, &err) < 0)
		result = xstrdup(err.what);
	else if (outcome.err.len)
		result = xasprintf("it says: %s", outcome.err.data);
	else
		result = describe(&e);
	evaluation_done(&e);
	error_done(&err);
	outcome_done(&outcome);
	command_done(&cmd);
	strv_done(&files);
	return result;
}

/* Evaluates texts without bash. Returns the result as text, or NULL. */
static char *read_plainly(const struct strv *texts)
{
	const struct plain_request request = {names, given, ARRAY_SIZE(given), RELEASE, "x86_64"};
	struct evaluation e = {0};
	char *result = NULL;

	if (plain_evaluate(&request, texts, &e))
		result = describe(&e);
	evaluation_done(&e);
	return result;
}

static void compare(const struct strv *texts, const char *what)
{
	_cleanup_free_ char *plain = read_plainly(texts);
	_cleanup_free_ char *bash = plain ? ask_bash(texts) : NULL;

	if (!plain || !streq(plain, bash))
		printf("# in:\n%s\n", texts->items[0]);
	is(plain, bash ? bash : "a plain text", what);
}

/* Each is plain, and bash reads it in the same way. */
static void check_plain(void)
{
	static const char *const texts[] = {
		"",
		"\n\n \t\n# a comment\n   # another one\n",
		"PACKAGE_NAME=a\nPACKAGE_VERSION='1.0'",
		"PACKAGE_NAME=a # comment\nPACKAGE_NAME=b\t# $(comment) `x`\n",
		"PACKAGE_NAME=a\nPACKAGE_VERSION=$PACKAGE_NAME-1\nMAKE=\"${PACKAGE_NAME}x\"'$arch'",
		"PACKAGE_NAME=\nPACKAGE_VERSION=\"\"\nCLEAN=''",
		"BUILT_MODULE_NAME=a\nBUILT_MODULE_NAME[2]=c\nBUILT_MODULE_NAME[10]=d\n"
		"MAKE=$BUILT_MODULE_NAME",
		"BUILT_MODULE_NAME[0]=a\nBUILT_MODULE_NAME=b\nMAKE='$BUILT_MODULE_NAME'",
		"MAKE=\"make -C a \\\n   && make\" # x\nCLEAN=\"two\nlines\"",
		"MAKE=\"make 'V=1' \\\"x y\\\" \\$kernelver $kernel_source_dir\"",
		"MAKE=\"a\\b\\.c\\x\"\nCLEAN='a\\b'",
		"MAKE='make KVER=${kernelver} M=$dkms_tree/$PACKAGE_NAME'\nPACKAGE_NAME=later",
		"MAKE=\"$parallel_jobs\"\nCLEAN=$parallel_jobs",
		"sub=char\nDEST_MODULE_LOCATION='/kernel/drivers/$sub'\nauthor=\"J\xc3\xbcrgen\"",
		"PACKAGE_CONFIG=/etc/x.conf\nMAKE=$PACKAGE_CONFIG",
		"CLEAN=\"50% of {a,b} [x] *.o ~ ? ! # & | ; < > ( )\"\nMAKE=a:b,c%d+e@f^g=h",
		"BUILD_EXCLUSIVE_KERNEL=\"^(5\\.[6-9]\\.|5\\.[1-9][0-9]\\.|[6-9]\\.)\"",
		"BUILD_EXCLUSIVE_KERNEL=\"^3\\.1[4-9].*|^[4-9].*\"\nBUILD_EXCLUSIVE_ARCH='^(x86_64)$'",
		"BUILD_EXCLUSIVE_ARCH=\"^(x86_64|aarch64)$\"\nMAKE_MATCH[1]=\"amd64$\"",
		"BUILD_EXCLUSIVE_ARCH='i?86'\nMAKE_MATCH='^$kernelver$'\n",
		"BUILD_EXCLUSIVE_KERNEL='REQUIRES CONFIG_X'\nMAKE_MATCH=''",
		"CLEAN='$module'",
		"MAKE_MATCH[0]='^6\\.1\\.'\nMAKE_MATCH[1]='^6x1'\nMAKE_MATCH[2]=\"6.1\"",
		"MAKE_MATCH[0]='^6\\.[0-9]+\\.0-.+'\nMAKE_MATCH[1]='(am+d|x*)64'\nMAKE_MATCH[2]='^(x+|[6-9]*\\.)1'",
		"MAKE_MATCH[0]='^[^5]'\nMAKE_MATCH[1]='[[:digit:]]-amd64'\nMAKE_MATCH[2]='[]a]'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(strv_done) struct strv one = {0};
		_cleanup_free_ char *what = xasprintf("plain text %zu", i);

		strv_push(&one, texts[i]);
		compare(&one, what);
	}
}

static void check_several_files(void)
{
	_cleanup_(strv_done) struct strv texts = {0};

	strv_push(&texts, "PACKAGE_NAME=a\nsub=x\nMAKE='make $sub'\nBUILT_MODULE_NAME[1]=m");
	strv_push(&texts, "# overrides\nsub=y\nPACKAGE_VERSION=$PACKAGE_NAME.2");
	strv_push(&texts, "BUILT_MODULE_NAME[1]=n");
	compare(&texts, "a file sees what the files before it have set");
}

/* None of these may be read without bash. */
static void check_others(void)
{
	static const char *const texts[] = {
		/* commands and other grammar */
		"PACKAGE_NAME=$(echo a)", "PACKAGE_NAME=`echo a`", "PACKAGE_NAME=\"$(echo a)\"",
		"PACKAGE_NAME='$(echo a)'", "PACKAGE_NAME='`echo a`'", "PACKAGE_NAME=a; true",
		"PACKAGE_NAME=a true", "PACKAGE_NAME=a PACKAGE_VERSION=1", "PACKAGE_NAME=a &",
		"PACKAGE_NAME=a#\n`x`", "PACKAGE_NAME = a", "PACKAGE_NAME= a", "exit 1", "return",
		"if true; then\nPACKAGE_NAME=a\nfi", "export PACKAGE_NAME=a", ". ./x", "cd /",
		"trap 'x' EXIT", "exec 3<&-", "umask 0", "set -e", "PACKAGE_NAME()\n{\n:\n}",
		"[ -e /x ] && PACKAGE_NAME=a", "PACKAGE_NAME+=a", "PACKAGE_NAME=(a b)",
		"PACKAGE_NAME[0]+=a", "PACKAGE_NAME[ 0 ]=a", "PACKAGE_NAME[x]=a",
		"PACKAGE_NAME[007]=a", "PACKAGE_NAME[4096]=a", "PACKAGE_NAME[-1]=a",
		"PACKAGE_NAME[99999999999]=a", "\xef\xbb\xbf# comment", "PACKAGE_NAME=a\r",
		"PACKAGE_NAME=\x01x", "PACKAGE_NAME='\x7f'",
		/* quotes and expansions */
		"PACKAGE_NAME='a", "PACKAGE_NAME=\"a", "PACKAGE_NAME=a\\", "PACKAGE_NAME=a\\ b",
		"PACKAGE_NAME=\"a\\\\b\"", "PACKAGE_NAME=\"a\\`b\"", "PACKAGE_NAME='a\\\\b'",
		"PACKAGE_NAME='\\\"'", "PACKAGE_NAME='a\\$b'", "PACKAGE_NAME=$'a'",
		"PACKAGE_NAME=$\"a\"", "PACKAGE_NAME=${arch^^}", "PACKAGE_NAME=${arch:-x}",
		"PACKAGE_NAME=${BUILT_MODULE_NAME[1]}", "PACKAGE_NAME=$RANDOM",
		"PACKAGE_NAME='$RANDOM'", "PACKAGE_NAME=$PATH", "PACKAGE_NAME=$1",
		"PACKAGE_NAME='$1 $$ $?'", "PACKAGE_NAME=${!arch}", "PACKAGE_NAME=${#arch}",
		"PACKAGE_NAME=$((1+1))", "PACKAGE_NAME=$[1+1]", "PACKAGE_NAME=~", "PACKAGE_NAME=a:~",
		"PACKAGE_NAME={a,b}", "PACKAGE_NAME=*", "PACKAGE_NAME=$unknown", "PACKAGE_NAME=\"a$.b\"",
		"BUILT_MODULE_NAME[1]=a\nPACKAGE_NAME=$BUILT_MODULE_NAME",
		"PACKAGE_NAME=$module", "MAKE='$arch\n_dkms_end\ntouch x\n'",
		/* variables with a meaning */
		"PATH=/x", "IFS=x", "BASH_ENV=x", "LC_ALL=x", "_x=1", "_dkms_names=x", "RANDOM=1",
		"arch=x", "kernelver=5", "histchars=x", "UID=0", "PS4='$(x)'", "TMOUT=1",
		/* regular expressions that are slow, or bad */
		"BUILD_EXCLUSIVE_KERNEL='(a{1,200}){1,200}'", "MAKE_MATCH='\\(a\\)\\1'",
		"MAKE_MATCH='(((((((((((((((((x)))))))))))))))))'", "MAKE_MATCH='['",
		"MAKE_MATCH='('", "MAKE_MATCH=' x'", "MAKE_MATCH='a  b'", "MAKE_MATCH='a\nb'",
		"MAKE_MATCH='\\w'", "MAKE_MATCH='a++++++++++++++++++++++++++++++++++++++++'",
		"MAKE_MATCH='((((((((((((((((.+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+'", "MAKE_MATCH='.*+?'",
		"MAKE_MATCH='a**'",
		"MAKE_MATCH='(a|^b)*'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(strv_done) struct strv one = {0};
		_cleanup_free_ char *plain = NULL;

		strv_push(&one, texts[i]);
		plain = read_plainly(&one);
		ok(!plain, "left to bash: %s", texts[i]);
	}
}

static void check_size(void)
{
	struct str s = {0};
	_cleanup_(strv_done) struct strv texts = {0};
	_cleanup_free_ char *plain = NULL, *doubled = NULL, *doubled_again = NULL;

	for (int i = 0; i <= PLAIN_ASSIGNMENTS_MAX; i++)
		str_add(&s, "CLEAN=x\n");
	strv_take(&texts, str_take(&s));
	plain = read_plainly(&texts);
	ok(!plain, "too many assignments are left to bash");

	/* 2^40 bytes */
	strv_done(&texts);
	str_add(&s, "x0=aaaaaaaa\n");
	for (int i = 1; i < 38; i++)
		str_addf(&s, "x%d=$x%d$x%d\n", i, i - 1, i - 1);
	strv_take(&texts, str_take(&s));
	doubled = read_plainly(&texts);
	ok(!doubled, "values that double are left to bash");
	strv_done(&texts);
	str_add(&s, "PACKAGE_NAME='$x$x'\nx=");
	for (int i = 0; i < 10000; i++)
		str_add(&s, "a");
	strv_take(&texts, str_take(&s));
	doubled_again = read_plainly(&texts);
	ok(!doubled_again, "and one that does so when it is expanded again");
}

/* Compares the files of tests/corpus, which are as people write them. */
static void check_corpus(void)
{
	_cleanup_free_ char *top = path_join(getenv("top_srcdir"), "tests/corpus");
	_cleanup_(strv_done) struct strv packages = {0};
	int n_plain = 0;

	dir_list(top, &packages);
	for (size_t i = 0; i < packages.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s/dkms.conf", top, packages.items[i]);
		_cleanup_(strv_done) struct strv texts = {0};
		_cleanup_free_ char *plain = NULL;
		struct str text = {0};

		if (file_read(path, PLAIN_BYTES_MAX, &text, NULL) < 0)
			continue;
		strv_take(&texts, str_take(&text));
		plain = read_plainly(&texts);
		if (!plain)
			continue;
		n_plain++;
		compare(&texts, packages.items[i]);
	}
	ok(n_plain >= 15, "many files of the corpus are plain (%d)", n_plain);
}

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

/* Puts pieces together at random, by a fixed seed, and compares those that are plain. */
static void check_random(void)
{
	static const char *const pieces[] = {"PACKAGE_NAME=", "MAKE=", "MAKE[1]=", "sub=",
		"MAKE_MATCH=", "a", "1", ".", "/", "\"", "\"", "\"", "'", "'", "\n", "\n", "\n", " ",
		"$arch", "${kernelver}", "$sub", "$PACKAGE_NAME", "$", "\\", "\\\n", "\\.", "\\$",
		"\\\"", "#", "|", "(", ")", "^", "*", "[0-9]", "?", "=", "%", "{", "}", "~", ";",
		"&", "\t", "-", "$)", "+"};
	unsigned int seed = 4711, n_plain = 0;

	for (int i = 0; i < 60000 && n_plain < 400; i++) {
		_cleanup_(strv_done) struct strv texts = {0};
		_cleanup_free_ char *plain = NULL, *bash = NULL;
		struct str s = {0};
		unsigned int n = 4 + next_random(&seed) % 14;

		for (unsigned int j = 0; j < n; j++)
			str_add(&s, pieces[j % 6 ? next_random(&seed) % ARRAY_SIZE(pieces)
						  : next_random(&seed) % 5]);
		strv_take(&texts, str_take(&s));
		plain = read_plainly(&texts);
		if (!plain)
			continue;
		n_plain++;
		bash = ask_bash(&texts);
		if (streq(plain, bash))
			continue;
		printf("# in:\n%s\n", texts.items[0]);
		is(plain, bash, "a random text");
	}
	ok(n_plain == 400, "400 random texts are plain (%u)", n_plain);
}

int main(void)
{
	struct error err = {0};

	if (!mkdtemp(directory))
		return 1;
	check_plain();
	check_several_files();
	check_others();
	check_size();
	check_corpus();
	check_random();
	dir_remove(directory, &err);
	return done_testing();
}
