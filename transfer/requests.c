/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which server is asked next, and when is it given up? Each GET and PUT of dkms gets one
 * FRAME_DONE, however it ends. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/memfd.h"
#include "cache/remote/status.h"
#include "transfer/easy.h"
#include "transfer/judge.h"
#include "transfer/multi.h"
#include "transfer/requests.h"

#define TICK_MS 100
#define UNSIGNED "x-amz-content-sha256: UNSIGNED-PAYLOAD"
#define TICKS_ALIVE 10              /* between two FRAME_ALIVE */
#define ERROR_PAGE_MAX (256 * 1024) /* bytes of an answer that is not the object */
#define FAILURES_MAX 8 /* one after the other, then the server is not used any more */

struct transfer {
	TAILQ_ENTRY(transfer) link;
	uint32_t number;
	enum remote_direction direction;
	char *path;
	int fd;         /* what is sent, or has been received; or -1 */
	uint64_t size;  /* of what is sent, or the most that may come */
	uint64_t moved; /* bytes of it */
	uint64_t other; /* bytes of an answer that is not the object */
	size_t server;
	CURL *easy;
	int64_t heard_ms;    /* when a byte was moved, or it began */
	bool answered;       /* this server has sent something */
	bool missing;        /* a server has said that it does not have it */
	const char *stopped; /* why we have ended it */
	char *why;           /* the first failure */
	size_t why_server;
	char error[CURL_ERROR_SIZE];
};

static TAILQ_HEAD(, transfer) transfers = TAILQ_HEAD_INITIALIZER(transfers);
static const struct setup *setup;
static struct multi multi;
static struct curl_slist *get_headers, *put_headers;
static uv_timer_t ticker;
static unsigned int ticks;
static struct server {
	unsigned int off; /* directions */
	unsigned int failures;
	int64_t heard_ms; /* when it has sent something; 0: never */
} servers[FRAME_SERVERS_MAX];

static int64_t now_ms(void)
{
	return (int64_t)uv_now(multi.loop);
}

static void heard(struct transfer *t)
{
	t->heard_ms = servers[t->server].heard_ms = now_ms();
	t->answered = true;
}

/* Functions that libcurl calls. They return another number than they were given to end
 * the transfer. */

static size_t on_header(char *bytes _unused_, size_t size, size_t n, void *userdata)
{
	heard(userdata);
	return size * n;
}

static size_t stop(struct transfer *t, const char *why)
{
	t->stopped = why;
	return 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *userdata)
{
	struct transfer *t = userdata;
	long status = 0;

	n *= size;
	heard(t);
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t->direction == REMOTE_PUT ||
		judge(false, CURLE_OK, status) != VERDICT_FOUND) {
		t->other += n;
		return t->other > ERROR_PAGE_MAX ? stop(t, "its answer does not end") : n;
	}
	if (n > t->size - t->moved)
		return stop(t, "the object is larger than it may be");
	if (t->fd < 0)
		t->fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (t->fd < 0 || write_all(t->fd, bytes, n) < 0)
		return stop(t, "no memory is left");
	t->moved += n;
	return n;
}

static size_t on_send(char *buffer, size_t size, size_t n, void *userdata)
{
	struct transfer *t = userdata;
	uint64_t left = t->size - t->moved;
	ssize_t got;

	n *= size;
	got = pread(t->fd, buffer, left < n ? left : n, (off_t)t->moved);
	if (got < 0 || (got == 0 && left)) {
		stop(t, "the object cannot be read");
		return CURL_READFUNC_ABORT;
	}
	t->moved += (uint64_t)got;
	t->heard_ms = now_ms();
	return (size_t)got;
}

static int on_seek(void *userdata, curl_off_t offset, int origin)
{
	struct transfer *t = userdata;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->size)
		return CURL_SEEKFUNC_FAIL;
	t->moved = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int make_easy(struct transfer *t)
{
	_cleanup_free_ char *url = xasprintf("%s/%s", setup->urls[t->server], t->path);
	CURL *easy = easy_new(setup);

	if (!easy)
		return -EINVAL;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
		t->direction == REMOTE_PUT ? put_headers : get_headers);
	if (t->direction == REMOTE_PUT) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->size);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(easy, CURLOPT_READDATA, t);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, t);
	}
	t->easy = easy;
	return 0;
}

