/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The side of dkms: it keeps the requests, starts the program that makes them, and
 * believes nothing of what that says. Whatever the program does, each request ends. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "base/beneath.h"
#include "base/child.h"
#include "base/file.h"
#include "base/memfd.h"
#include "cache/remote/frame.h"
#include "cache/remote/transport.h"

#define URL_MAX (FRAME_TEXT_MAX - 128)
/* Less than the second after which the kernel tries once more, so that a run loses no more than that. */
#define CONNECT_MS 900
#define SILENCE_MS 2000
#define DEADLINE_MS (10 * 60 * 1000)
#define TICK_MS 100
/* The program says each second that it works, as long as it has something to do. */
#define DEAD_MS 5000
#define FRAMES_AT_ONCE 256 /* so that a flood of them does not keep the caller's loop */
#define SOCKET_BYTES (1024 * 1024)

struct request {
	TAILQ_ENTRY(request) link;
	uint32_t number;
	enum remote_direction direction;
	char *path;
	int fd;        /* what a PUT sends, or what a GET has found; or -1 */
	uint64_t size; /* of the object, or what it may be at most */
	int64_t deadline_ms;
	remote_callback *callback; /* NULL: it has ended for the caller */
	void *userdata;
	enum remote_status status; /* of an ended one */
	const char *url;
	char *why;
};

TAILQ_HEAD(requests, request);

struct remote_transport {
	struct strv urls;                    /* without a slash at the end */
	unsigned int off[FRAME_SERVERS_MAX]; /* directions, for each URL */
	struct strv warnings;
	pid_t pid;  /* 0: the program has ended */
	int socket; /* -1 then */
	int timer;
	int epoll;
	int64_t heard_ms; /* when the program has said something, or got its first request
			   */
	uint32_t last;    /* number of a request */
	/* Those that the program does not know yet, that it works on, and that have
	 * ended. */
	struct requests waiting, sent, ended;
	size_t n_sent;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return timespec_ns(&now) / 1000000;
}

static void request_free(struct request *q)
{
	close_ptr(&q->fd);
	free(q->path);
	free(q->why);
	free(q);
}

/* Arms the timer, which wakes up the caller, after ms, or at once for 0. */
static void wake_after(struct remote_transport *t, unsigned int ms)
{
	struct itimerspec when = {.it_value = {.tv_sec = ms / 1000,
					  .tv_nsec = ms ? ms % 1000 * 1000000L : 1}};

	(void)timerfd_settime(t->timer, 0, &when, NULL);
}

/* Ends a request that is in none of the lists any more. Its callback is called later. */
static void end(struct remote_transport *t, struct request *q, enum remote_status status,
	const char *why)
{
	if (status != REMOTE_FOUND || q->direction == REMOTE_PUT) {
		close_ptr(&q->fd);
		q->fd = -1;
	}
	if (!q->callback) {
		request_free(q);
		return;
	}
	q->status = status;
	q->why = xstrdup(why);
	TAILQ_INSERT_TAIL(&t->ended, q, link);
	wake_after(t, 0);
}

bool remote_transport_is_on(
	const struct remote_transport *t, enum remote_direction direction)
{
	/* Only the first server gets objects. */
	size_t n = direction == REMOTE_PUT ? 1 : t->urls.n;

	for (size_t i = 0; i < n && t->pid; i++)
		if (!(t->off[i] & direction))
			return true;
	return false;
}

static void end_program(struct remote_transport *t)
{
	close_ptr(&t->socket); /* which also takes it out of the epoll set */
	t->socket = -1;
	if (!t->pid)
		return;
	kill(-t->pid, SIGKILL);
	kill(t->pid, SIGKILL);
	while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
		;
	t->pid = 0;
}

