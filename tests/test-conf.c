/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/conf.h"
#include "tests/run.h"
#include "tests/tap.h"

/* A kernel that exists here only, and what a request needs. */
struct world {
	struct settings settings;
	struct kernel kernel;
	struct conf_request request;
	char *path;
	struct command cmd;
	struct outcome outcome;
	struct conf *conf;
	struct error err;
	int result;
};

static void world_init(struct world *w, const char *file)
{
	static const char *const config[] = {"CONFIG_ACPI=y", "CONFIG_DRM=m",
		"CONFIG_LOCALVERSION=\"-56\"", "CONFIG_USB=m", NULL};

	*w = (struct world){
		.path = xasprintf("%s/tests/conf/%s", getenv("top_srcdir"), file)};
	settings_init(&w->settings);
	str_replace(&w->settings.config_dir, "/nowhere");
	str_replace(&w->settings.dkms_tree, "/tree");
	w->settings.slots = 4;
	w->kernel = (struct kernel){.release = xstrdup("6.1.0-56-amd64"),
		.arch = xstrdup("x86_64"),
		.headers = xstrdup("/headers"),
		.config_path = xstrdup("/headers/config"),
		.config_known = true};
	strv_push_all(&w->kernel.config, config);
	w->request = (struct conf_request){
		.path = w->path, .kernel = &w->kernel, .settings = &w->settings};
}

static void world_done(struct world *w)
{
	conf_free(w->conf);
	error_done(&w->err);
	command_done(&w->cmd);
	outcome_done(&w->outcome);
	settings_done(&w->settings);
	strv_done(&w->kernel.config);
	free(w->kernel.release);
	free(w->kernel.arch);
	free(w->kernel.headers);
	free(w->kernel.config_path);
	free(w->path);
}

static void world_read(struct world *w)
{
	command_init(&w->cmd);
	conf_command(&w->request, &w->cmd);
	run_command(&w->cmd, &w->outcome);
	w->result = conf_parse(&w->request, &w->cmd, &w->outcome, &w->conf, &w->err);
	if (w->outcome.err.len)
		printf("# %s", w->outcome.err.data);
}

static void test_plain(void)
{
	struct world w;

	world_init(&w, "plain.conf");
	world_read(&w);
	if (ok(w.result == 0, "a plain dkms.conf")) {
		is(w.conf->package_name, "plain", "PACKAGE_NAME");
		is(w.conf->package_version, "1.0", "PACKAGE_VERSION");
		is_int((long)w.conf->n_modules, 1, "one module");
		is(w.conf->modules[0].built_name, "plain", "its name");
		is(w.conf->modules[0].dest_name, "plain", "its name when installed");
		is(w.conf->modules[0].built_location, "src/", "its place gets a slash");
		is(w.conf->modules[0].dest_location, "/kernel/drivers/misc",
			"its destination loses one");
		ok(w.conf->modules[0].strip, "it will be stripped");
		is(w.conf->make, "make -C /headers M=/tree/plain/1.0/build", "MAKE");
		ok(w.conf->autoinstall, "AUTOINSTALL");
		is(w.conf->excluded, NULL, "for every kernel");
	}
	printf("# evaluated in %.1f ms\n", w.outcome.elapsed_s * 1000);
	world_done(&w);
}

int main(void)
{
	test_plain();
	return done_testing();
}
