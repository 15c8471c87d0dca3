/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the commands of a build see? Their environment and their sandbox. */
#include "config.h"

#include <glob.h>
#include <strings.h>

#include "base/file.h"
#include "builder/host/header-trees.h"
#include "builder/host/unpackaged.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"

/* Variables that say where and by whom dkms was started: they differ between a terminal,
 * a transaction of a package manager, a service and a container, but a build has no use
 * for them. */
static const char *const session_names[] = {
	/* terminals, desktops and mail */
	"_", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "DESKTOP_SESSION",
	"DISPLAY", "EDITOR", "FORCE_COLOR", "GDMSESSION", "HOSTNAME", "HUSHLOGIN", "LANG",
	"LANGUAGE", "LINES", "LOGNAME", "LS_COLORS", "LS_OPTIONS", "MAIL", "MANPATH",
	"NO_COLOR", "OLDPWD", "PAGER", "PROMPT_COMMAND", "PS1", "PWD", "SESSION_MANAGER",
	"SHELL", "SHLVL", "STY", "TERM", "TERMCAP", "TZ", "USER", "USERNAME", "VISUAL",
	"WAYLAND_DISPLAY", "WINDOW", "WINDOWID", "WSLENV",
	/* buses and debuginfod */
	"DBUS_SESSION_BUS_ADDRESS", "DBUS_STARTER_ADDRESS", "DBUS_STARTER_BUS_TYPE",
	"DEBUGINFOD_URLS",
	/* package managers: debconf sets the second one */
	"DEB_MAINT_PARAMS", "PERL_DL_NONLAZY", "TRANSACTIONAL_UPDATE",
	/* services, and cron */
	"CACHE_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "CRON_TZ",
	"EXIT_CODE", "EXIT_STATUS", "INIT_VERSION", "INVOCATION_ID", "JOURNAL_STREAM",
	"LOGS_DIRECTORY", "MAILFROM", "MAILTO", "MAINPID", "MANAGERPID",
	"MANAGERPIDFDID", "NOTIFY_SOCKET", "PREVLEVEL", "RUNLEVEL", "RUNTIME_DIRECTORY",
	"SERVICE_RESULT", "STATE_DIRECTORY",
	/* containers and continuous integration */
	"CI", "container", "container_uuid"};
static const char *const session_prefixes[] = {
	/* terminals and desktops */
	"GNOME_", "GPG_", "GTK_", "HIST", "INSIDE_", "KDE_", "KITTY_", "KONSOLE_", "LC_",
	"LESS", "QT_", "TERM_", "TERMINFO", "TMUX", "VSCODE_", "VTE_", "WSL_", "XAUTH",
	"XDG_",
	/* other users */
	"DOAS_", "PKEXEC_", "SSH_", "SUDO_",
	/* package managers and installers of kernels */
	"APT_", "DEBCONF_", "DEBIAN_", "DPKG_", "KERNEL_INSTALL_", "NEEDRESTART_",
	"PACKAGEKIT_", "RPM_INSTALL_PREFIX", "UCF_", "YAST_", "ZYPP_",
	/* services */
	"LISTEN_", "MEMORY_PRESSURE_", "MONITOR_", "RC_", "SYSTEMD_", "TRIGGER_",
	"WATCHDOG_",
	/* containers and continuous integration */
	"AUTOPKGTEST_", "CI_", "GITHUB_", "GITLAB_", "JENKINS_", "KUBERNETES_", "RUNNER_",
	/* set_variables() in ccache.c sets those that builds get */
	"CCACHE_"};

static bool has_name(const char *variable, const char *name)
{
	size_t n = strlen(name);

	return strncmp(variable, name, n) == 0 && variable[n] == '=';
}

/* Whether the variable "NAME=VALUE" describes the session that dkms was started in, and
 * not the build. */
