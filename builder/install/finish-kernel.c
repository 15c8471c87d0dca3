/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done once for a kernel, after all jobs that changed its tree? (JOB_DEPMOD) */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/walk.h"
#include "builder/tree/file-check.h"
#include "builder/tree/kernel-mark.h"
#include "builder/tree/tree.h"
#include "builder/install/depmod.h"
#include "builder/install/finish-kernel.h"
#include "builder/install/install.h"
#include "builder/install/uninstall.h"

/* JOB_RUNNING_DEPMOD */

static bool has_any_changed(const struct job *job)
{
	for (size_t i = 0; i < job->depmod->n_members; i++)
		if (job->depmod->members[i]->outcome.changed_kernel)
			return true;
	return false;
}

/* Ends a job that runs depmod early. If depmod has failed, the job at the end fails as
 * well, and undoes the installs. */
static enum transition end_early(struct job *job, enum job_result result)
{
	error_done(&job->outcome.error);
	job->outcome.result = result;
	return TRANSITION_STOP;
}

enum transition depmod_enter(struct job *job)
{
	bool early = job->depmod->early;
	int r;

	job->depmod->depmod = xcalloc(1, sizeof(*job->depmod->depmod));
	if (!early && !has_any_changed(job) && !job->kernel->unfinished &&
		!job->kernel->needs_depmod && !job->kernel->n_changing) {
		/* What jobs have changed, they have undone. */
		if (kernel_mark_finish(job->shared->settings->trees.dkms,
			    job->kernel->release, KERNEL_FINISHED, &job->kernel->mark_fd,
			    &job->outcome.error) < 0)
			return TRANSITION_FAIL;
		job->outcome.result = RESULT_NOTHING;
		return TRANSITION_STOP;
	}
	if (job->shared->settings->switches.no_depmod)
		return TRANSITION_NEXT;
	r = depmod_prepare(job->shared->settings, job->kernel, job->depmod->depmod,
		&job->outcome.error);
	if (r <= 0 && early)
		return end_early(job, RESULT_NOTHING);
	if (r <= 0)
		return TRANSITION_NEXT; /* after an error, JOB_ROLLING_BACK fails the job
					 */
	job->ask.command = job->depmod->depmod->command;
	command_init(&job->depmod->depmod->command);
	job->ask.command.runs_when_cancelled = true;
	return TRANSITION_COMMAND;
}

enum transition depmod_leave(struct job *job, const struct outcome *outcome)
{
	int r = depmod_finish(
		job->depmod->depmod, job->kernel, outcome, &job->outcome.error);

	depmod_done(job->depmod->depmod);
	if (job->depmod->early)
		return end_early(job, r < 0 ? RESULT_NOTHING : RESULT_DONE);
	return TRANSITION_NEXT;
}

/* JOB_ROLLING_BACK */

/* Returns whether all modules that count as installed on the kernel are there. */
static bool is_complete(const struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct tree_filter filter = {.release = job->kernel->release};
	_cleanup_free_ enum file_check *checks = NULL;
	struct tree_list list;
	bool complete = true;

	if (tree_read(s->trees.dkms, s->trees.source, &filter, &list, NULL) < 0)
		return false;
	checks = file_check_entries(s, &list);
	for (size_t i = 0; i < list.n; i++)
		complete &= list.entries[i].state != STATE_INSTALLED ||
			    checks[i] == FILE_CHECK_OK;
	tree_list_done(&list);
	return complete;
}

/* Changes the marks of the kernel to what is true now. */
static int finish_marks(struct job *job)
{
	struct kernel *k = job->kernel;
	enum kernel_mark_state state =
		k->needs_depmod ? KERNEL_NEEDS_DEPMOD : KERNEL_FINISHED;

	if (k->n_changing || (k->unfinished && !is_complete(job)))
		state = KERNEL_UNFINISHED;
	return kernel_mark_finish(job->shared->settings->trees.dkms, k->release, state,
		&k->mark_fd, &job->outcome.error);
}

/* Removes from the kernel what this run has installed, and installs the versions again
 * that were replaced. Returns -EIO, because depmod has failed, or -EAGAIN. */
