/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which compiler and linker does a kernel need for its modules?
 *
 * kbuild takes them from the kernel's Makefile, which includes .kernelvariables on
 * Debian, and from the variable LLVM. The exported variables CC and so on are for
 * makefiles and configure scripts of modules that compile something themselves, and must
 * name the same programs. Therefore .kernelvariables, in which Debian names the compiler,
 * takes precedence over CONFIG_CC_VERSION_TEXT. The latter is the first line that the
 * compiler printed for
 * --version:
 *
 *   gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0
 *   x86_64-linux-gnu-gcc-13 (Ubuntu 13.2.0-23ubuntu4) 13.2.0
 *   gcc (GCC) 13.2.1 20240316 (Red Hat 13.2.1-7)
 *   Debian clang version 16.0.6 (15~deb12u1)
 *   clang version 17.0.6
 *   Android (8508608, based on r450784e) clang version 14.0.7 (...)
 */
#include "config.h"

#include "base/file.h"
#include "builder/host/architecture.h"
#include "builder/host/toolchain.h"

/* A larger .kernelvariables is not read (bytes). */
#define VARIABLES_MAX (64 * 1024)

/* Tells whether search, a PATH, has the program. A name that a shell would not read as
 * one plain word counts as not installed, because makefiles insert it into command lines
 * without quotes. */
static bool is_installed(const char *program, const char *search)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789+-._/";
	_cleanup_free_ char *path = NULL;

	if (*program == '-' || program[strspn(program, plain)])
		return false;
	if (search && streq(search, TOOLCHAIN_ALL))
		return true;
	path = path_find_program(program, search);
	return path != NULL;
}

/* .kernelvariables */

/* Returns a copy of a makefile's value without each $(...), ${...} and $x; the caller
 * frees. The variables that .kernelvariables refers to are not set in a build: ccache,
 * and a prefix for another architecture. */
static char *remove_references(const char *value, size_t len)
{
	struct str s = {0};

	for (size_t i = 0; i < len; i++) {
		size_t depth = 0;

		if (value[i] != '$') {
			str_add_bytes(&s, value + i, 1);
			continue;
		}
		for (i++; i < len; i++) {
			depth += value[i] == '(' || value[i] == '{';
			if (depth && (value[i] == ')' || value[i] == '}'))
				depth--;
			if (!depth)
				break;
		}
	}
	return str_take(&s);
}

/* Returns the value that line assigns to CC, and its length. NULL if it assigns none. */
static const char *find_cc_value(const char *line, size_t len, size_t *ret_len)
{
	const char *end = line + len;

	line += strspn(line, " ");
	if (has_prefix(line, "override "))
		line += strspn(line + strlen("override"), " ") + strlen("override");
	if (!has_prefix(line, "CC"))
		return NULL;
	line += 2;
	line += strspn(line, " \t");
	line += strspn(line, ":");
	if (*line != '=')
		return NULL;
	line++;
	*ret_len = (size_t)(end - line);
	return line;
}

/* Returns the program in the last assignment to CC; the caller frees. NULL if there is no
 * assignment or if its value is not one word. */
static char *cc_from_variables(const char *text)
{
	char *cc = NULL;

	while (text && *text) {
		size_t len = strcspn(text, "\n"), value_len;
		const char *value = find_cc_value(text, len, &value_len);

		if (value) {
			_cleanup_free_ char *plain = remove_references(value, value_len);
			_cleanup_(strv_done) struct strv words = {0};

			strv_split(&words, plain);
			free(cc);
			cc = words.n == 1 ? xstrdup(words.items[0]) : NULL;
		}
		text += len;
		text += *text == '\n';
	}
	return cc;
}

/* CONFIG_CC_VERSION_TEXT */

/* Returns the name of the program at the beginning of a version text; the caller frees.
 * NULL if there is none. */
static char *cc_from_version(const char *text)
{
	size_t len;

	if (!text)
		return NULL;
	text += *text == '"';
	len = strcspn(text, " \"");
	/* A version text has more words after the name. */
	return len && text[len] == ' ' ? xstrndup(text, len) : NULL;
}

/* Returns "16" of "Debian clang version 16.0.6"; the caller frees. NULL if there is no
 * such number. */
static char *clang_major(const char *text)
{
	static const char before[] = "clang version ";
	const char *version = text ? strstr(text, before) : NULL;
	size_t len;

	if (!version)
		return NULL;
	version += strlen(before);
	len = strspn(version, "0123456789");
	return len ? xstrndup(version, len) : NULL;
}

/* Chooses clang and LLVM. LLVM=1 makes kbuild run "clang". If only a clang with a version
 * in its name is installed, all programs of LLVM have that suffix, and LLVM is it. */
static void choose_clang(const struct toolchain_facts *facts, const char *search,
	struct toolchain *ret)
{
	_cleanup_free_ char *major = clang_major(facts->cc_version_text);
	_cleanup_free_ char *versioned = xasprintf("clang-%s", major ? major : "");

