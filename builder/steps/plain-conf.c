/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which dkms.conf files can dkms read itself? */
#include "config.h"

#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "builder/conf/plain.h"
#include "builder/steps/plain-conf.h"

/* Whether a command of the package could read the file that is open. Its owner may replace
 * the file and the directory at any time, so what counts is where the kernel says that it
 * is. */
static bool may_be_read(const struct job *job, int fd)
{
	const struct sandbox box = {.kind = job_sandbox(job), .strict = true};
	_cleanup_free_ char *real = NULL;
	struct stat st;

	if (!job_own_users(job))
		return true;
	return fstat(fd, &st) == 0 && st.st_mode & S_IROTH &&
	       link_read(fd_path(fd).path, &real) == 0 &&
	       sandbox_user_can_read(&box, real);
}

struct plain_text {
	char *path, *text;
	struct stat st;
	/* of the job that has read it */
	enum sandbox_kind kind;
	bool own_users;
};

void plain_text_free(struct plain_text *t)
{
	if (!t)
		return;
	free(t->path);
	free(t->text);
	free(t);
}

static bool is_same_text(const struct job *job, const struct plain_text *t, const char *path)
{
	struct stat st;

	return t && t->kind == job_sandbox(job) && t->own_users == job_own_users(job) &&
	       streq(t->path, path) &&
	       stat(path, &st) == 0 && stat_is_same(&st, &t->st) &&
	       st.st_mode == t->st.st_mode && st.st_size == t->st.st_size &&
	       timespec_ns(&st.st_mtim) == timespec_ns(&t->st.st_mtim) &&
	       timespec_ns(&st.st_ctim) == timespec_ns(&t->st.st_ctim);
}

/* Appends the text of a file. Returns false if bash has to read it, or to say what is wrong
 * with it. */
static bool read_text(const struct job *job, const char *path, struct strv *texts)
{
	_cleanup_close_ int fd = file_open(path);
	_cleanup_(str_done) struct str text = {0};

	if (fd < 0 || !may_be_read(job, fd) || file_read_fd(fd, PLAIN_BYTES_MAX, &text) < 0 ||
		strlen(text.data) != text.len)
		return false;
	strv_take(texts, str_take(&text));
	return true;
}

/* Does the same for the dkms.conf, and remembers its text for the next kernels. */
static bool read_main_text(const struct job *job, const char *path, struct strv *texts)
{
	struct plain_text **last = &job->shared->plain_text;
	struct stat st;

	if (is_same_text(job, *last, path)) {
		strv_push(texts, (*last)->text);
		return true;
	}
	plain_text_free(TAKE_PTR(*last));
	if (stat(path, &st) < 0 || !read_text(job, path, texts))
		return false;
	*last = xcalloc(1, sizeof(**last));
	**last = (struct plain_text){.path = xstrdup(path),
		.text = xstrdup(texts->items[0]),
		.st = st,
		.kind = job_sandbox(job),
		.own_users = job_own_users(job)};
	return true;
}

int plain_conf_read(
	struct job *job, const struct conf_request *request, struct error *err)
{
	_cleanup_(strv_done) struct strv files = {0}, texts = {0};

	conf_list_files(request, &files);
	if (!files.n || !streq(files.items[0], request->path) || *request->path != '/')
		return 0;
	if (!read_main_text(job, files.items[0], &texts))
		return 0;
	for (size_t i = 1; i < files.n; i++)
		if (!read_text(job, files.items[i], &texts))
			return 0;
	return conf_parse_plain(request, &files, &texts, &job->conf, err);
}
