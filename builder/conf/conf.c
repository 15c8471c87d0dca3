/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evaluates a dkms.conf with its override files and checks what it says. */
#include "config.h"

#include <errno.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/host/distro.h"
#include "builder/conf/conf.h"
#include "builder/conf/environment.h"
#include "builder/conf/evaluate.h"
#include "builder/conf/for-kernel.h"
#include "builder/conf/plain.h"
#include "builder/conf/problems.h"

/* The directives that dkms reads. */
static const char *const directives[] = {"PACKAGE_NAME", "PACKAGE_VERSION",
	"BUILT_MODULE_NAME", "BUILT_MODULE_LOCATION", "DEST_MODULE_NAME",
	"DEST_MODULE_LOCATION", "STRIP", "MAKE", "MAKE_MATCH", "PATCH", "PATCH_MATCH",
	"POST_ADD", "PRE_BUILD", "POST_BUILD", "PRE_INSTALL", "POST_INSTALL",
	"POST_REMOVE", "AUTOINSTALL", "NO_WEAK_MODULES", "BUILD_DEPENDS",
	"BUILD_DEPENDS_REBUILD", "BUILD_EXCLUSIVE_KERNEL", "BUILD_EXCLUSIVE_KERNEL_MIN",
	"BUILD_EXCLUSIVE_KERNEL_MAX", "BUILD_EXCLUSIVE_ARCH", "BUILD_EXCLUSIVE_CONFIG",
	"OBSOLETE_BY", "CLEAN", "REMAKE_INITRD", "MODULES_CONF", "MODULES_CONF_OBSOLETES",
	"MODULES_CONF_ALIAS_TYPE", "MODULES_CONF_OBSOLETE_ONLY", NULL};

void conf_list_overrides(const struct conf_request *r, struct strv *ret)
{
	const char *dir = r->settings->config_dir, *name = r->name, *version = r->version;
	const char *release = r->kernel->release, *arch = r->kernel->arch;

	/* framework.conf has the settings of dkms itself, which may be secret. */
	if (is_empty(name) || streq(name, "framework"))
		return;
	strv_pushf(ret, "%s/%s.conf", dir, name);
	if (!is_empty(version)) {
		strv_pushf(ret, "%s/%s-%s.conf", dir, name, version);
		strv_pushf(ret, "%s/%s-%s-%s.conf", dir, name, version, release);
		strv_pushf(ret, "%s/%s-%s-%s-%s.conf", dir, name, version, release, arch);
	}
	strv_pushf(ret, "%s/%s--%s.conf", dir, name, release);
	strv_pushf(ret, "%s/%s--%s-%s.conf", dir, name, release, arch);
}

void conf_list_files(const struct conf_request *request, struct strv *ret)
{
	_cleanup_(strv_done) struct strv files = {0};

	if (request->path)
		strv_push(&files, request->path);
	conf_list_overrides(request, &files);
	for (size_t i = 0; i < files.n; i++)
		if (path_look(files.items[i]) != 0)
			strv_push(ret, files.items[i]);
}

/* Returns the directory below the kernel's in which all modules are installed, whatever
 * their dkms.conf says; the caller frees. NULL if there is none. */
static char *common_install_dir(const struct settings *s)
{
	const char *dir = s->addon_modules_dir;

	if (!is_empty(dir))
		return xasprintf("/%s", dir + strspn(dir, "/"));
	dir = distro_module_dir(s->distro);
	return dir ? xstrdup(dir) : NULL;
}

/* Sets what only the evaluation sees. A dkms.conf may ask git for its version: git reads
 * repositories of other users only if its configuration names them. */
static void set_evaluation_environment(const struct settings *s, struct strv *env)
{
	_cleanup_free_ char *dir = common_install_dir(s);

	strv_setenv(env, "GIT_CONFIG_COUNT", "1");
	strv_setenv(env, "GIT_CONFIG_KEY_0", "safe.directory");
	strv_setenv(env, "GIT_CONFIG_VALUE_0", "*");
	/* For override_dest_module_location() in evaluate.bash. */
	strv_setenv(env, "_dkms_module_dir", dir);
}

