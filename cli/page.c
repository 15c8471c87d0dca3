/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does --html write?
 *
 * The page is page.html with the data in place of the line @DATA@. A matrix can have 30,000 cells, so the
 * data is small: each cell is a list of values in the order of "columns", and a text is its place
 * in the list "texts", whose first one is empty. Times are in milliseconds, or -1. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/json-text.h"
#include "base/str.h"
#include "builder/host/kernel.h"
#include "cli/json.h"
#include "cli/log-tail.h"
#include "cli/page.h"
#include "cli/page.html.h"
#include "cli/run-json.h"

struct page {
	json_t *texts, *places; /* the texts, and the place of each */
	json_t *cells;
	char *own_arch;
	size_t tail_bytes;
};

/* Returns the place of a text. */
static json_t *place(struct page *p, const char *text)
{
	json_t *string, *known;

	if (is_empty(text))
		return json_integer(0);
	string = json_text(text);
	known = json_object_get(p->places, json_string_value(string));
	if (!known) {
		known = json_integer((json_int_t)json_array_size(p->texts));
		json_object_set_new(p->places, json_string_value(string), known);
		json_array_append(p->texts, string);
	}
	json_decref(string);
	return json_incref(known);
}

static json_t *place_of(struct page *p, const json_t *object, const char *key)
{
	return place(p, json_string_value(json_object_get(object, key)));
}

static json_int_t milliseconds_of(const json_t *object, const char *key)
{
	const json_t *s = json_object_get(object, key);

	return json_is_number(s) ? (json_int_t)(json_number_value(s) * 1000 + 0.5) : -1;
}

static json_t *milliseconds(const json_t *object, const char *key)
{
	return json_integer(milliseconds_of(object, key));
}

static json_t *module_place(struct page *p, const json_t *object, const char *key)
{
	const char *name = json_string_value(json_object_get(object, key));
	const char *version = json_string_value(json_object_get(object, "version"));
	const char *kind = json_string_value(json_object_get(object, "kind"));
	_cleanup_free_ char *text = xasprintf("%s%s%s", name ? name : kind ? kind : "",
		version ? "/" : "", version ? version : "");

	return place(p, text);
}

/* A kernel of this machine's architecture is its release alone. */
static json_t *kernel_place(struct page *p, const json_t *object)
{
	const char *release = json_string_value(json_object_get(object, "kernel"));
	const char *arch = json_string_value(json_object_get(object, "arch"));
	_cleanup_free_ char *text = NULL;

	if (!release || !arch || streq(arch, p->own_arch))
		return place(p, release);
	text = xasprintf("%s/%s", release, arch);
	return place(p, text);
}

/* Returns the place of the end of a log, while there is room for it. */
static json_t *tail_place(struct page *p, const json_t *tail)
{
	size_t n = json_string_length(tail);

	if (!n || p->tail_bytes + n > LOG_TAILS_MAX)
		return json_integer(0);
	p->tail_bytes += n;
	return place(p, json_string_value(tail));
}

/* Returns how a job came to its result, if it did not build, as a text for people; the caller frees. */
static char *origin_of(const json_t *job)
{
	const char *signers = json_string_value(json_object_get(job, "signers"));
	const char *from = json_string_value(json_object_get(job, "linked_from"));
	const char *not_kept = json_string_value(json_object_get(job, "not_kept"));
	const char *stale = json_string_value(json_object_get(job, "stale"));

	if (signers)
		return xasprintf("from the fleet, signed by %s", signers);
	if (from)
		return xasprintf("linked from objects of %s", from);
	if (not_kept)
		return xasprintf("not kept in the cache: %s", not_kept);
	return stale ? xasprintf("built again: %s", stale) : NULL;
}

static json_t *warnings_of(struct page *p, const json_t *job)
{
	json_t *list = json_array();
	const json_t *warning;
	size_t i;

	json_array_foreach(json_object_get(job, "warnings"), i, warning)
		json_array_append_new(list, place(p, json_string_value(warning)));
	return list;
}

/* Returns name, start and time of each phase in one list; the start as the time since the end of the phase
 * before it, or since the start of the job. */
static json_t *phases_of(struct page *p, const json_t *job)
{
	json_t *list = json_array();
	json_int_t end = milliseconds_of(job, "start_s");
	const json_t *phase;
	size_t i;

	json_array_foreach(json_object_get(job, "phases"), i, phase) {
		json_int_t start = milliseconds_of(phase, "start_s");
		json_int_t wall = milliseconds_of(phase, "wall_s");

		if (wall <= 0)
			continue;
		json_array_append_new(list, place_of(p, phase, "phase"));
		json_array_append_new(list, json_integer(start - end));
		json_array_append_new(list, json_integer(wall));
		end = start + wall;
	}
	return list;
}

/* The order in which add_job() and add_entry() append the values. */
static const char *const columns[] = {"module", "kernel", "kind", "result", "cache", "error", "remedy",
	"note", "log", "tail", "start", "wall", "cpu", "warnings", "phases"};

