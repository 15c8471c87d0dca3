/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places and policy of a run. */
#include "config.h"

#include "builder/settings.h"

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
	};
}

void settings_done(struct settings *s)
{
	char **strings[] = {&s->dkms_tree, &s->source_tree, &s->install_tree, &s->config_dir,
		&s->os_release, &s->tmp_location, &s->kernel_source_dir, &s->kernel_config,
		&s->build_environment, &s->compress_gzip_opts, &s->compress_xz_opts,
		&s->compress_zstd_opts, &s->post_transaction, &s->sign_file,
		&s->mok_signing_key, &s->mok_certificate, &s->try_sign_modules};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(*strings[i]);
	strv_done(&s->directives);
	*s = (struct settings){0};
}