	ret->llvm = xstrdup("1");
	if (is_installed("clang", search)) {
		str_replace(&ret->cc, "clang");
	} else if (major && is_installed(versioned, search)) {
		str_replace(&ret->cc, versioned);
		free(ret->llvm);
		ret->llvm = xasprintf("-%s", major);
	} else if (facts->arch) {
		str_replace(&ret->missing, major ? versioned : "clang");
	}
}

/* Chooses the GNU compiler of another architecture. .kernelvariables and the kernel's makefile
 * have its name after $(CROSS_COMPILE); a version text has it with or without a prefix. */
static void choose_cross_gcc(const struct toolchain_facts *facts, const char *name,
	const char *search, struct toolchain *ret)
{
	char *cc = has_prefix(name, facts->prefix) ? xstrdup(name)
						    : xasprintf("%s%s", facts->prefix, name);

	ret->prefix = xstrdup(facts->prefix);
	if (is_installed(cc, search))
		ret->cc = cc;
	else
		ret->missing = cc;
}

static void choose_lld(const char *search, struct toolchain *ret)
{
	_cleanup_free_ char *name =
		xasprintf("ld.lld%s", ret->llvm && *ret->llvm == '-' ? ret->llvm : "");

	if (is_installed(name, search))
		ret->ld = TAKE_PTR(name);
}

void toolchain_choose(const struct toolchain_facts *facts, const char *search,
	struct toolchain *ret)
{
	_cleanup_free_ char *variable = cc_from_variables(facts->kernelvariables);
	_cleanup_free_ char *version = cc_from_version(facts->cc_version_text);

	*ret = (struct toolchain){.arch = facts->arch ? xstrdup(facts->arch) : NULL};
	if (facts->arch && !facts->clang && facts->prefix)
		choose_cross_gcc(facts, variable ? variable : version ? version : "gcc", search,
			ret);
	else if (variable && !facts->arch && is_installed(variable, search))
		ret->cc = TAKE_PTR(variable);
	else if (facts->clang)
		choose_clang(facts, search, ret);
	else if (version && is_installed(version, search))
		ret->cc = TAKE_PTR(version);
	if (facts->clang && !ret->llvm)
		ret->llvm = xstrdup("1");
	if (facts->lld)
		choose_lld(search, ret);
}

static bool is_yes(const char *value)
{
	return value && streq(value, "y");
}

/* Returns what the names of the compiler and the binutils for an architecture begin with; the
 * caller frees. That is CROSS_COMPILE of the environment if it is set. NULL if there is none. */
static char *find_prefix(const struct architecture *a)
{
	const char *given = getenv("CROSS_COMPILE");

	if (!is_empty(given))
		return xstrdup(given);
	return a->triplet ? xasprintf("%s-", a->triplet) : NULL;
}

int toolchain_choose_for_kernel(struct kernel *k, const char *search,
	struct toolchain *ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(k->headers, ".kernelvariables");
	_cleanup_(str_done) struct str variables = {0};
	struct toolchain_facts facts = {0};
	const struct architecture *foreign = architecture_find_foreign(k->arch);
	_cleanup_free_ char *prefix = foreign ? find_prefix(foreign) : NULL;
	int r = file_read_optional(path, VARIABLES_MAX, &variables, err);

	*ret = (struct toolchain){0};
	if (r == 0)
		r = kernel_read_config(k, err);
	if (r < 0)
		return r;
	facts.kernelvariables = variables.data;
	facts.cc_version_text = kernel_config(k, "CONFIG_CC_VERSION_TEXT");
	facts.clang = is_yes(kernel_config(k, "CONFIG_CC_IS_CLANG"));
	facts.lld = is_yes(kernel_config(k, "CONFIG_LD_IS_LLD"));
	if (foreign) {
		facts.arch = foreign->kbuild;
		facts.prefix = prefix;
	}
	toolchain_choose(&facts, search, ret);
	return 0;
}

void toolchain_done(struct toolchain *t)
{
	free(t->cc);
	free(t->ld);
	free(t->llvm);
	free(t->arch);
	free(t->prefix);
	free(t->missing);
	*t = (struct toolchain){0};
}

void toolchain_set_environment(const struct toolchain *t, struct strv *env)
{
	if (t->cc) {
		strv_setenv(env, "CC", t->cc);
		strv_setenv(env, "KERNEL_CC", t->cc);
	}
	if (t->ld) {
		strv_setenv(env, "LD", t->ld);
		strv_setenv(env, "KERNEL_LD", t->ld);
	}
	if (t->llvm)
		strv_setenv(env, "LLVM", t->llvm);
	if (t->arch)
		strv_setenv(env, "ARCH", t->arch);
	if (t->prefix)
		strv_setenv(env, "CROSS_COMPILE", t->prefix);
}

char *toolchain_program(const struct toolchain *t, const char *name)
{
	if (t->prefix)
		return xasprintf("%s%s", t->prefix, name);
	if (t->arch && t->llvm)
		return xasprintf("llvm-%s%s", name, *t->llvm == '-' ? t->llvm : "");
	return xstrdup(name);
}