/* Gives up the program, and with it all requests. */
static void give_up(struct remote_transport *t, const char *why)
{
	_cleanup_free_ char *text = xasprintf("the program for transfers %s", why);
	struct request *q;

	if (!t->pid)
		return;
	end_program(t);
	strv_pushf(&t->warnings, "%s; no server is used any more", text);
	while ((q = TAILQ_FIRST(&t->sent))) {
		TAILQ_REMOVE(&t->sent, q, link);
		end(t, q, REMOTE_FAILED, text);
	}
	t->n_sent = 0;
	while ((q = TAILQ_FIRST(&t->waiting))) {
		TAILQ_REMOVE(&t->waiting, q, link);
		end(t, q, REMOTE_FAILED, text);
	}
}

/* Sends a frame; the socket has room for all that can be under way. */
static void tell(struct remote_transport *t, const struct frame *frame, int fd)
{
	if (t->pid && frame_send(t->socket, frame, fd, MSG_DONTWAIT) < 0)
		give_up(t, "does not listen");
}

/* Sends waiting requests as far as the program may have them, and ends those that no
 * server can take any more. */
static void send_waiting(struct remote_transport *t)
{
	struct request *q, *next;

	for (q = TAILQ_FIRST(&t->waiting); q && t->n_sent < FRAME_WINDOW; q = next) {
		bool put = q->direction == REMOTE_PUT;
		struct frame f = {.type = put ? FRAME_PUT : FRAME_GET,
			.request = q->number,
			.size = q->size,
			.text = q->path,
			.n_text = strlen(q->path)};

		next = TAILQ_NEXT(q, link);
		TAILQ_REMOVE(&t->waiting, q, link);
		if (!remote_transport_is_on(t, q->direction)) {
			end(t, q, REMOTE_OFF, NULL);
			continue;
		}
		if (!t->n_sent)
			t->heard_ms = now_ms();
		TAILQ_INSERT_TAIL(&t->sent, q, link);
		t->n_sent++;
		tell(t, &f, q->fd);
		if (!t->pid)
			return; /* all have ended */
		if (put)
			close_ptr(&q->fd);
		q->fd = -1;
	}
}

/* Whether fd is what the program says: a file in memory of that size which nobody can
 * change. */
static bool is_object(int fd, uint64_t size)
{
	struct stat st;

	return fd >= 0 && memfd_is_sealed(fd) && fstat(fd, &st) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* Returns a descriptor of the same file that has an offset of its own: the program could
 * move the one of fd. Without /proc there is only fd. */
static int open_again(int *fd)
{
	int again = open(fd_path(*fd).path, O_RDONLY | O_CLOEXEC);

	if (again >= 0)
		return again;
	(void)lseek(*fd, 0, SEEK_SET);
	return take_fd(fd);
}

static struct request *find(struct requests *list, uint32_t number)
{
	struct request *q;

	TAILQ_FOREACH(q, list, link)
	if (q->number == number)
		return q;
	return NULL;
}

/* A request has ended. Takes fd. Returns false if that is not what the program may say.
 */
static bool take_done(struct remote_transport *t, const struct frame *f, int fd)
{
	_cleanup_close_ int object = fd;
	_cleanup_free_ char *why = f->n_text ? xstrndup(f->text, f->n_text) : NULL;
	struct request *q = find(&t->sent, f->request);
	bool found = f->status == REMOTE_FOUND;

	if (!q || (f->server >= t->urls.n && (found || f->server != FRAME_NO_SERVER)))
		return false;
	if (found && q->direction == REMOTE_GET) {
		if (f->size > q->size || !is_object(object, f->size))
			return false;
		q->fd = open_again(&object);
		q->size = f->size;
	} else if (object >= 0) {
		return false;
	}
	if (f->server < t->urls.n)
		q->url = t->urls.items[f->server];
	TAILQ_REMOVE(&t->sent, q, link);
	t->n_sent--;
	end(t, q, (enum remote_status)f->status, why);
	return true;
}

static bool take_off(struct remote_transport *t, const struct frame *f)
{
	static const char *const what[] = {
		[REMOTE_GET] = "it is not read from in this run",
		[REMOTE_PUT] = "nothing more is uploaded in this run",
		[REMOTE_GET | REMOTE_PUT] = "it is not used any more in this run",
	};

	if (f->server >= t->urls.n || (t->off[f->server] & f->status) == f->status)
		return false;
	t->off[f->server] |= f->status;
	strv_pushf(&t->warnings, "%s: %.*s; %s", t->urls.items[f->server], (int)f->n_text,
		f->text, what[f->status]);
	return true;
}

/* Returns whether there may be more. */
static bool take_frame(struct remote_transport *t)
{
	char buffer[FRAME_MAX];
	struct frame f;
	int fd = -1, r;

	r = t->pid ? frame_receive(t->socket, true, MSG_DONTWAIT, buffer, &f, &fd)
		   : -EAGAIN;
	if (r == -EAGAIN)
		return false;
	if (r <= 0) {
		give_up(t, r == 0 ? "has ended" : "talks nonsense");
		return false;
	}
	t->heard_ms = now_ms();
	if ((f.type == FRAME_DONE && !take_done(t, &f, fd)) ||
		(f.type == FRAME_OFF && !take_off(t, &f))) {
		give_up(t, "talks nonsense");
		return false;
	}
	return true;
}

/* Ends a request that the program works on. Its frame, which has no reader any more, is
 * still awaited. */
static struct request *take_from_program(struct remote_transport *t, struct request *q)
{
	struct frame f = {.type = FRAME_CANCEL, .request = q->number};
	struct request *taken = xcalloc(1, sizeof(*taken));

	*taken = *q;
	q->path = NULL;
	q->callback = NULL;
	q->fd = -1;
	tell(t, &f, -1);
	return taken;
}

static void check_deadlines(struct remote_transport *t)
{
	int64_t now = now_ms();
	struct request *q, *next;

	if (t->n_sent && now - t->heard_ms > DEAD_MS)
		give_up(t, "does nothing");
	for (q = TAILQ_FIRST(&t->waiting); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->deadline_ms > now)
			continue;
		TAILQ_REMOVE(&t->waiting, q, link);
		end(t, q, REMOTE_FAILED, "it took too long");
	}
	for (q = TAILQ_FIRST(&t->sent); q && t->pid; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->callback && q->deadline_ms <= now)
			end(t, take_from_program(t, q), REMOTE_FAILED,
				"it took too long");
	}
}

