/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses what bash reports about a dkms.conf with any content. */
#include "config.h"

#include "builder/conf/conf.h"
#include "builder/tree/tree.h"
#include "tests/fuzz/fuzz-outcome.h"

static void check(const struct conf *c, const struct settings *s)
{
	_cleanup_free_ char *make = conf_make_command(c, "6.1.0");
	struct error err = {0};

	MUST(*c->package_name && *c->package_version && *make);
	MUST(!strchr(c->package_name, '/') && !strchr(c->package_version, '/'));
	for (size_t i = 0; i < c->n_modules; i++) {
		const struct conf_module *m = &c->modules[i];
		_cleanup_free_ char *dir = conf_install_dir(m, s);

		MUST(*m->built_name && *m->dest_name && *dir == '/');
		MUST(!strchr(m->built_name, '/') && !strchr(m->dest_name, '/'));
	}
	conf_check_duplicates(c, "dkms.conf", &err);
	error_done(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char config[] = "CONFIG_A=y\nCONFIG_B=m\n";
	struct settings s = {.trees.dkms = "/d",
		.trees.source = "/s",
		.trees.install = "/i",
		.config_dir = "/e",
		.tmp_location = "/t",
		.kernel.config = (char *)fuzz_file(config, strlen(config))};
	struct kernel *k = kernel_new(&s, "6.1.0-56-amd64", "x86_64");
	struct conf_request request = {
		.path = s.kernel.config, .kernel = k, .settings = &s};
	struct outcome outcome;
	struct command cmd;
	struct error err = {0};
	struct conf *conf = NULL;

	command_init(&cmd);
	fuzz_outcome(data, size, &outcome);
	if (conf_parse(&request, &cmd, &outcome, &conf, &err) == 0)
		check(conf, &s);
	else
		MUST(!conf && err.what && (err.status == 8 || err.status == 1));
	conf_free(conf);
	error_done(&err);
	outcome_done(&outcome);
	command_done(&cmd);
	kernel_free(k);
	return 0;
}