void conf_fill_command(const struct conf_request *request, struct command *cmd)
{
	_cleanup_(strv_done) struct strv files = {0};
	/* Links are kept: a dkms.conf in the dkms tree may rely on $BASH_SOURCE being
	 * the path through the link "source". */
	char *path = path_absolute(request->path);

	strv_take(&files, path);
	conf_list_overrides(request, &files);
	environment_add_permitted(&cmd->env, request->settings->sandbox.environment);
	conf_set_environment(request, &cmd->env);
	set_evaluation_environment(request->settings, &cmd->env);
	evaluate_fill_command(directives, &files, &request->settings->directives, cmd);
	free(cmd->cwd);
	cmd->cwd = path_parent(path);
}

#define VARIABLES 11

/* Fills ret with the variables that a dkms.conf and its scripts get. The strings belong to
 * the request, and *ret_config and *ret_jobs, which the caller frees. */
static void list_variables(const struct conf_request *request,
	struct plain_variable ret[VARIABLES], char **ret_config, char **ret_jobs)
{
	const struct settings *s = request->settings;
	const struct kernel *k = request->kernel;
	char *config = k->config_path ? xstrdup(k->config_path)
				      : path_join(k->headers, ".config");
	char *jobs = s->limits.slots ? xasprintf("%u", s->limits.slots) : xstrdup("");
	const struct plain_variable variables[VARIABLES] = {
		{"kernelver", k->release},
		{"arch", k->arch},
		{"kernel_source_dir", k->headers},
		{"kernel_config", config},
		{"dkms_tree", s->trees.dkms},
		{"source_tree", s->trees.source},
		{"install_tree", s->trees.install},
		{"module", request->name ? request->name : ""},
		{"module_version", request->version ? request->version : ""},
		{"tmp_location", s->tmp_location},
		{"parallel_jobs", jobs},
	};

	memcpy(ret, variables, sizeof(variables));
	*ret_config = config;
	*ret_jobs = jobs;
}

void conf_set_environment(const struct conf_request *request, struct strv *env)
{
	_cleanup_free_ char *config = NULL, *jobs = NULL;
	struct plain_variable variables[VARIABLES];

	list_variables(request, variables, &config, &jobs);
	evaluate_clean_environment(env);
	for (size_t i = 0; i < VARIABLES; i++)
		strv_setenv(env, variables[i].name, variables[i].value);
}

/* Replaces each run of blanks and newlines in the values by one blank and removes those
 * at the ends. Some values span several lines (PRE_BUILD of zfs), and dkms has always
 * joined them. */
static void join_lines(struct evaluation *e)
{
	for (size_t i = 0; i < e->n; i++) {
		char *from = e->items[i].value, *to = from;

		for (; *from; from++) {
			bool blank = strchr(" \t\n", *from);

			if (!blank)
				*to++ = *from;
			else if (to > e->items[i].value && to[-1] != ' ')
				*to++ = ' ';
		}
		if (to > e->items[i].value && to[-1] == ' ')
			to--;
		*to = '\0';
	}
}

static char *read_name(const struct evaluation *e, const char *directive,
	const struct outcome *o, struct problems *problems)
{
	const char *value = evaluation_value(e, directive, 0);

	if (!value) {
		_cleanup_free_ char *complaint =
			xasprintf(": %s: command not found", directive);

		problems_add(problems, "%s is not set", directive);
		if (o->err.data && strstr(o->err.data, complaint))
			problems_add_remedy(
				problems, "no blanks around the '=': %s=...", directive);
	} else if (!text_is_name(value)) {
		_cleanup_free_ char *printable = text_escape_controls(value);

		problems_add(problems,
			"%s is \"%s\", but must not contain a blank, a control "
			"character, '/' or what a shell interprets, or begin with "
			"'.' or '~'",
			directive, printable);
	}
	return xstrdup(value);
}

static bool read_yes_no(
	const struct evaluation *e, const char *directive, struct problems *problems)
{
	const char *value = evaluation_value(e, directive, 0);

	if (!value || strcasecmp(value, "no") == 0)
		return false;
	if (strcasecmp(value, "yes") == 0)
		return true;
	problems_add(problems, "%s is \"%s\", but must be yes or no", directive, value);
	return false;
}

/* Returns 'y' or 'n' as STRIP[index] begins; 0 if it begins with neither or is not
 * set. */
