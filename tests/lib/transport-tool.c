/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes requests by cache/remote/transport.h, and prints how they end:
 *
 *	transport-tool PROGRAM [OPTION=VALUE]... REQUEST...
 *
 * REQUEST is "get PATH" or "put PATH FILE"; "wait" waits for those before it, "kill"
 * kills the program, and "status" prints what the kernel says of it. Requests begin
 * together. Options: url (several), ca, certificate, key, password, sigv4, max, deadline,
 * connect, silence, filter=yes for the filter of system calls, into=DIR to keep what has
 * come, and times=N to make all requests N times. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/run/seccomp.h"
#include "cache/remote/transport.h"

#define REQUESTS_MAX 100000
#define UID 65519 /* if root runs this */

static struct row {
	char *path;
	char *result;
} rows[REQUESTS_MAX];
static size_t n_rows;
static const char *into;
static uint64_t bytes;

static const char *const names[] = {[REMOTE_FOUND] = "found",
	[REMOTE_MISSING] = "missing",
	[REMOTE_FAILED] = "failed",
	[REMOTE_OFF] = "off"};

static void keep(const struct row *row, int fd)
{
	_cleanup_free_ char *path = path_join(into, path_base(row->path));
	struct error err = {0};

	if (file_copy_fd(fd, "the object", path, 0644, &err) < 0)
		fprintf(stderr, "%s\n", err.what);
	error_done(&err);
}

static void on_result(void *userdata, struct remote_result *r)
{
	struct row *row = userdata;

	if (row->result)
		abort(); /* a second call */
	row->result = xasprintf("%s %ju%s%s%s%s", names[r->status], (uintmax_t)r->size,
		r->url ? " " : "", r->url ? r->url : "", r->why ? ": " : "",
		r->why ? r->why : "");
	bytes += r->size;
	if (r->fd >= 0 && into)
		keep(row, r->fd);
	/* What nobody can change any more can be mapped. */
	if (r->fd >= 0 && pwrite(r->fd, "", 1, 0) >= 0)
		abort();
}

static struct str *secret(const char *path)
{
	static struct str texts[8];
	static size_t n;
	struct str *text = &texts[n++ % ARRAY_SIZE(texts)];

	if (file_read(path, 1 << 20, text, NULL) < 0)
		exit(2);
	return text;
}

static unsigned int deadline;
static uint64_t max = 64 << 20;

static bool take_option(
	const char *word, struct remote_options *o, struct strv *urls, int *times)
{
	const char *value = strchr(word, '=');
	size_t n = value ? (size_t)(value - word) : 0;
	char *name = n ? xstrndup(word, n) : NULL;
	bool known = true;

	if (!n)
		return false;
	value++;
	if (streq(name, "url"))
		strv_push(urls, value);
	else if (streq(name, "ca"))
		o->credentials.ca = secret(value);
	else if (streq(name, "certificate"))
		o->credentials.certificate = secret(value);
	else if (streq(name, "key"))
		o->credentials.key = secret(value);
	else if (streq(name, "password"))
		o->credentials.password = secret(value);
	else if (streq(name, "sigv4"))
		o->credentials.sigv4 = value;
	else if (streq(name, "max"))
		max = strtoull(value, NULL, 10);
	else if (streq(name, "deadline"))
		deadline = (unsigned int)atoi(value);
	else if (streq(name, "connect"))
		o->connect_ms = (unsigned int)atoi(value);
	else if (streq(name, "silence"))
		o->silence_ms = (unsigned int)atoi(value);
	else if (streq(name, "into"))
		into = value;
	else if (streq(name, "filter"))
		o->filter = seccomp_open_filter(NULL);
	else if (streq(name, "times"))
		*times = atoi(value);
	else
		known = false;
	free(name);
	return known;
}

static struct row *add_row(const char *path)
{
	if (n_rows == REQUESTS_MAX)
		exit(2);
	rows[n_rows].path = xstrdup(path);
	return &rows[n_rows++];
}

static void kill_program(void)
{
	_cleanup_(str_done) struct str children = {0};
	_cleanup_free_ char *path = xasprintf("/proc/self/task/%d/children", getpid());

	if (file_read(path, 4096, &children, NULL) == 0 && atoi(children.data) > 0)
		kill(atoi(children.data), SIGKILL);
}

/* Prints /proc/PID/status of the program, when that has got its setup. */
static void print_status(void)
{
	_cleanup_(str_done) struct str children = {0}, status = {0};
	_cleanup_free_ char *path = xasprintf("/proc/self/task/%d/children", getpid()),
			    *of = NULL;

	usleep(500 * 1000);
	if (file_read(path, 4096, &children, NULL) < 0)
		return;
	of = xasprintf("/proc/%d/status", atoi(children.data));
	if (file_read(of, 65536, &status, NULL) == 0)
		printf("%s", status.data);
}

static void request(struct remote_transport *t, char **words)
{
	struct row *row = streq(words[0], "get") || streq(words[0], "put")
				  ? add_row(words[1])
				  : NULL;
	int fd;

	if (streq(words[0], "get")) {
		remote_transport_get(t, words[1], max, deadline, on_result, row);
	} else if (streq(words[0], "put")) {
		struct stat st;

		fd = open(words[2], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0)
			exit(2);
		remote_transport_put(t, words[1], fd, (uint64_t)st.st_size, deadline,
			on_result, row);
		close(fd);
	} else if (streq(words[0], "kill")) {
		kill_program();
	} else if (streq(words[0], "status")) {
		remote_transport_dispatch(t);
		print_status();
	} else if (!remote_transport_wait(t, 60000)) {
		printf("still pending: %zu\n", remote_transport_pending(t));
	}
}

static size_t words_of(const char *word)
{
	return streq(word, "put") ? 3 : streq(word, "get") ? 2 : 1;
}

static void print(const struct remote_transport *t, bool sums, double seconds)
{
	const struct strv *warnings = remote_transport_warnings(t);
	size_t found = 0;

	for (size_t i = 0; i < n_rows; i++) {
		found += rows[i].result && has_prefix(rows[i].result, "found");
		if (!sums)
			printf("%s\n", rows[i].result ? rows[i].result : "no result");
	}
	for (size_t i = 0; i < warnings->n; i++)
		printf("warning: %s\n", warnings->items[i]);
	if (sums)
		printf("%zu of %zu found, %ju bytes\n", found, n_rows, (uintmax_t)bytes);
	fprintf(stderr, "%.3f\n", seconds);
}

int main(int argc, char **argv)
{
	struct remote_options options = {.uid = UID, .filter = -1};
	struct strv urls = {0};
	struct remote_transport *t;
	struct timespec begin, end;
	struct error err = {0};
	int first = 2, times = 1;

	options.program = argv[1];
	options.urls = &urls;
	while (first < argc && take_option(argv[first], &options, &urls, &times))
		first++;
	if (remote_transport_start(&options, &t, &err) < 0) {
		printf("error: %s\n", err.what);
		fflush(stdout);
		_exit(1);
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int round = 0; round < times; round++)
		for (int i = first; i < argc; i += (int)words_of(argv[i]))
			request(t, argv + i);
	if (!remote_transport_wait(t, 60000))
		printf("still pending: %zu\n", remote_transport_pending(t));
	clock_gettime(CLOCK_MONOTONIC, &end);
	print(t, times > 1, (double)(timespec_ns(&end) - timespec_ns(&begin)) / 1e9);
	remote_transport_close(t);
	for (size_t i = 0; i < n_rows; i++) {
		free(rows[i].path);
		free(rows[i].result);
	}
	strv_done(&urls);
	return 0;
}