void remote_transport_dispatch(struct remote_transport *t)
{
	struct request *q;
	uint64_t times;

	if (read(t->timer, &times, sizeof(times)) < 0 && errno != EAGAIN)
		give_up(t, "cannot be watched");
	for (int i = 0; i < FRAMES_AT_ONCE && take_frame(t); i++)
		;
	check_deadlines(t);
	send_waiting(t);
	/* Callbacks make other requests, which may change the list. */
	while ((q = TAILQ_FIRST(&t->ended))) {
		struct remote_result result = {.status = q->status,
			.fd = take_fd(&q->fd),
			.size = q->status == REMOTE_FOUND ? q->size : 0,
			.url = q->url,
			.why = q->why};

		TAILQ_REMOVE(&t->ended, q, link);
		q->callback(q->userdata, &result);
		close_ptr(&result.fd);
		request_free(q);
	}
	send_waiting(t);
	if (!TAILQ_EMPTY(&t->ended))
		wake_after(t, 0);
	else if (remote_transport_pending(t))
		wake_after(t, TICK_MS);
}

bool remote_transport_wait(struct remote_transport *t, int timeout_ms)
{
	int64_t end_ms = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;

	while (remote_transport_pending(t)) {
		struct pollfd p = {.fd = t->epoll, .events = POLLIN};
		int64_t left = end_ms - now_ms();

		if (left <= 0)
			return false;
		(void)poll(&p, 1, left < TICK_MS ? (int)left : TICK_MS);
		remote_transport_dispatch(t);
	}
	return true;
}

static struct request *add(
	struct remote_transport *t, struct request q, unsigned int deadline_ms)
{
	struct request *new = xcalloc(1, sizeof(*new));

	*new = q;
	if (!++t->last)
		t->last = 1;
	new->number = t->last;
	new->deadline_ms = now_ms() + (deadline_ms ? deadline_ms : DEADLINE_MS);
	TAILQ_INSERT_TAIL(&t->waiting, new, link);
	/* They are sent together. */
	wake_after(t, 0);
	return new;
}