static char strip_letter(const struct evaluation *e, unsigned int index)
{
	const char *value = evaluation_value(e, "STRIP", index);
	char c = value ? *value : '\0';

	return c == 'y' || c == 'Y' ? 'y' : c == 'n' || c == 'N' ? 'n' : '\0';
}

static bool read_strip(const struct evaluation *e, unsigned int index)
{
	char c = strip_letter(e, index);

	if (!c && !evaluation_value(e, "STRIP", index))
		c = strip_letter(e, 0);
	return c != 'n';
}

/* depmod(8) and modprobe(8) give others a meaning. */
#define MODULE_NAME_PUNCTUATION "_-+.,@~"
#define MODULE_NAME_CHARS                                                                \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                           \
	"0123456789" MODULE_NAME_PUNCTUATION

static void check_module_name(const char *directive, unsigned int index, const char *name,
	struct problems *problems)
{
	static const char *const suffixes[] = {".ko", ".o"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (!has_suffix(name, suffixes[i]))
			continue;
		problems_add(problems,
			"%s[%u] is \"%s\", but must not have the suffix %s", directive,
			index, name, suffixes[i]);
		problems_add_remedy(problems, "%s[%u]=%.*s", directive, index,
			(int)(strlen(name) - strlen(suffixes[i])), name);
	}
	if (strchr(name, '/')) {
		problems_add(problems, "%s[%u] is \"%s\", but must not contain '/'",
			directive, index, name);
		problems_add_remedy(problems,
			"directories go to BUILT_MODULE_LOCATION[%u] and "
			"DEST_MODULE_LOCATION[%u]",
			index, index);
	} else if (*name == '-' || strspn(name, MODULE_NAME_CHARS) != strlen(name)) {
		_cleanup_free_ char *printable = text_escape_controls(name);

		problems_add(problems,
			"%s[%u] is \"%s\", but may have only letters, digits and the "
			"characters %s, and must not begin with '-'",
			directive, index, printable, MODULE_NAME_PUNCTUATION);
	}
}

static void check_location(const char *directive, unsigned int index, const char *dir,
	struct problems *problems)
{
	_cleanup_free_ char *printable = text_escape_controls(dir);

	if (text_has_control(dir))
		problems_add(problems,
			"%s[%u] is \"%s\", but must not contain a control character",
			directive, index, printable);
}

/* Returns whether a destination without dots, which may be NULL, is out of the kernel's
 * directory. The links build and source there lead to the headers. */
static bool leaves_kernel(const char *clean)
{
	return !clean || path_is_in(clean, "/build") || path_is_in(clean, "/source");
}

/* Checks a destination as it is in the dkms.conf; clean is the same without dots. */
static void check_destination(const char *dest, const char *clean, unsigned int index,
	struct problems *problems)
{
	if (!dest)
		problems_add(problems, "DEST_MODULE_LOCATION[%u] is not set", index);
	else if (!has_prefix(dest, "/kernel") && !has_prefix(dest, "/updates") &&
		 !has_prefix(dest, "/extra"))
		problems_add(problems,
			"DEST_MODULE_LOCATION[%u] is \"%s\", but must begin with "
			"/kernel, "
			"/updates or /extra",
			index, dest);
	else if (leaves_kernel(clean))
		problems_add(problems,
			"DEST_MODULE_LOCATION[%u] is \"%s\", which leads out of the kernel's "
			"directory",
			index, dest);
	else if (strchr(dest, ' '))
		problems_add(problems,
			"DEST_MODULE_LOCATION[%u] is \"%s\", but must not contain a "
			"blank",
			index, dest);
	/* The path goes to configuration files and scripts of other programs. */
	else if (strspn(dest, MODULE_NAME_CHARS "/") != strlen(dest) && !text_has_control(dest))
		problems_add(problems,
			"DEST_MODULE_LOCATION[%u] is \"%s\", but may have only letters, "
			"digits and the characters /%s",
			index, dest, MODULE_NAME_PUNCTUATION);
}

