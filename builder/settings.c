/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places and policy of a run. */
#include "config.h"

#include <sched.h>

#include "base/str.h"
#include "builder/settings.h"

static unsigned int count_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

void settings_init(struct settings *s)
{
	const char *tmp = getenv("TMPDIR");

	*s = (struct settings){
		.dkms_tree = xstrdup(LOCALSTATEDIR "/lib/dkms"),
		.source_tree = xstrdup("/usr/src"),
		.install_tree = xstrdup("/lib/modules"),
		.config_dir = xstrdup(SYSCONFDIR "/dkms"),
		.os_release = xstrdup("/etc/os-release"),
		.tmp_location = xstrdup(is_empty(tmp) ? "/tmp" : tmp),
		.slots = count_cpus(),
		.addon_modules_dir = xstrdup(getenv("ADDON_MODULES_DIR")),
	};
}

void settings_done(struct settings *s)
{
	char **strings[] = {&s->dkms_tree, &s->source_tree, &s->install_tree,
		&s->config_dir, &s->os_release, &s->tmp_location, &s->kernel_source_dir,
		&s->kernel_config, &s->addon_modules_dir, &s->build_environment,
		&s->compress_gzip_opts, &s->compress_xz_opts, &s->compress_zstd_opts,
		&s->post_transaction, &s->sign_file, &s->mok_signing_key,
		&s->mok_certificate, &s->try_sign_modules};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(*strings[i]);
	strv_done(&s->directives);
	*s = (struct settings){0};
}

char *settings_expand_kernelver(const char *value, const char *release)
{
	static const char *const names[] = {"${kernelver}", "$kernelver"};
	struct str s = {0};

	while (*value) {
		size_t len = strcspn(value, "$");

		str_add_bytes(&s, value, len);
		value += len;
		for (size_t i = 0; *value; i++) {
			if (i == ARRAY_SIZE(names)) {
				str_add_bytes(&s, value++, 1);
				break;
			}
			if (has_prefix(value, names[i])) {
				str_add(&s, release);
				value += strlen(names[i]);
				break;
			}
		}
	}
	return str_take(&s);
}