void remote_transport_get(struct remote_transport *t, const char *path,
	uint64_t max_bytes, unsigned int deadline_ms, remote_callback *callback,
	void *userdata)
{
	struct request q = {.direction = REMOTE_GET,
		.path = xstrdup(path),
		.fd = -1,
		.size = max_bytes,
		.callback = callback,
		.userdata = userdata};

	(void)add(t, q, deadline_ms);
}

/* Returns a descriptor that the program may have. The program must not be able to write.
 */
static int fd_to_lend(int fd)
{
	int flags = fcntl(fd, F_GETFL), seals = fcntl(fd, F_GET_SEALS);

	if (flags < 0 || ((flags & O_ACCMODE) != O_RDONLY &&
				 (seals < 0 || !(seals & F_SEAL_WRITE))))
		return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void remote_transport_put(struct remote_transport *t, const char *path, int fd,
	uint64_t size, unsigned int deadline_ms, remote_callback *callback,
	void *userdata)
{
	struct request q = {.direction = REMOTE_PUT,
		.path = xstrdup(path),
		.fd = fd_to_lend(fd),
		.size = size,
		.callback = callback,
		.userdata = userdata};
	struct request *added = add(t, q, deadline_ms);

	if (q.fd < 0) {
		TAILQ_REMOVE(&t->waiting, added, link);
		end(t, added, REMOTE_FAILED,
			"the object cannot be handed to the program");
	}
}

int remote_transport_fd(const struct remote_transport *t)
{
	return t->epoll;
}

size_t remote_transport_pending(const struct remote_transport *t)
{
	const struct request *q;
	size_t n = 0;

	TAILQ_FOREACH(q, &t->waiting, link)
	n++;
	TAILQ_FOREACH(q, &t->sent, link)
	n += q->callback != NULL;
	TAILQ_FOREACH(q, &t->ended, link)
	n++;
	return n;
}

const struct strv *remote_transport_warnings(const struct remote_transport *t)
{
	return &t->warnings;
}

static bool is_url(const char *url)
{
	const char *rest = has_prefix(url, "https://")  ? url + 8
			   : has_prefix(url, "http://") ? url + 7
							: NULL;

	if (!rest || strlen(url) > URL_MAX)
		return false;
	for (const char *c = rest; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("\"<>\\^`{|}#?", *c))
			return false;
	return strcspn(rest, "/") > 0 && !memchr(rest, '@', strcspn(rest, "/"));
}

static int take_urls(
	struct remote_transport *t, const struct strv *urls, struct error *err)
{
	if (!urls->n || urls->n > FRAME_SERVERS_MAX)
		return error_set(err, -EINVAL, 1,
			"there must be 1 to %d servers, not %zu", FRAME_SERVERS_MAX,
			urls->n);
	for (size_t i = 0; i < urls->n; i++) {
		char *url = xstrdup(urls->items[i]);

		for (size_t n = strlen(url); n && url[n - 1] == '/'; n--)
			url[n - 1] = '\0';
		strv_take(&t->urls, url);
		if (is_url(url))
			continue;
		return error_set(err, -EINVAL, 1,
			"%s is not the address of a server: http:// or https://, a name, "
			"and "
			"perhaps a path; no password",
			urls->items[i]);
	}
	return 0;
}

/* Makes the socket, whose other end *ret_other is for the program, and what tells the
 * caller that there is something to do. */
static int open_descriptors(struct remote_transport *t, int *ret_other)
{
	static const int bytes = SOCKET_BYTES;
	struct epoll_event event = {.events = EPOLLIN};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	t->socket = ends[0];
	*ret_other = ends[1];
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->timer < 0 || t->epoll < 0 ||
		epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->socket, &event) < 0 ||
		epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->timer, &event) < 0)
		return -errno;
	return 0;
}

/* Starts the program: PROGRAM UID, with the socket as its standard output. It gives up
 * root's privileges before it does anything else. */