static void read_module(const struct evaluation *e, const struct conf *c,
	unsigned int index, struct conf_module *m, struct problems *problems)
{
	const char *built = evaluation_value(e, "BUILT_MODULE_NAME", index);
	const char *location = evaluation_value(e, "BUILT_MODULE_LOCATION", index);
	const char *name = evaluation_value(e, "DEST_MODULE_NAME", index);
	const char *dest = evaluation_value(e, "DEST_MODULE_LOCATION", index);
	char *clean = dest ? path_without_dots(dest) : NULL;

	if (!built && c->n_modules == 1)
		built = c->package_name;
	if (!built)
		problems_add(problems, "BUILT_MODULE_NAME[%u] is not set", index);
	else
		check_module_name("BUILT_MODULE_NAME", index, built, problems);
	if (name)
		check_module_name("DEST_MODULE_NAME", index, name, problems);
	check_destination(dest, clean, index, problems);
	if (dest)
		check_location("DEST_MODULE_LOCATION", index, dest, problems);
	if (location)
		check_location("BUILT_MODULE_LOCATION", index, location, problems);

	m->built_name = xstrdup(built);
	m->dest_name = xstrdup(name ? name : built);
	m->built_location = !location ? xstrdup("")
				      : xasprintf("%s%s", location,
						has_suffix(location, "/") ? "" : "/");
	m->dest_location = clean;
	m->strip = read_strip(e, index);
}

static void read_modules(
	const struct evaluation *e, struct conf *c, struct problems *problems)
{
	static const char *const arrays[] = {"BUILT_MODULE_NAME", "BUILT_MODULE_LOCATION",
		"DEST_MODULE_NAME", "DEST_MODULE_LOCATION"};

	/* The highest index of any of these gives the number of modules. A module
	 * without a name or a destination is an error, even if its index is unused in
	 * all of them. */
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		const struct variable *array;
		size_t n = evaluation_elements(e, arrays[i], &array);

		if (n && array[n - 1].index >= c->n_modules)
			c->n_modules = array[n - 1].index + 1;
	}
	c->modules = xcalloc(c->n_modules, sizeof(*c->modules));
	for (unsigned int i = 0; i < c->n_modules; i++)
		read_module(e, c, i, &c->modules[i], problems);
	if (c->n_modules == 0)
		strv_push(&c->warnings, "no modules: BUILT_MODULE_NAME is not set");
}

static void read_deprecated(const struct evaluation *e, struct conf *c)
{
	static const char *const ignored[] = {"CLEAN", "REMAKE_INITRD", "MODULES_CONF",
		"MODULES_CONF_OBSOLETES", "MODULES_CONF_ALIAS_TYPE",
		"MODULES_CONF_OBSOLETE_ONLY"};

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
		const struct variable *array = NULL;

		if (!evaluation_elements(e, ignored[i], &array))
			continue;
		/* CLEAN=true serves files that must also work with old versions of
		 * dkms. */
		if (streq(ignored[i], "CLEAN") && streq(path_base(array->value), "true"))
			continue;
		strv_pushf(&c->warnings, "%s is deprecated and ignored", ignored[i]);
	}
	c->obsolete_by = xstrdup(evaluation_value(e, "OBSOLETE_BY", 0));
	if (c->obsolete_by)
		strv_pushf(&c->warnings,
			"OBSOLETE_BY is deprecated: use BUILD_EXCLUSIVE_KERNEL_MAX");
}

static void read_scripts(const struct evaluation *e, struct conf *c)
{
	c->post_add = xstrdup(evaluation_value(e, "POST_ADD", 0));
	c->pre_build = xstrdup(evaluation_value(e, "PRE_BUILD", 0));
	c->post_build = xstrdup(evaluation_value(e, "POST_BUILD", 0));
	c->pre_install = xstrdup(evaluation_value(e, "PRE_INSTALL", 0));
	c->post_install = xstrdup(evaluation_value(e, "POST_INSTALL", 0));
	c->post_remove = xstrdup(evaluation_value(e, "POST_REMOVE", 0));
}

