/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads framework.conf and framework.conf.d/ *.conf into the settings. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/conf/evaluate.h"
#include "builder/conf/framework.h"
#include "builder/conf/problems.h"

/* The file in which SUSE and older Red Hat systems set ADDON_MODULES_DIR. */
#define MODULE_INIT_TOOLS "/etc/sysconfig/module-init-tools"

/* A file of more bytes, larger than any real one, is evaluated without looking into
 * it. */
#define FILE_MAX (1024 * 1024)

#define SETTING(member) offsetof(struct settings, member)

const struct framework_key framework_keys[] = {
	{"ADDON_MODULES_DIR", FRAMEWORK_STRING, SETTING(addon_modules_dir)},
	{"autoinstall_all_kernels", FRAMEWORK_FLAG, SETTING(autoinstall_all_kernels)},
	{"build_environment", FRAMEWORK_STRING, SETTING(build_environment)},
	{"cache_dir", FRAMEWORK_PATH, SETTING(cache.dir)},
	{"cache_max_size", FRAMEWORK_SIZE, SETTING(cache.max_size_bytes)},
	{"ccache", FRAMEWORK_FLAG, SETTING(cache.ccache)},
	{"compiler_memo", FRAMEWORK_NOT, SETTING(cache.no_compiler_memo)},
	{"compress_gzip_opts", FRAMEWORK_STRING, SETTING(compression.gzip_options)},
	{"compress_xz_opts", FRAMEWORK_STRING, SETTING(compression.xz_options)},
	{"compress_zstd_opts", FRAMEWORK_STRING, SETTING(compression.zstd_options)},
	{"build_timeout", FRAMEWORK_NUMBER, SETTING(limits.timeout_s)},
	{"continue_on_error", FRAMEWORK_FLAG, SETTING(continue_on_error)},
	{"debug_info", FRAMEWORK_DEBUG_INFO, SETTING(debug_info)},
	{"dkms_tree", FRAMEWORK_PATH, SETTING(trees.dkms)},
	{"history", FRAMEWORK_STRING, SETTING(history)},
	{"install_tree", FRAMEWORK_PATH, SETTING(trees.install)},
	{"max_build_memory", FRAMEWORK_SIZE, SETTING(limits.max_build_memory_bytes)},
	{"max_log", FRAMEWORK_SIZE, SETTING(limits.max_log_bytes)},
	{"max_memory", FRAMEWORK_SIZE, SETTING(limits.max_memory_bytes)},
	{"max_processes", FRAMEWORK_NUMBER, SETTING(limits.max_processes)},
	{"modprobe_on_install", FRAMEWORK_FLAG, SETTING(modprobe_on_install)},
	{"mok_certificate", FRAMEWORK_STRING, SETTING(signing.certificate)},
	{"mok_signing_key", FRAMEWORK_STRING, SETTING(signing.key)},
	{"on_failure", FRAMEWORK_ON_FAILURE, SETTING(on_failure)},
	{"parallel_jobs", FRAMEWORK_NUMBER, SETTING(limits.slots)},
	{"post_transaction", FRAMEWORK_STRING, SETTING(post_transaction)},
	{"rebuild_stale", FRAMEWORK_NOT, SETTING(keep_stale)},
	{"remote", FRAMEWORK_STRING, SETTING(remote.urls)},
	{"remote_aws_signing", FRAMEWORK_STRING, SETTING(remote_access.sigv4)},
	{"remote_ca", FRAMEWORK_STRING, SETTING(remote_access.ca)},
	{"remote_cert", FRAMEWORK_STRING, SETTING(remote_access.certificate)},
	{"remote_key", FRAMEWORK_STRING, SETTING(remote_access.key)},
	{"remote_keys", FRAMEWORK_PATH, SETTING(remote.keys)},
	{"remote_password_file", FRAMEWORK_STRING, SETTING(remote_access.password_file)},
	{"remote_require", FRAMEWORK_NUMBER, SETTING(remote.require)},
	{"remote_sign_key", FRAMEWORK_STRING, SETTING(remote.sign_key)},
	{"remote_wait", FRAMEWORK_NUMBER, SETTING(remote.wait_s)},
	{"sandbox", FRAMEWORK_SANDBOX, SETTING(sandbox.mode)},
	{"sandbox_all_system_calls", FRAMEWORK_FLAG, SETTING(sandbox.unfiltered)},
	{"sandbox_environment", FRAMEWORK_STRING, SETTING(sandbox.environment)},
	{"sandbox_network", FRAMEWORK_STRING, SETTING(sandbox.network_modules)},
	{"sandbox_paths", FRAMEWORK_PATHS, SETTING(sandbox.paths)},
	{"script_timeout", FRAMEWORK_NUMBER, SETTING(limits.script_timeout_s)},
	{"sign_file", FRAMEWORK_STRING, SETTING(signing.program)},
	{"source_tree", FRAMEWORK_PATH, SETTING(trees.source)},
	{"symlink_modules", FRAMEWORK_FLAG, SETTING(symlink_modules)},
	{"tmp_location", FRAMEWORK_PATH, SETTING(tmp_location)},
	{"try_sign_modules", FRAMEWORK_STRING, SETTING(signing.when)},
	{"verbose", FRAMEWORK_FLAG, SETTING(verbose)},
	{0},
};