static int roll_back_work(struct job *job)
{
	_cleanup_(strv_done) struct strv done = {0};
	_cleanup_free_ char *all = NULL;
	int r;

	for (size_t i = 0; i < job->depmod->n_members; i++) {
		struct job *member = job->depmod->members[i];

		if (!member->outcome.installed)
			continue;
		/* It counted as installed before, without its files; the next run of depmod
		 * finds them. */
		if (member->request.reinstall && !member->outcome.replaced)
			continue;
		r = member->outcome.replaced ? install_restore_replaced(member) : -ENOENT;
		if (r == 0)
			strv_pushf(&done, "%s/%s is installed as before", member->name,
				member->outcome.replaced);
		else if (r != -EAGAIN && (r = uninstall_work(member)) == 0)
			strv_pushf(&done, "%s/%s is uninstalled again", member->name,
				member->version);
		if (r == -EAGAIN && member->ask.busy && !job->shared->stop.signal) {
			job->ask.busy = TAKE_PTR(member->ask.busy);
			return r;
		}
		member->outcome.installed = false;
	}
	all = strv_join(&done, ", ");
	if (done.n)
		error_remedy(&job->outcome.error, "%s", all);
	job->kernel->needs_depmod = true;
	finish_marks(job);
	return -EIO;
}

enum transition roll_back_enter(struct job *job)
{
	if (!job->outcome.error.status)
		return TRANSITION_NEXT;
	job->ask.work = roll_back_work;
	return TRANSITION_WORK;
}

/* weak-modules(8) and modprobe(8) use the system's install tree only. */
static bool is_system_tree(const struct settings *s)
{
	return path_is_same(s->trees.install, "/lib/modules");
}

/* JOB_WEAK_MODULES: calls the program once for the files that were removed from the
 * kernel's tree, then once for those that were added. */

/* The program of a distribution. */
struct weak_program {
	const char *path,
		*name; /* its usual path; its name, searched on PATH otherwise */
	const char *const *add, *const *remove; /* its options for added, removed files */
};

static const struct weak_program *find_weak_program(enum distro distro)
{
	static const char *const rhel_add[] = {"--no-initramfs", "--add-modules", NULL};
	static const char *const rhel_remove[] = {
		"--no-initramfs", "--remove-modules", NULL};
	static const char *const suse_add[] = {"--add-kernel-modules", NULL};
	static const char *const suse_remove[] = {"--remove-kernel-modules", NULL};
	static const struct weak_program rhel = {
		"/usr/sbin/weak-modules", "weak-modules", rhel_add, rhel_remove};
	static const struct weak_program suse = {
		"/usr/lib/module-init-tools/weak-modules2", "weak-modules2", suse_add,
		suse_remove};

	switch (distro) {
	case DISTRO_RHEL:
		return &rhel;
	case DISTRO_SUSE:
		return &suse;
	default:
		return NULL;
	}
}

/* Makes the job's command a call of the program, for the files that jobs have added or,
 * if adds is false, removed. Their names go to its standard input. Leaves out packages
 * with NO_WEAK_MODULES. Returns false if there are no files, or if the system does not
 * use weak modules. */
static bool fill_weak_command(struct job *job, bool adds)
{
	static const char script[] = "command -v \"$2\" > /dev/null || exit 0\n"
				     "n=$1; shift\n"
				     "printf '%s\\n' \"${@:n + 1}\" | \"${@:1:n}\"";
	const struct settings *s = job->shared->settings;
	const struct weak_program *program = find_weak_program(s->distro);
	struct strv *argv = &job->ask.command.argv;
	size_t n_options;

	if (!program || !is_system_tree(s))
		return false;
	strv_push_all(argv,
		(const char *const[]){BASH_PROGRAM, "-c", script, "dkms", "", NULL});
	strv_push(argv, path_is_file(program->path) ? program->path : program->name);
	strv_push_all(argv, adds ? program->add : program->remove);
	if (s->distro == DISTRO_SUSE)
		strv_push(argv, job->kernel->release);
	n_options = argv->n;
	free(argv->items[4]);
	argv->items[4] = xasprintf("%zu", n_options - 5);
	for (size_t i = 0; i < job->depmod->n_members; i++) {
		const struct job *member = job->depmod->members[i];

		if (!member->conf || !member->conf->no_weak_modules)
			strv_extend(argv,
				adds ? &member->outcome.added : &member->outcome.removed);
	}
	job->ask.command.runs_when_cancelled = true;
	return argv->n > n_options;
}