static void free_easy(struct transfer *t)
{
	if (!t->easy)
		return;
	curl_multi_remove_handle(multi.curl, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
}

/* Sends the frame. dkms reads what it has asked for; if it is gone, so are we. */
static void tell(const struct frame *frame, int fd)
{
	if (frame_send(setup->socket, frame, fd, 0) < 0)
		_exit(1);
}

/* Tells dkms how the transfer has ended, and frees it. */
static void answer(struct transfer *t, enum remote_status status)
{
	bool found = status == REMOTE_FOUND, get = t->direction == REMOTE_GET;
	struct frame f = {.type = FRAME_DONE,
		.status = status,
		.server = FRAME_NO_SERVER,
		.request = t->number,
		.size = found ? t->moved : 0};

	if (found) {
		f.server = (unsigned int)t->server;
	} else if (t->why) {
		f.server = (unsigned int)t->why_server;
		f.text = t->why;
		f.n_text = strlen(t->why);
	}
	tell(&f, found && get ? t->fd : -1);
	free_easy(t);
	TAILQ_REMOVE(&transfers, t, link);
	close_ptr(&t->fd);
	free(t->path);
	free(t->why);
	free(t);
	if (TAILQ_EMPTY(&transfers))
		uv_timer_stop(&ticker);
}

static void note_failure(struct transfer *t, const char *why)
{
	if (t->why)
		return;
	t->why = xstrdup(why);
	t->why_server = t->server;
}

/* Forgets what a server has sent, before another one is asked. */
static void rewind_transfer(struct transfer *t)
{
	free_easy(t);
	if (t->direction == REMOTE_GET) {
		close_ptr(&t->fd);
		t->fd = -1;
	}
	t->moved = t->other = 0;
	t->answered = false;
	t->stopped = NULL;
	t->error[0] = '\0';
}

/* Asks the first server from t->server on that is in use. */
static void ask(struct transfer *t)
{
	size_t n = t->direction == REMOTE_PUT ? 1 : setup->n_urls;

	rewind_transfer(t);
	while (t->server < n && servers[t->server].off & t->direction)
		t->server++;
	if (t->server >= n) {
		answer(t, t->why       ? REMOTE_FAILED
			  : t->missing ? REMOTE_MISSING
				       : REMOTE_OFF);
		return;
	}
	t->heard_ms = now_ms();
	if (make_easy(t) < 0 || curl_multi_add_handle(multi.curl, t->easy) != CURLM_OK) {
		note_failure(t, "libcurl does not take the request");
		answer(t, REMOTE_FAILED);
	}
}

/* Leaves a server alone for the rest of the run, and asks others for what it was asked
 * for. */
static void switch_off(size_t server, unsigned int directions, const char *why)
{
	struct frame f = {.type = FRAME_OFF,
		.server = (unsigned int)server,
		.status = directions & ~servers[server].off,
		.text = why,
		.n_text = strlen(why)};
	struct transfer *t, *next;

	if (!f.status)
		return;
	servers[server].off |= directions;
	tell(&f, -1);
	for (t = TAILQ_FIRST(&transfers); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->easy && t->server == server && t->direction & directions)
			ask(t);
	}
}

/* Why a transfer has failed, for people. */
static char *describe(const struct transfer *t, CURLcode code, long status)
{
	if (t->stopped)
		return xstrdup(t->stopped);
	if (code != CURLE_OK && status < 400)
		return xstrdup(*t->error ? t->error : curl_easy_strerror(code));
	switch (status) {
	case 401:
	case 403:
		return xasprintf("it refuses %s (HTTP status %ld)",
			t->direction == REMOTE_PUT ? "uploads" : "access", status);
	case 429:
		return xstrdup("it asks for fewer requests (HTTP status 429)");
	case 507:
		return xstrdup("it is full (HTTP status 507)");
	default:
		return xasprintf("it answers with HTTP status %ld%s", status,
			status / 100 == 3 ? ", which names another address" : "");
	}
}

/* The server has failed, in a way that may not concern others. */
static enum verdict count_failure(struct transfer *t, enum verdict verdict)
{
	struct server *s = &servers[t->server];

	/* One connection of several may have failed. */
	if (verdict == VERDICT_DEAD && s->heard_ms &&
		now_ms() - s->heard_ms < (int64_t)setup->silence_ms)
		verdict = VERDICT_FAILED;
	if (verdict == VERDICT_FAILED && ++s->failures >= FAILURES_MAX)
		verdict = VERDICT_REFUSED;
	return verdict;
}