static void add_job(struct page *p, const json_t *job)
{
	const char *result = json_string_value(json_object_get(job, "result"));
	bool failed = result && streq(result, "failed");
	const char *log = failed ? json_string_value(json_object_get(job, "log")) : NULL;
	_cleanup_free_ char *origin = origin_of(job);
	json_t *cell = json_array();

	json_array_append_new(cell, module_place(p, job, "module"));
	json_array_append_new(cell, kernel_place(p, job));
	json_array_append_new(cell, place_of(p, job, "kind"));
	json_array_append_new(cell, place(p, result));
	json_array_append_new(cell, place_of(p, job, "cache"));
	json_array_append_new(cell, place_of(p, job, "error"));
	json_array_append_new(cell, place_of(p, job, "remedy"));
	json_array_append_new(cell, place(p, origin));
	json_array_append_new(cell, place(p, log));
	/* The log itself may be on another machine. */
	json_array_append_new(cell, tail_place(p, json_object_get(job, "log_tail")));
	json_array_append_new(cell, milliseconds(job, "start_s"));
	json_array_append_new(cell, milliseconds(job, "wall_s"));
	json_array_append_new(cell, milliseconds(job, "cpu_s"));
	json_array_append_new(cell, warnings_of(p, job));
	json_array_append_new(cell, phases_of(p, job));
	json_array_append_new(p->cells, cell);
}

/* Returns what is remarkable about an entry of dkms status, borrowed, or NULL. */
static const char *remark_of(const json_t *entry)
{
	const char *stale = json_string_value(json_object_get(entry, "stale"));

	if (json_is_true(json_object_get(entry, "modules_missing")))
		return "built modules are missing";
	if (json_is_true(json_object_get(entry, "modules_gone")))
		return "installed modules are gone";
	if (json_is_true(json_object_get(entry, "modules_differ")))
		return "built and installed modules differ";
	return stale ? stale : json_string_value(json_object_get(entry, "signers"));
}

static void add_entry(struct page *p, const json_t *entry)
{
	const json_t *failure = json_object_get(entry, "last_failure");
	const char *error = json_string_value(json_object_get(failure, "error"));
	const char *log = json_string_value(json_object_get(failure, "log"));
	const char *problem = json_string_value(json_object_get(entry, "problem"));
	json_t *cell = json_array(), *tail = log_tail_read(log);

	json_array_append_new(cell, module_place(p, entry, "name"));
	json_array_append_new(cell, kernel_place(p, entry));
	json_array_append_new(cell, place(p, NULL));
	json_array_append_new(cell, place_of(p, entry, "state"));
	json_array_append_new(cell, place(p, NULL));
	json_array_append_new(cell, place(p, problem ? problem : error));
	json_array_append_new(cell, place(p, NULL));
	json_array_append_new(cell, place(p, remark_of(entry)));
	json_array_append_new(cell, place(p, log));
	json_array_append_new(cell, tail_place(p, tail));
	for (size_t i = 0; i < 3; i++)
		json_array_append_new(cell, json_integer(-1));
	json_array_append_new(cell, json_array());
	json_array_append_new(cell, json_array());
	json_array_append_new(p->cells, cell);
	json_decref(tail);
}

/* Returns the data of the page. */
static json_t *make_data(const json_t *document)
{
	struct page p = {.texts = json_array(), .places = json_object(), .cells = json_array(),
		.own_arch = kernel_running_arch()};
	const json_t *jobs = json_object_get(document, "jobs"), *status;
	json_t *data = json_object(), *names = json_array();
	const char *command = json_string_value(json_object_get(document, "command"));
	const json_t *item;
	size_t i;

	json_array_append_new(p.texts, json_string(""));
	for (i = 0; i < ARRAY_SIZE(columns); i++)
		json_array_append_new(names, json_text(columns[i]));
	json_array_foreach(jobs, i, item)
		if (run_json_is_work(item))
			add_job(&p, item);
	json_array_foreach(json_object_get(document, "modules"), i, item)
		add_entry(&p, item);
	status = json_object_get(document, "status");
	json_object_set_new(data, "dkms", json_text(PACKAGE_VERSION));
	json_object_set_new(data, "command", json_text(command ? command : "status"));
	json_object_set_new(data, "when", json_when((int64_t)time(NULL)));
	json_object_set_new(data, "status",
		json_integer(json_is_integer(status) ? json_integer_value(status) : -1));
	json_object_set_new(data, "wall", milliseconds(document, "wall_s"));
	json_object_set_new(data, "error", place_of(&p, document, "error"));
	json_object_set_new(data, "remedy", place_of(&p, document, "remedy"));
	json_object_set_new(data, "columns", names);
	json_object_set_new(data, "cells", p.cells);
	json_object_set_new(data, "texts", p.texts);
	json_decref(p.places);
	free(p.own_arch);
	return data;
}

/* Appends the data so that a browser cannot take a part of it for the end of its element, or for the
 * begin of a comment: https://html.spec.whatwg.org/multipage/scripting.html, "Restrictions for
 * contents of script elements". */
static void add_data(struct str *s, const json_t *data)
{
	_cleanup_free_ char *text = json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII);

	for (const char *at = text, *next; at; at = next) {
		next = strchr(at, '<');
		str_add_bytes(s, at, next ? (size_t)(next - at) : strlen(at));
		if (next) {
			str_add(s, "\\u003c");
			next++;
		}
	}
}

int page_write(const char *path, const json_t *document, struct error *err)
{
	static const char mark[] = "@DATA@\n";
	const char *at = strstr(page_html, mark);
	json_t *data = make_data(document);
	_cleanup_(str_done) struct str s = {0};

	str_add_bytes(&s, page_html, (size_t)(at - page_html));
	add_data(&s, data);
	str_add(&s, "\n");
	str_add(&s, at + strlen(mark));
	json_decref(data);
	return file_write(path, s.data, s.len, 0644, err);
}