/* Returns whether the file at path holds more than comments and blank lines. If it
 * exists but cannot be read, this returns true, so that bash reports the reason. */
static bool has_content(const char *path)
{
	_cleanup_(str_done) struct str text = {0};
	int r = file_read(path, FILE_MAX, &text, NULL);

	if (r == -ENOENT)
		return false;
	if (r < 0)
		return true;
	for (const char *line = text.data; *line;) {
		line += strspn(line, " \t\r\n");
		if (*line && *line != '#')
			return true;
		line += strcspn(line, "\n");
	}
	return strlen(text.data) != text.len;
}

/* Appends the files that have something to evaluate, in the order of evaluation. */
static void find_files(const struct settings *s, struct strv *ret)
{
	_cleanup_free_ char *path = path_join(s->config_dir, "framework.conf");
	_cleanup_free_ char *dir = path_join(s->config_dir, "framework.conf.d");
	_cleanup_(strv_done) struct strv names = {0};
	int r;

	if (is_empty(s->addon_modules_dir) && has_content(MODULE_INIT_TOOLS))
		strv_push(ret, MODULE_INIT_TOOLS);
	if (has_content(path))
		strv_push(ret, path);
	r = dir_list(dir, &names);
	if (r < 0 && r != -ENOENT)
		strv_push(ret, dir); /* so that bash reports the reason */
	for (size_t i = 0; i < names.n; i++) {
		char *file = path_join(dir, names.items[i]);

		if (*names.items[i] != '.' && has_suffix(names.items[i], ".conf") &&
			has_content(file))
			strv_take(ret, file);
		else
			free(file);
	}
}

/* Whether a line sets the variable, as most do. */
static bool sets(const char *line, const char *name)
{
	line += strspn(line, " \t");
	for (const char *const *word = (const char *const[]){"export ", "declare ", NULL}; *word; word++)
		if (has_prefix(line, *word))
			line += strlen(*word) + strspn(line + strlen(*word), " \t");
	return has_prefix(line, name) && strchr("=+", line[strlen(name)]) && line[strlen(name)];
}

void framework_list_misplaced(const struct settings *s, struct strv *ret)
{
	static const char name[] = "sandbox_write";
	_cleanup_(strv_done) struct strv files = {0};

	find_files(s, &files);
	for (size_t i = 0; i < files.n; i++) {
		_cleanup_(str_done) struct str text = {0};
		unsigned int n = 0;
		char *rest, *line;

		if (file_read(files.items[i], FILE_MAX, &text, NULL) < 0)
			continue;
		for (rest = text.data; (line = strsep(&rest, "\n"));) {
			n++;
			if (sets(line, name))
				strv_pushf(ret,
					"%s:%u: %s counts for one package only and is ignored "
					"here; set it in %s/NAME.conf",
					files.items[i], n, name, s->config_dir);
		}
	}
}