/* A transfer has ended, in the way that the verdict says. */
static void settle(struct transfer *t, enum verdict verdict, const char *why)
{
	size_t server = t->server;

	switch (verdict) {
	case VERDICT_FOUND:
		servers[server].failures = 0;
		answer(t, REMOTE_FOUND);
		return;
	case VERDICT_MISSING:
		servers[server].failures = 0;
		t->missing = true;
		break;
	default:
		note_failure(t, why);
		break;
	}
	/* The others are sent elsewhere with this one: it has no handle any more. */
	free_easy(t);
	if (verdict == VERDICT_DEAD)
		switch_off(server, REMOTE_GET | REMOTE_PUT, why);
	if (verdict == VERDICT_REFUSED)
		switch_off(server, t->direction, why);
	t->server++;
	ask(t);
}

/* Makes what has come unchangeable. Returns false if that fails. */
static bool seal(struct transfer *t)
{
	if (t->direction == REMOTE_PUT)
		return true;
	if (t->fd < 0)
		t->fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return t->fd >= 0 && memfd_seal(t->fd) == 0;
}

static void on_ended(CURL *easy, CURLcode code)
{
	_cleanup_free_ char *why = NULL;
	enum verdict verdict;
	struct transfer *t;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	verdict = t->stopped ? VERDICT_FAILED
			     : judge(t->direction == REMOTE_PUT, code, status);
	why = describe(t, code, status);
	if (verdict == VERDICT_FOUND && !seal(t)) {
		str_replace(&why, "no memory is left");
		verdict = VERDICT_FAILED;
	}
	if (verdict == VERDICT_FAILED || verdict == VERDICT_DEAD)
		verdict = t->stopped ? verdict : count_failure(t, verdict);
	settle(t, verdict, why);
}

/* Whether nothing was heard of the transfer for too long. One that has not begun, because
 * others have all connections, waits as long as the server sends something to these. */
static bool is_silent(const struct transfer *t)
{
	int64_t last = t->heard_ms, server = servers[t->server].heard_ms;

	if (!t->answered && server > last)
		last = server;
	return now_ms() - last > (int64_t)setup->silence_ms;
}

static struct transfer *find_silent(void)
{
	struct transfer *t;

	TAILQ_FOREACH(t, &transfers, link)
	if (t->easy && is_silent(t))
		return t;
	return NULL;
}

static void on_tick(uv_timer_t *timer _unused_)
{
	struct frame alive = {.type = FRAME_ALIVE};
	struct transfer *t;

	while ((t = find_silent())) {
		bool all = now_ms() - servers[t->server].heard_ms >
			   (int64_t)setup->silence_ms;

		settle(t, all ? VERDICT_DEAD : count_failure(t, VERDICT_FAILED),
			"nothing comes any more");
	}
	if (++ticks % TICKS_ALIVE == 0)
		(void)frame_send(setup->socket, &alive, -1, MSG_DONTWAIT);
}

static int add(const struct frame *f, int fd)
{
	struct transfer *t = xcalloc(1, sizeof(*t));

	t->number = f->request;
	t->direction = f->type == FRAME_PUT ? REMOTE_PUT : REMOTE_GET;
	t->path = xstrndup(f->text, f->n_text);
	t->fd = fd;
	t->size = f->size;
	if (TAILQ_EMPTY(&transfers)) {
		ticks = 0;
		uv_timer_start(&ticker, on_tick, TICK_MS, TICK_MS);
	}
	TAILQ_INSERT_TAIL(&transfers, t, link);
	ask(t);
	return 0;
}

static int cancel(uint32_t number)
{
	struct transfer *t;

	TAILQ_FOREACH(t, &transfers, link)
	if (t->number == number) {
		answer(t, REMOTE_FAILED);
		break;
	}
	return 0; /* it may have ended meanwhile */
}

int requests_take(const struct frame *frame, int fd)
{
	switch (frame->type) {
	case FRAME_GET:
	case FRAME_PUT:
		return add(frame, fd);
	case FRAME_CANCEL:
		return cancel(frame->request);
	default:
		close_ptr(&fd);
		return -EPROTO;
	}
}

static void make_headers(void)
{
	put_headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
	if (!setup->secrets[FRAME_SIGV4].data) {
		/* Nothing is waited for before a large object is sent. */
		put_headers = curl_slist_append(put_headers, "Expect:");
		return;
	}
	/* S3 asks for it. Objects have digests of their own. The other header cannot be left
	 * out there, because libcurl signs it nevertheless. */
	put_headers = curl_slist_append(put_headers, UNSIGNED);
	get_headers = curl_slist_append(NULL, UNSIGNED);
}

int requests_start(uv_loop_t *loop, const struct setup *s)
{
	setup = s;
	make_headers();
	uv_timer_init(loop, &ticker);
	return multi_start(&multi, loop, on_ended);
}
