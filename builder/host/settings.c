/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What are the settings of a run: their defaults, and how their values are written? */
#include "config.h"

#include "base/file.h"
#include "base/parallel.h"
#include "base/str.h"
#include "builder/host/settings.h"

/* Where modprobe(8) looks for modules. */
#define MODULES_DIR "/lib/modules"
#define DKMS_TREE LOCALSTATEDIR "/lib/dkms"

/* Returns the default of cache_dir; the caller frees. NULL for a user without a home. */
static char *default_cache_dir(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return xstrdup(LOCALSTATEDIR "/cache/dkms");
	if (!is_empty(cache) && *cache == '/')
		return xasprintf("%s/dkms", cache);
	return is_empty(home) ? NULL : xasprintf("%s/.cache/dkms", home);
}

bool settings_parse_sandbox(const char *text, enum sandbox_mode *ret)
{
	static const char *const modes[] = {[SANDBOX_AUTO] = "auto",
		[SANDBOX_REQUIRE] = "require",
		[SANDBOX_OFF] = "off"};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (streq(text, modes[i])) {
			*ret = (enum sandbox_mode)i;
			return true;
		}
	}
	return false;
}

bool settings_parse_on_failure(const char *text, enum on_failure *ret)
{
	if (!streq(text, "fail") && !streq(text, "warn"))
		return false;
	*ret = streq(text, "fail") ? ON_FAILURE_FAIL : ON_FAILURE_WARN;
	return true;
}

bool settings_parse_debug_info(const char *text, enum debug_info *ret)
{
	if (!streq(text, "auto") && !streq(text, "keep"))
		return false;
	*ret = streq(text, "auto") ? DEBUG_INFO_AUTO : DEBUG_INFO_KEEP;
	return true;
}

bool settings_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	size_t n = strspn(text, "0123456789");
	uint64_t size = n && n < 16 ? strtoull(text, NULL, 10) : 0;
	const char *unit = text + n, *found;
	int shift = 0;

	if (n == 0 || n >= 16)
		return false;
	unit += strspn(unit, " ");
	found = *unit ? strchr(units, *unit & ~0x20) : NULL;
	if (found) {
		shift = 10 * (int)(found - units + 1);
		unit++;
		if (*unit == 'i')
			unit++;
	}
	if (*unit == 'B')
		unit++;
	if (*unit || size > UINT64_MAX >> shift)
		return false;
	*ret = size << shift;
	return true;
}

/* Adds the values of the variables DKMS_DIRECTIVE*, in order of their names. */
static void add_directives(struct strv *directives)
{
	static const char prefix[] = "DKMS_DIRECTIVE";
	_cleanup_(strv_done) struct strv found = {0};

	for (char **e = environ; *e; e++)
		if (has_prefix(*e, prefix) && strchr(*e, '='))
			strv_push(&found, *e);
	strv_sort(&found);
	for (size_t i = 0; i < found.n; i++)
		strv_push(directives, strchr(found.items[i], '=') + 1);
}

void settings_init(struct settings *s)
{
	const char *tmp = getenv("TMPDIR");

	*s = (struct settings){
		.trees.dkms = xstrdup(DKMS_TREE),
		.trees.source = xstrdup("/usr/src"),
		.trees.install = xstrdup(MODULES_DIR),
		.config_dir = xstrdup(SYSCONFDIR "/dkms"),
		.os_release = xstrdup("/etc/os-release"),
		.cache.dir = default_cache_dir(),
		.cache.max_size_bytes = (uint64_t)5 << 30,
		.remote.keys = xstrdup(SYSCONFDIR "/dkms/remote.d"),
		.remote.require = 1,
		.force_list_dir = xstrdup("/usr/share/dkms/modules_to_force_install"),
		.tmp_location = xstrdup(is_empty(tmp) ? "/tmp" : tmp),
		.limits.slots = parallel_count_cpus(),
		.limits.timeout_s = 6 * 3600,
		.limits.script_timeout_s = 3600,
		.limits.max_log_bytes = (uint64_t)64 << 20,
		.limits.max_processes = 4096,
		.addon_modules_dir = xstrdup(getenv("ADDON_MODULES_DIR")),
	};
	source_date_parse(getenv(SOURCE_DATE_VARIABLE), &s->source_date);
	add_directives(&s->directives);
}

void settings_resolve(struct settings *s)
{
	char **paths[] = {&s->trees.dkms, &s->trees.source, &s->trees.install,
		&s->cache.dir, &s->tmp_location, &s->kernel.source_dir,
		&s->kernel.config, &s->remote.keys, &s->remote.sign_key};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *path = *paths[i];

		*paths[i] = is_empty(path) ? TAKE_PTR(path) : path_absolute(path);
	}
}

const char *settings_history_path(const struct settings *s)
{
	if (s->history)
		return *s->history == '/' ? s->history : NULL;
	return streq(s->trees.dkms, DKMS_TREE) && !s->source_date.given
		       ? LOCALSTATEDIR "/log/dkms/history.jsonl"
		       : NULL;
}

bool settings_are_of_machine(const struct settings *s)
{
	_cleanup_free_ char *wanted = realpath(MODULES_DIR, NULL);
	_cleanup_free_ char *tree = realpath(s->trees.install, NULL);

	return wanted && tree && streq(wanted, tree);
}

void settings_done(struct settings *s)
{
	char **strings[] = {&s->trees.dkms, &s->trees.source, &s->trees.install,
		&s->config_dir, &s->os_release, &s->history, &s->cache.dir, &s->force_list_dir,
		&s->tmp_location, &s->kernel.source_dir, &s->kernel.config,
		&s->addon_modules_dir, &s->build_environment,
		&s->compression.gzip_options, &s->compression.xz_options,
		&s->compression.zstd_options, &s->post_transaction,
		&s->sandbox.network_modules, &s->sandbox.paths,
		&s->sandbox.environment, &s->signing.program,
		&s->signing.key, &s->signing.certificate, &s->signing.when,
		&s->remote_access.ca, &s->remote_access.certificate,
		&s->remote_access.key, &s->remote_access.password_file,
		&s->remote_access.sigv4,
		&s->remote.urls, &s->remote.keys, &s->remote.sign_key};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(*strings[i]);
	strv_done(&s->directives);
	*s = (struct settings){0};
}

/* Returns the length of $kernelver or ${kernelver} at the beginning of s, otherwise 0. */
static size_t reference_length(const char *s)
{
	static const char bare[] = "$kernelver", braces[] = "${kernelver}";
	char next;

	if (has_prefix(s, braces))
		return strlen(braces);
	if (!has_prefix(s, bare))
		return 0;
	next = s[strlen(bare)];
	if (next == '_' || (next >= '0' && next <= '9') || (next >= 'a' && next <= 'z') ||
		(next >= 'A' && next <= 'Z'))
		return 0; /* it is a longer name */
	return strlen(bare);
}

char *settings_expand_kernelver(const char *value, const char *release)
{
	struct str s = {0};

	while (*value) {
		size_t len = reference_length(value);

		if (len)
			str_add(&s, release);
		else
			str_add_bytes(&s, value, 1);
		value += len ? len : 1;
	}
	return str_take(&s);
}