int framework_fill_command(
	const struct settings *s, const char *release, struct command *cmd)
{
	/* The only keys whose values the files can use. */
	const char *const places[][2] = {
		{"dkms_tree", s->trees.dkms},
		{"install_tree", s->trees.install},
		{"source_tree", s->trees.source},
		{"tmp_location", s->tmp_location},
	};
	const char *names[ARRAY_SIZE(framework_keys)];
	_cleanup_(strv_done) struct strv files = {0};
	const struct strv none = {0};

	find_files(s, &files);
	if (files.n == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		names[i] = framework_keys[i].name;
	strv_push_all(&cmd->env, (const char *const *)environ);
	evaluate_clean_environment(&cmd->env);
	evaluate_fill_command(names, &files, &none, cmd);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		strv_setenv(&cmd->env, places[i][0], places[i][1]);
	strv_setenv(&cmd->env, "kernelver", release ? release : "${kernelver}");
	return 1;
}

static void check_number(
	const struct framework_key *key, const char *value, struct problems *problems)
{
	size_t n = strlen(value);

	if (n > 0 && n <= 9 && strspn(value, "0123456789") == n)
		return;
	problems_add(problems, "%s is \"%s\", but must be a number", key->name, value);
}

static void check_size(
	const struct framework_key *key, const char *value, struct problems *problems)
{
	uint64_t size;

	if (settings_parse_size(value, &size))
		return;
	problems_add(problems, "%s is \"%s\", but must be a size such as 500M or 5G",
		key->name, value);
}

static void check_sandbox(
	const struct framework_key *key, const char *value, struct problems *problems)
{
	enum sandbox_mode mode;

	if (!settings_parse_sandbox(value, &mode))
		problems_add(problems, "%s is \"%s\", but must be auto, require or off",
			key->name, value);
}

static void check_on_failure(
	const struct framework_key *key, const char *value, struct problems *problems)
{
	enum on_failure mode;

	if (!settings_parse_on_failure(value, &mode))
		problems_add(problems, "%s is \"%s\", but must be fail or warn", key->name,
			value);
}

static void check_debug_info(
	const struct framework_key *key, const char *value, struct problems *problems)
{
	enum debug_info mode;

	if (!settings_parse_debug_info(value, &mode))
		problems_add(problems, "%s is \"%s\", but must be auto or keep", key->name,
			value);
}

static void check_paths(
	const struct framework_key *key, const char *value, struct problems *problems)
{
	_cleanup_(strv_done) struct strv paths = {0};

	strv_split(&paths, value);
	for (size_t i = 0; i < paths.n; i++)
		if (*paths.items[i] != '/')
			problems_add(problems,
				"%s has \"%s\", but must have absolute paths", key->name,
				paths.items[i]);
}

static void check_value(
	const struct framework_key *key, const char *value, struct problems *problems)
{
	switch (key->type) {
	case FRAMEWORK_NUMBER:
		check_number(key, value, problems);
		break;
	case FRAMEWORK_SIZE:
		check_size(key, value, problems);
		break;
	case FRAMEWORK_SANDBOX:
		check_sandbox(key, value, problems);
		break;
	case FRAMEWORK_ON_FAILURE:
		check_on_failure(key, value, problems);
		break;
	case FRAMEWORK_DEBUG_INFO:
		check_debug_info(key, value, problems);
		break;
	case FRAMEWORK_PATHS:
		check_paths(key, value, problems);
		break;
	case FRAMEWORK_NOT:
		if (!streq(value, "yes") && !streq(value, "no"))
			problems_add(problems, "%s is \"%s\", but must be yes or no",
				key->name, value);
		break;
	case FRAMEWORK_STRING:
	case FRAMEWORK_PATH:
	case FRAMEWORK_FLAG:
		break;
	}
}

static void set_field(
	const struct framework_key *key, const char *value, struct settings *s)
{
	void *field = (char *)s + key->offset;

	switch (key->type) {
	case FRAMEWORK_STRING:
	case FRAMEWORK_PATHS:
		str_replace(field, *value ? value : NULL);
		break;
	case FRAMEWORK_PATH:
		if (*value)
			str_replace(field, value);
		break;
	case FRAMEWORK_FLAG:
		*(bool *)field = *value != '\0';
		break;
	case FRAMEWORK_NUMBER:
		if (*value)
			*(unsigned int *)field = (unsigned int)strtoul(value, NULL, 10);
		break;
	case FRAMEWORK_SIZE:
		if (*value)
			settings_parse_size(value, field);
		break;
	case FRAMEWORK_SANDBOX:
		if (*value)
			settings_parse_sandbox(value, field);
		break;
	case FRAMEWORK_NOT:
		*(bool *)field = streq(value, "no");
		break;
	case FRAMEWORK_ON_FAILURE:
		if (*value)
			settings_parse_on_failure(value, field);
		break;
	case FRAMEWORK_DEBUG_INFO:
		if (*value)
			settings_parse_debug_info(value, field);
		break;
	}
}

/* Returns the value of a key, which may be ""; NULL if the key is not set. */
static const char *find_value(const struct evaluation *e, const char *name)
{
	const struct variable *array;

	if (!evaluation_elements(e, name, &array) || array->index != 0)
		return NULL;
	return array->value;
}

int framework_parse(const struct command *cmd, const struct outcome *outcome,
	struct settings *s, struct error *err)
{
	_cleanup_free_ char *subject = NULL;
	struct evaluation e = {0};
	struct problems problems = {0};
	int r;

	r = evaluate_parse_report(cmd, outcome, &e, err);
	if (r < 0)
		return r;
	subject = evaluation_file_names(&e);
	problems.subject = subject;
	for (const struct framework_key *key = framework_keys; key->name; key++) {
		const char *value = find_value(&e, key->name);

		if (value && *value)
			check_value(key, value, &problems);
	}
	r = problems_to_error(&problems, 8, err);
	problems_done(&problems);
	for (const struct framework_key *key = framework_keys; r == 0 && key->name;
		key++) {
		const char *value = find_value(&e, key->name);

		if (value)
			set_field(key, value, s);
	}
	evaluation_done(&e);
	return r;
}