enum transition weak_modules_enter(struct job *job)
{
	while (job->depmod->weak_calls < 2) {
		if (fill_weak_command(job, job->depmod->weak_calls++ == 1))
			return TRANSITION_COMMAND;
		command_done(&job->ask.command);
	}
	return TRANSITION_NEXT;
}

enum transition weak_modules_leave(struct job *job, const struct outcome *outcome)
{
	str_add_bytes(&job->outcome.output, outcome->out.data, outcome->out.len);
	str_add_bytes(&job->outcome.output, outcome->err.data, outcome->err.len);
	if (!outcome_ok(outcome)) {
		_cleanup_free_ char *how = outcome_describe(outcome, &job->ask.command);

		strv_pushf(&job->outcome.warnings, "weak-modules %s", how);
	}
	return TRANSITION_AGAIN;
}

/* JOB_FINDING_DEVICES */

#define DEVICES "/sys/devices"
#define ALIAS_MAX 4096 /* bytes, a page of sysfs */

/* Appends the module aliases of the machine's devices. */
static void list_device_aliases(struct strv *ret)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;

	if (walk_begin(&w, DEVICES, WALK_VISIBLE) < 0)
		return;
	while ((e = walk_next(&w))) {
		_cleanup_free_ char *path = path_join(DEVICES, e->path);
		_cleanup_(str_done) struct str text = {0};

		if (e->type != DT_DIR && streq(e->name, "modalias") &&
			file_read(path, ALIAS_MAX, &text, NULL) == 0 && text.data)
			strv_split(ret, text.data);
	}
}

static int find_devices_work(struct job *job)
{
	list_device_aliases(&job->depmod->aliases);
	strv_sort_unique(&job->depmod->aliases);
	return 0;
}

/* Lists the devices if this run has installed a module for the running kernel. */
enum transition find_devices_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *running = kernel_running_release();
	bool installed = false;

	for (size_t i = 0; i < job->depmod->n_members; i++)
		installed |= job->depmod->members[i]->outcome.installed;
	if (!s->modprobe_on_install || !installed || job->shared->stop.signal ||
		!streq(job->kernel->release, running) || !is_system_tree(s))
		return TRANSITION_NEXT;
	job->ask.work = find_devices_work;
	return TRANSITION_WORK;
}

/* JOB_MODPROBING */

/* Loads the modules for the machine's devices. A module that cannot be loaded is no
 * failure: it may be blacklisted or need a signature, and the next boot tries again. */
enum transition modprobe_enter(struct job *job)
{
	static const char script[] =
		"modprobe -a -b -q -- \"$@\"\n"
		"unit=/usr/lib/systemd/system/systemd-modules-load.service\n"
		"if [ -d /run/systemd/system ] && [ -e $unit ]; then\n"
		"	systemctl restart ${unit##*/}\n"
		"fi";
	struct strv *argv = &job->ask.command.argv;

	if (!job->depmod->aliases.n || job->shared->stop.signal)
		return TRANSITION_NEXT;
	strv_push_all(
		argv, (const char *const[]){BASH_PROGRAM, "-c", script, "dkms", NULL});
	strv_extend(argv, &job->depmod->aliases);
	job->ask.command.timeout_s =
		job->shared->settings->limits.script_timeout_s;
	return TRANSITION_COMMAND;
}

/* JOB_FINISHING */

/* Writes what depmod has written to disk, then removes the marks of the kernel. */
static int finish_work(struct job *job)
{
	struct kernel *k = job->kernel;
	int r = dir_sync_all(k->dir);

	k->needs_depmod = r < 0 && r != -ENOENT;
	if (k->needs_depmod)
		error_errno(&job->outcome.error, r, 6, "cannot write %s", k->dir);
	if (finish_marks(job) < 0)
		return -EIO;
	return k->needs_depmod ? r : 0;
}

enum transition finish_enter(struct job *job)
{
	job->ask.work = finish_work;
	return TRANSITION_WORK;
}
