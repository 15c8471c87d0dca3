/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dkms: builds and installs kernel modules that are not part of the kernel. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "builder/host/distro.h"
#include "builder/host/kernel.h"
#include "builder/module/examine-child.h"
#include "builder/module/examine.h"
#include "builder/conf/framework.h"
#include "scheduler/run-command.h"
#include "scheduler/runner.h"
#include "scheduler/slots.h"
#include "cli/command-row.h"
#include "cli/complete.h"
#include "cli/default-version.h"
#include "cli/directory.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/print.h"

/* Opens /dev/null for each of the descriptors 0, 1 and 2 that the caller has closed.
 * Otherwise the first files that dkms opens would get these numbers, and output would be
 * written into them. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/* Keeps descriptors that the caller has left open from the commands that dkms starts. Package
 * managers do leave descriptors open. */
static void close_inherited_fds_on_exec(void)
{
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	for (int fd = 3; fd < 1024; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Keeps the jobserver of a make that has called dkms from the commands that dkms starts.
 * They do not get its descriptors, and those that run make get MAKEFLAGS of their own. */
static void forget_jobserver(void)
{
	unsetenv("MAKEFLAGS");
	unsetenv("MFLAGS");
}

/* The number of files that a run has open at the same time, at least. */
#define FILES_MIN 64

/* Makes sure that files can be opened: libraries do not expect that they cannot. Returns
 * false if that is impossible. */
static bool have_descriptors(void)
{
	_cleanup_(error_done) struct error err = {0};
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_MIN)
		return true;
	if (limit.rlim_max >= FILES_MIN) {
		limit.rlim_cur = FILES_MIN;
		if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
			return true;
	}
	error_set(&err, -EMFILE, 1, "only %lu files can be open at the same time",
		(unsigned long)limit.rlim_cur);
	error_remedy(&err, "ulimit -n %d", FILES_MIN);
	print_error(&err);
	return false;
}

/* Adds the directories of the system's programs to PATH, for those who have none of them
 * there: cron, and root after su. depmod and others are in these. */
static void complete_path(void)
{
	static const char *const dirs[] = {"/usr/local/sbin", "/usr/sbin", "/sbin"};
	const char *old = getenv("PATH");
	_cleanup_free_ char *path = NULL;

	path = xasprintf(":%s:", is_empty(old) ? "/usr/local/bin:/usr/bin:/bin" : old);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *part = xasprintf(":%s:", dirs[i]);
		char *longer;

		if (strstr(path, part))
			continue;
		longer = xasprintf("%s%s", path, part + 1);
		free(path);
		path = longer;
	}
	path[strlen(path) - 1] = '\0';
	setenv("PATH", path + 1, 1);
}

static int load_framework(struct settings *settings, struct error *err)
{
	struct outcome outcome = {0};
	struct command cmd;
	uv_loop_t loop;
	int r;

	command_init(&cmd);
	r = framework_fill_command(settings, NULL, &cmd);
	if (r > 0) {
		if (uv_loop_init(&loop) < 0)
			return error_set(err, -EMFILE, 1, "commands cannot be started");
		r = runner_run_command(&loop, &cmd, &outcome);
		if (r == 0)
			r = framework_parse(&cmd, &outcome, settings, err);
		uv_loop_close(&loop);
	}
	outcome_done(&outcome);
	command_done(&cmd);
	return r;
}

/* Replaces links to directories of other kernels by the releases of these. */
static void resolve_kernels(struct arguments *args)
{
	struct strv *kernels = &args->kernels;

	for (size_t i = 0; i < kernels->n; i++) {
		char *real = kernel_real_release(&args->settings, kernels->items[i]);

		free(kernels->items[i]);
		kernels->items[i] = real;
	}
	if (args->template_kernel) {
		char *real = kernel_real_release(&args->settings, args->template_kernel);

		free(args->template_kernel);
		args->template_kernel = real;
	}
}

static int run(struct arguments *args, int argc, char **argv)
{
	_cleanup_(error_done) struct error err = {0};
	_cleanup_(strv_done) struct strv misplaced = {0};
	int r = load_framework(&args->settings, &err);

	/* Only the completion scripts use this option, so it is not in the table. */
	if (argc > 2 && streq(argv[1], "--complete")) {
		complete_print(args, argv + 2, argc - 2, stdout);
		return 0;
	}
	if (r < 0 || options_parse(args, argc, argv, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	settings_resolve(&args->settings);
	resolve_kernels(args);
	if (args->show_version) {
		printf("dkms-%s\n", PACKAGE_VERSION);
		return 0;
	}
	if (args->command && !args->command->run && !args->show_help)
		return command_help(args);
	if (args->show_help && args->command) {
		help_print_command(args->command, stdout);
		return 0;
	}
	if (args->show_help || !args->command) {
		if (args->unknown)
			help_print_unknown(args->unknown, stderr);
		if (!args->unknown || !isatty(STDOUT_FILENO))
			help_print(stdout);
		return 0;
	}
	if (distro_read(args->settings.os_release, &args->settings.distro, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	framework_list_misplaced(&args->settings, &misplaced);
	for (size_t i = 0; i < misplaced.n; i++)
		print_warning("%s", misplaced.items[i]);
	for (size_t i = 0; i < args->ignored.n; i++)
		print_warning("%s is obsolete and does nothing", args->ignored.items[i]);
	if (args->directory && !args->name &&
		!(args->command->flags & COMMAND_TAKES_ARCHIVE) &&
		directory_resolve(args, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	if (default_version_set(args, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	return args->command->run(args);
}

int main(int argc, char **argv)
{
	struct arguments args;
	struct slots outer;
	int status, joined;

	if (argc > 1 && streq(argv[1], EXAMINE_OPTION))
		examine_child(argc - 2, argv + 2);
	examine_set_program("/proc/self/exe");
	/* A reader that closes the pipe must not stop an install halfway. */
	signal(SIGPIPE, SIG_IGN);
	open_standard_fds();
	if (!have_descriptors())
		return 1;
	/* MAKEFLAGS may name descriptors, so this comes before any file is opened. */
	joined = slots_join_make(&outer, getenv("MAKEFLAGS"));
	if (joined != 0)
		forget_jobserver();
	close_inherited_fds_on_exec();
	umask(022);
	complete_path();
	arguments_init(&args);
	args.make_slots = joined > 0 ? &outer : NULL;
	args.make_slots_unreachable = joined < 0;
	status = run(&args, argc, argv);
	arguments_done(&args);
	slots_done(&outer);
	if (fflush(stdout) != 0 && status == 0)
		status = 1;
	return status;
}
