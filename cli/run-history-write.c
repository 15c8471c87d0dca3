/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds a line about a run to the history. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/lock.h"
#include "cli/command-row.h"
#include "cli/json.h"
#include "cli/passwords.h"
#include "cli/print.h"
#include "cli/run-history-write.h"
#include "cli/run-history.h"

/* So much of a message is taken (bytes): what a dkms.conf says may be in it, and the messages of all
 * jobs of a run must not fill the history. */
#define MESSAGE_MAX 2000

/* Returns who has called dkms; the caller frees. NULL: the environment does not tell. */
static char *find_caller(void)
{
	static const struct {
		const char *variable, *program;
	} callers[] = {
		{"DPKG_MAINTSCRIPT_PACKAGE", "dpkg"},
		{"SUDO_USER", "sudo"},
		{"DOAS_USER", "doas"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		const char *value = getenv(callers[i].variable);

		if (!is_empty(value))
			return xasprintf("%s: %.200s", callers[i].program, value);
	}
	return getenv("KERNEL_INSTALL_MACHINE_ID") ? xstrdup("kernel-install") : NULL;
}

static json_t *list_changes(const struct job *job)
{
	const struct job_outcome *o = &job->outcome;
	const struct {
		bool is_so;
		const char *word;
	} changes[] = {
		{o->registered, "added"},
		{o->built && o->restored, "taken from the cache"},
		{o->built && o->linked_from, "linked"},
		{o->built && !o->restored && !o->linked_from, "built"},
		{o->installed, "installed"},
		{o->signed_again, "signed"},
		{o->uninstalled, "uninstalled"},
		{o->unbuilt, "unbuilt"},
		{job->kind == JOB_FORGET && o->result == RESULT_DONE, "removed"},
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (changes[i].is_so)
			json_array_append_new(list, json_string(changes[i].word));
	return list;
}

/* Returns the beginning of a message, or NULL for none; the caller frees. */
static char *cut_message(const char *what)
{
	size_t n = what ? strnlen(what, MESSAGE_MAX) : 0;

	/* A character of UTF-8 is not cut. */
	while (n && ((unsigned char)what[n] & 0xc0) == 0x80)
		n--;
	return what ? xstrndup(what, n) : NULL;
}

/* Returns what the history says of a job; NULL if that is nothing. */
static json_t *describe_job(const struct job *job)
{
	enum job_result result = job->outcome.result;
	_cleanup_free_ char *error = cut_message(job->outcome.error.what);
	json_t *j, *changes = list_changes(job);

	if (json_array_size(changes) == 0 && result != RESULT_FAILED &&
		result != RESULT_BLOCKED && (result != RESULT_STOPPED || !job_has_begun(job))) {
		json_decref(changes);
		return NULL;
	}
	j = json_object();
	json_set_job(j, job);
	json_object_set_new(j, "result", json_text(job_result_name(result)));
	json_object_set_new(j, "error", json_text(error));
	json_object_set_new(j, "log", json_text(job->outcome.log_path));
	json_object_set_new(j, "changes", changes);
	return j;
}

/* Moves a file that has become long away, unless another process is about to do that. */
static int rotate(const struct settings *s, const char *path)
{
	_cleanup_free_ char *old = xasprintf("%s.1", path);
	_cleanup_(lock_release) struct lock lock = {0};
	struct stat st;

	if (stat(path, &st) < 0 || st.st_size < HISTORY_BYTES ||
		lock_try(s->trees.dkms, path, &lock, NULL) < 0)
		return 0;
	if (stat(path, &st) < 0 || st.st_size < HISTORY_BYTES)
		return 0;
	return rename(path, old) < 0 ? -errno : 0;
}

/* Appends a line to the file. One write(2) adds it, so that the lines of two processes do not mix. */
static int append(const char *path, const char *line)
{
	_cleanup_(str_done) struct str text = {0};
	_cleanup_close_ int fd = open(
		path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	struct stat st;
	char last = '\n';

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* A disk that was full may have cut the last line. */
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) < 0)
		return -errno;
	str_add(&text, last == '\n' ? "" : "\n");
	passwords_leave_out(&text, line);
	str_add(&text, "\n");
	return write_all(fd, text.data, text.len);
}

static void write_run(const struct arguments *args, json_t *run)
{
	const char *path = settings_history_path(&args->settings);
	_cleanup_free_ char *dir = path_parent(path);
	_cleanup_free_ char *line = json_dumps(run, JSON_COMPACT | JSON_ENSURE_ASCII);
	int r = line ? dir_make(dir, NULL) : -EINVAL;

	if (r == 0)
		r = rotate(&args->settings, path);
	if (r == 0)
		r = append(path, line);
	if (r < 0)
		print_warning("the history does not get this run: cannot write %s: %s", path,
			strerror(-r));
}

static void on_event(void *userdata, const struct events *e, enum event event,
	const struct job *job)
{
	const struct arguments *args = userdata;
	json_t *run, *jobs;
	_cleanup_free_ char *by = NULL;

	(void)job;
	if (event != EVENT_OVER)
		return;
	jobs = json_array();
	for (size_t i = 0; i < e->plan->n_jobs; i++) {
		json_t *one = describe_job(e->plan->jobs[i]);

		if (one)
			json_array_append_new(jobs, one);
	}
	if (json_array_size(jobs) == 0) {
		json_decref(jobs);
		return;
	}
	by = find_caller();
	run = json_object();
	json_object_set_new(run, "schema", json_string(HISTORY_SCHEMA));
	json_object_set_new(run, "when", json_when(time(NULL)));
	json_object_set_new(run, "command", json_text(e->command));
	json_object_set_new(run, "line", json_text(args->line));
	json_object_set_new(run, "by", json_text(by));
	json_object_set_new(run, "status", json_integer(e->status));
	json_object_set_new(run, "jobs", jobs);
	write_run(args, run);
	json_decref(run);
}

struct listener run_history_listener(const struct arguments *args)
{
	return (struct listener){on_event, (void *)args};
}