static bool is_session_variable(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(session_names); i++)
		if (has_name(text, session_names[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(session_prefixes); i++)
		if (has_prefix(text, session_prefixes[i]))
			return true;
	return false;
}

/* Whether the variable "NAME=VALUE" names a proxy, which may have a password in it. */
static bool is_proxy(const char *text)
{
	size_t n = strcspn(text, "=");

	return n > 6 && strncasecmp(text + n - 6, "_proxy", 6) == 0;
}

/* Returns whether the sandbox shows what is in the directory real, whose path has no
 * links in it. more has the paths that the administrator shows to builds. */
static bool is_shown(const char *real, const struct strv *more)
{
	_cleanup_free_ char *content = path_join(real, "program");

	for (size_t i = 0; i < more->n; i++)
		if (path_is_in(real, more->items[i]))
			return true;
	return !sandbox_hides_path(content);
}

/* Reduces PATH to the directories that the sandbox shows, without links and without
 * repetitions: /bin is the same as /usr/bin, and the directories of a user do not make
 * his builds differ from others. */
static void simplify_path(const struct job *job, struct strv *env)
{
	_cleanup_free_ char *copy = xstrdup(strv_getenv(env, "PATH"));
	const char *more = job->shared->settings->sandbox.paths;
	_cleanup_(strv_done) struct strv dirs = {0}, shown = {0};
	_cleanup_free_ char *joined = NULL;
	char *dir, *rest = copy;

	strv_split(&shown, more ? more : "");
	while ((dir = strsep(&rest, ":"))) {
		_cleanup_free_ char *real = *dir == '/' ? realpath(dir, NULL) : NULL;

		if (real && !strv_contains(&dirs, real) && is_shown(real, &shown))
			strv_push(&dirs, real);
	}
	joined = strv_join(&dirs, ":");
	if (dirs.n)
		strv_setenv(env, "PATH", joined);
}

/* Removes what a build in a sandbox has no use for. */
static void reduce_environment(const struct job *job, struct strv *env)
{
	/* A sandbox sets its own home and temporary directories. */
	static const char *const homes[] = {"HOME", "TMPDIR", "TMP", "TEMP"};

	for (size_t i = 0; i < ARRAY_SIZE(homes); i++)
		strv_setenv(env, homes[i], NULL);
	for (size_t i = env->n; i-- > 0 && !build_may_use_network(job);) {
		_cleanup_free_ char *name = NULL;

		if (!is_proxy(env->items[i]))
			continue;
		name = xstrndup(env->items[i], strcspn(env->items[i], "="));
		strv_setenv(env, name, NULL);
	}
	simplify_path(job, env);
}

void build_fill_environment(const struct job *job, struct strv *env)
{
	const struct conf_request request = job_conf_request(job);

	for (char **variable = environ; *variable; variable++)
		if (!is_session_variable(*variable))
			strv_push(env, *variable);
	conf_set_environment(&request, env);
	toolchain_set_environment(&job->build->toolchain, env);
	/* buildlog.c and advice.c search the log for English messages. */
	strv_setenv(env, "LC_ALL", "C");
	if (job->build->sandbox != SANDBOX_KIND_NONE)
		reduce_environment(job, env);
}

/* Shows the symbols and the source of the packages in BUILD_DEPENDS. */
static void show_depends(const struct job *job, struct sandbox *box)
{
	const char *tree = job->shared->settings->trees.dkms;
	const struct kernel *k = job->kernel;

	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *version = tree_installed_version(
			tree, job_module_on_kernel(job, name));
		_cleanup_free_ char *dir = NULL, *built = NULL;

		if (!version)
			continue;
		dir = tree_version_dir(tree, name, version);
		built = tree_built_dir(
			tree, version_on_kernel(name, version, k->release, k->arch));
		strv_pushf(&box->readable_paths, "%s/source", dir);
		strv_pushf(&box->readable_paths, "%s/module/Module.symvers", built);
		strv_take(&box->symlinks,
			tree_installed_link(tree, job_module_on_kernel(job, name)));
		strv_push(&box->symlinks, built);
	}
}

/* Some makefiles look for headers in /lib/modules, even if dkms was given another
 * directory for the kernel. So this links /lib/modules/RELEASE/build and source to the
 * right ones. */
static void link_headers(const struct kernel *k, struct sandbox *box)
{
	static const char *const names[] = {"build", "source"};
	_cleanup_free_ char *usual = realpath("/lib/modules", NULL);
	_cleanup_free_ char *own = usual ? path_join(usual, k->release) : NULL;

	if (!own || streq(own, k->dir))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(k->dir, names[i]);
		_cleanup_free_ char *real = realpath(path, NULL);

		if (!real)
			continue;
		strv_pushf(&box->symlinks, "%s/%s", own, names[i]);
		strv_push(&box->symlinks, real);
	}
}

bool build_may_use_network(const struct job *job)
{
	const char *names = job->shared->settings->sandbox.network_modules;
	_cleanup_(strv_done) struct strv words = {0};

	strv_split(&words, names ? names : "");
	return strv_contains(&words, job->name);
}

/* Hides directories in / that do not belong to the distribution, except for tools in
 * $PATH. If the make command names such a directory, nothing is hidden, so that the
 * module can be built. */
static void hide_unpackaged(const struct job *job, struct sandbox *box)
{
	if (unpackaged_is_mentioned(job->conf->make))
		return;
	unpackaged_list_hidden(&box->hidden_dirs);
	unpackaged_list_tool_dirs(getenv("PATH"), &box->readable_paths);
}

/* Hides the files of other kernels that are in directories for libraries, and debugging
 * symbols. */
static void hide_other_kernels(struct sandbox *box)
{
	static const char *const patterns[] = {
		"/usr/lib/debug", "/usr/lib/linux-image-*", "/usr/lib/linux-kbuild-*"};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++)
			if (!strv_contains(&box->readable_paths, found.gl_pathv[j]))
				strv_push(&box->hidden_dirs, found.gl_pathv[j]);
		globfree(&found);
	}
}

void build_fill_sandbox(const struct job *job, struct sandbox *box)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;
	struct build *b = job->build;

	box->strict = true;
	box->writable_dir = b->work_dir;
	box->writable_seen_at = b->paths.build_dir;
	box->network = build_may_use_network(job);
	hide_unpackaged(job, box);
	strv_split(&box->readable_paths, s->sandbox.paths ? s->sandbox.paths : "");
	strv_push(&box->hidden_dirs, s->trees.dkms);
	strv_push(&box->hidden_dirs, s->trees.install);
	strv_push(&box->hidden_dirs, s->trees.source);
	strv_push(&box->readable_paths, b->paths.source_dir);
	strv_push(&box->readable_paths, k->headers);
	strv_pushf(&box->readable_paths, "%s/source", k->dir);
	strv_pushf(&box->readable_paths, "%s/modules.builtin", k->dir);
	strv_pushf(&box->readable_paths, "%s/modules.order", k->dir);
	header_trees_list(k, &box->readable_paths);
	hide_other_kernels(box);
	if (k->config_path)
		strv_push(&box->readable_paths, k->config_path);
	for (size_t i = 0; i < ARRAY_SIZE(sandbox_visible_boot); i++)
		strv_pushf(&box->readable_paths, "%s%s", sandbox_visible_boot[i],
			k->release);
	strv_pushf(&box->readable_paths, "%s/%s", s->config_dir, job->name);
	if (s->build_environment)
		strv_push(&box->readable_paths, s->build_environment);
	strv_extend(&box->moved_dirs, &b->header_mounts);
	show_depends(job, box);
	link_headers(k, box);
}