static void read_dependencies(
	const struct evaluation *e, struct conf *c, struct problems *problems)
{
	const struct variable *array;
	size_t n = evaluation_elements(e, "BUILD_DEPENDS", &array);

	for (size_t i = 0; i < n; i++)
		strv_split(&c->build_depends, array[i].value);
	for (size_t i = 0; i < c->build_depends.n; i++) {
		_cleanup_free_ char *printable =
			text_escape_controls(c->build_depends.items[i]);

		if (!text_is_name(c->build_depends.items[i]))
			problems_add(problems,
				"BUILD_DEPENDS has \"%s\", but must have names of packages, "
				"without '/' and what a shell interprets",
				printable);
	}
	c->build_depends_rebuild = read_yes_no(e, "BUILD_DEPENDS_REBUILD", problems);
}

static char *default_make(const struct conf_request *r, const struct conf *c)
{
	_cleanup_free_ char *build = xasprintf("%s/%s/%s/build", r->settings->trees.dkms,
		is_empty(r->name) ? c->package_name : r->name,
		is_empty(r->version) ? c->package_version : r->version);
	struct str s = {0};

	str_add(&s, "make -C ");
	str_add_quoted(&s, r->kernel->headers);
	str_add(&s, " M=");
	str_add_quoted(&s, build);
	return str_take(&s);
}

/* Sets what depends on the kernel: make, patches, and excluded of the package and its
 * modules. The modules have been read before. */
static void read_for_kernel(const struct evaluation *e,
	const struct conf_request *request, struct conf *c, struct problems *problems)
{
	struct kernel *k = request->kernel;
	const char *make = select_make(e, problems);

	c->make = make ? xstrdup(make) : default_make(request, c);
	select_patches(e, &c->patches, problems);
	/* BUILD_EXCLUSIVE_*[0] is for the package and for its first module. */
	c->excluded = explain_exclusion(e, k, 0, c->obsolete_by, problems);
	if (c->n_modules)
		c->modules[0].excluded = xstrdup(c->excluded);
	for (unsigned int i = 1; i < c->n_modules; i++)
		c->modules[i].excluded = explain_exclusion(e, k, i, NULL, problems);
}

static void check_directives(const struct settings *s, struct problems *problems)
{
	for (size_t i = 0; i < s->directives.n; i++)
		if (!evaluate_is_assignment(s->directives.items[i])) {
			problems_add(problems, "the argument of --directive is \"%s\"",
				s->directives.items[i]);
			problems_add_remedy(problems, "the form is NAME=VALUE");
		}
}

static void read_conf(const struct evaluation *e, const struct conf_request *request,
	const struct outcome *outcome, struct conf *c, struct problems *problems)
{
	strv_extend(&c->files, &e->files);
	check_directives(request->settings, problems);
	c->package_name = read_name(e, "PACKAGE_NAME", outcome, problems);
	c->package_version = read_name(e, "PACKAGE_VERSION", outcome, problems);
	read_modules(e, c, problems);
	read_scripts(e, c);
	read_dependencies(e, c, problems);
	c->autoinstall = read_yes_no(e, "AUTOINSTALL", problems);
	c->no_weak_modules = read_yes_no(e, "NO_WEAK_MODULES", problems);
	read_deprecated(e, c);
	read_for_kernel(e, request, c, problems);
}