static int start_program(
	struct remote_transport *t, const struct remote_options *o, int other)
{
	static const char *const passed[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
		"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "ASAN_OPTIONS"};
	_cleanup_(strv_done) struct strv argv = {0}, env = {0};

	strv_push(&argv, o->program);
	strv_pushf(&argv, "%u", geteuid() == 0 ? o->uid : 0);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (getenv(passed[i]))
			strv_setenv(&env, passed[i], getenv(passed[i]));
	strv_setenv(&env, "LC_ALL", "C");
	return child_start(o->program, &argv, &env, other, &t->pid);
}

static int send_secret(
	struct remote_transport *t, enum frame_secret kind, const void *bytes, size_t n)
{
	struct frame f = {.type = FRAME_SECRET, .status = kind};
	_cleanup_close_ int fd = -1;

	if (n > FRAME_SECRET_MAX)
		return -EFBIG;
	fd = memfd_make("secret", bytes, n);
	return fd < 0 ? fd : frame_send(t->socket, &f, fd, MSG_DONTWAIT);
}

static int send_secrets(struct remote_transport *t, const struct remote_options *o)
{
	const struct remote_credentials *c = &o->credentials;
	const struct str *const texts[] = {[FRAME_CA] = c->ca,
		[FRAME_CERTIFICATE] = c->certificate,
		[FRAME_KEY] = c->key,
		[FRAME_PASSWORD] = c->password};
	struct frame filter = {.type = FRAME_SECRET, .status = FRAME_FILTER};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts) && r == 0; i++)
		if (texts[i])
			r = send_secret(
				t, (enum frame_secret)i, texts[i]->data, texts[i]->len);
	if (r == 0 && c->sigv4)
		r = send_secret(t, FRAME_SIGV4, c->sigv4, strlen(c->sigv4));
	if (r == 0 && o->filter > 0)
		r = frame_send(t->socket, &filter, o->filter, MSG_DONTWAIT);
	return r;
}

static int send_setup(struct remote_transport *t, const struct remote_options *o)
{
	struct frame begin = {.type = FRAME_BEGIN,
		.request = o->connect_ms ? o->connect_ms : CONNECT_MS,
		.size = o->silence_ms ? o->silence_ms : SILENCE_MS};
	int r = send_secrets(t, o);

	for (size_t i = 0; i < t->urls.n && r == 0; i++) {
		struct frame url = {.type = FRAME_URL,
			.text = t->urls.items[i],
			.n_text = strlen(t->urls.items[i])};

		r = frame_send(t->socket, &url, -1, MSG_DONTWAIT);
	}
	return r < 0 ? r : frame_send(t->socket, &begin, -1, MSG_DONTWAIT);
}

int remote_transport_start(const struct remote_options *options,
	struct remote_transport **ret, struct error *err)
{
	struct remote_transport *t = xcalloc(1, sizeof(*t));
	_cleanup_close_ int other = -1;
	int r;

	t->socket = t->timer = t->epoll = -1;
	TAILQ_INIT(&t->waiting);
	TAILQ_INIT(&t->sent);
	TAILQ_INIT(&t->ended);
	r = take_urls(t, options->urls, err);
	if (r == 0 && geteuid() == 0 && !options->uid)
		r = -EPERM; /* the network is not talked to as root */
	if (r == 0)
		r = open_descriptors(t, &other);
	if (r == 0)
		r = start_program(t, options, other);
	if (r == 0)
		r = send_setup(t, options);
	if (r == 0) {
		*ret = t;
		return 0;
	}
	error_errno(err, r, 1, "cannot start %s", options->program);
	remote_transport_close(t);
	return r;
}

static void free_all(struct requests *list)
{
	struct request *q;

	while ((q = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, q, link);
		request_free(q);
	}
}

void remote_transport_close(struct remote_transport *t)
{
	if (!t)
		return;
	end_program(t);
	free_all(&t->waiting);
	free_all(&t->sent);
	free_all(&t->ended);
	close_ptr(&t->timer);
	close_ptr(&t->epoll);
	strv_done(&t->urls);
	strv_done(&t->warnings);
	free(t);
}