/* Makes a conf from what the files have set, and frees that. */
static int make_conf(const struct conf_request *request, struct evaluation *e,
	const struct outcome *outcome, struct conf **ret, struct error *err)
{
	_cleanup_free_ char *subject = NULL;
	struct error found = {0};
	struct problems problems = {0};
	struct conf *c;
	int r;

	join_lines(e);
	subject = evaluation_file_names(e);
	problems.subject = subject;
	c = xcalloc(1, sizeof(*c));
	read_conf(e, request, outcome, c, &problems);
	r = problems_to_error(&problems, 8, &found);
	problems_done(&problems);
	evaluation_done(e);
	if (r < 0) {
		evaluate_add_stderr(outcome, &found);
		error_move(err, &found);
		conf_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

int conf_parse(const struct conf_request *request, const struct command *cmd,
	const struct outcome *outcome, struct conf **ret, struct error *err)
{
	struct evaluation e = {0};
	struct stat st;
	int r = outcome->cancelled || stat(request->path, &st) == 0 ? 0 : -errno;

	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP ||
		(r == 0 && !outcome->cancelled && !S_ISREG(st.st_mode)))
		return error_set(err, -ENOENT, 4, "there is no %s", request->path);
	if (r < 0)
		return error_errno(err, r, 1, "cannot look at %s", request->path);
	r = evaluate_parse_report(cmd, outcome, &e, err);
	return r < 0 ? r : make_conf(request, &e, outcome, ret, err);
}

int conf_parse_plain(const struct conf_request *request, const struct strv *files,
	const struct strv *texts, struct conf **ret, struct error *err)
{
	static const struct outcome nothing = {0};
	_cleanup_free_ char *config = NULL, *jobs = NULL;
	struct plain_variable variables[VARIABLES];
	const struct plain_request plain = {.names = directives,
		.given = variables,
		.n_given = VARIABLES,
		.release = request->kernel->release,
		.arch = request->kernel->arch};
	struct evaluation e = {0};
	int r;

	if (request->settings->directives.n)
		return 0;
	list_variables(request, variables, &config, &jobs);
	if (!plain_evaluate(&plain, texts, &e))
		return 0;
	strv_extend(&e.files, files);
	r = make_conf(request, &e, &nothing, ret, err);
	return r < 0 ? r : 1;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_modules; i++) {
		free(c->modules[i].built_name);
		free(c->modules[i].built_location);
		free(c->modules[i].dest_name);
		free(c->modules[i].dest_location);
		free(c->modules[i].excluded);
	}
	free(c->modules);
	free(c->package_name);
	free(c->package_version);
	free(c->make);
	free(c->post_add);
	free(c->pre_build);
	free(c->post_build);
	free(c->pre_install);
	free(c->post_install);
	free(c->post_remove);
	free(c->obsolete_by);
	free(c->excluded);
	strv_done(&c->patches);
	strv_done(&c->build_depends);
	strv_done(&c->warnings);
	strv_done(&c->files);
	free(c);
}

int conf_check_duplicates(const struct conf *c, const char *path, struct error *err)
{
	struct problems problems = {.subject = path};
	int r;

	for (size_t i = 0; i < c->n_modules; i++)
		for (size_t j = 0; j < i; j++) {
			const struct conf_module *a = &c->modules[j], *b = &c->modules[i];

			if (streq(a->built_name, b->built_name) &&
				streq(a->built_location, b->built_location))
				problems_add(&problems,
					"BUILT_MODULE_NAME[%zu] and [%zu] are both "
					"\"%s%s\"",
					j, i, b->built_location, b->built_name);
			if (streq(a->dest_name, b->dest_name))
				problems_add(&problems,
					"DEST_MODULE_NAME[%zu] and [%zu] are both \"%s\"",
					j, i, b->dest_name);
		}
	r = problems_to_error(&problems, 8, err);
	problems_done(&problems);
	return r;
}

char *conf_make_command(const struct conf *c, const char *release)
{
	const char *rest = c->make + strlen("make");
	struct str s = {0};

	/* A shell sees the word make if a blank, an operator or nothing follows it. */
	if (!has_prefix(c->make, "make") || (*rest && !strchr(" \t\n;&|()<>", *rest)))
		return xstrdup(c->make);
	str_add(&s, "make KERNELRELEASE=");
	str_add_quoted(&s, release);
	str_add(&s, rest);
	return str_take(&s);
}

void conf_add_command(struct str *s, const char *line)
{
	const char *at = line;

	while (*at) {
		size_t blank = strspn(at, " \t"), len;

		at += blank;
		len = strcspn(at, " \t");
		if (has_prefix(at, "-j") && strspn(at + 2, "0123456789") == len - 2) {
			at += len;
			if (len == 2 && strspn(at, " ") &&
				strspn(at + strspn(at, " "), "0123456789")) {
				at += strspn(at, " ");
				at += strspn(at, "0123456789");
			}
			continue;
		}
		str_add(s, " ");
		str_add_bytes(s, at, len);
		at += len;
	}
}

char *conf_built_file(const struct conf_module *m)
{
	return xasprintf("%s%s.ko", m->built_location, m->built_name);
}

char *conf_dest_file(const struct conf_module *m)
{
	return xasprintf("%s.ko", m->dest_name);
}

char *conf_install_dir(const struct conf_module *m, const struct settings *s)
{
	char *dir = common_install_dir(s);

	return dir ? dir : xstrdup(m->dest_location);
}
