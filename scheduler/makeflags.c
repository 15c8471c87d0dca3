/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the environment variable MAKEFLAGS say about the jobserver? The manual of
 * GNU make describes it in "Job Slots" and "POSIX Jobserver Interaction". An example is:
 *
 *	s -j4 --jobserver-auth=3,4 -- CC=gcc
 *
 * The first word has the letters of short options, without a dash. Other options
 * follow, and then variables after "--". If there are several --jobserver-auth, the
 * last one is valid. Before version 4.2 the option was --jobserver-fds. Since version
 * 4.4 its value may be fifo:PATH. Negative descriptors mean that make does not pass
 * the pipe on to this child. */
#include "config.h"

#include <limits.h>

#include "base/strv.h"
#include "scheduler/makeflags.h"

void makeflags_done(struct makeflags *m)
{
	free(m->fifo);
	*m = (struct makeflags){.read_fd = -1, .write_fd = -1};
}

/* Parses the value of --jobserver-auth. */
static void parse_auth(const char *auth, struct makeflags *m)
{
	static const char fifo[] = "fifo:";

	free(m->fifo);
	m->fifo = NULL;
	m->read_fd = m->write_fd = -1;
	m->jobserver = true;
	if (has_prefix(auth, fifo))
		m->fifo = xstrdup(auth + strlen(fifo));
	else if (sscanf(auth, "%d,%d", &m->read_fd, &m->write_fd) != 2)
		m->read_fd = m->write_fd = -1;
}

void makeflags_parse(const char *text, struct makeflags *ret)
{
	static const char *const names[] = {"--jobserver-auth=", "--jobserver-fds="};
	_cleanup_(strv_done) struct strv words = {0};

	*ret = (struct makeflags){.read_fd = -1, .write_fd = -1};
	strv_split(&words, text ? text : "");
	for (size_t i = 0; i < words.n && !streq(words.items[i], "--"); i++) {
		const char *word = words.items[i];

		for (size_t n = 0; n < ARRAY_SIZE(names); n++)
			if (has_prefix(word, names[n]))
				parse_auth(word + strlen(names[n]), ret);
		if (has_prefix(word, "-j")) {
			unsigned long jobs = strtoul(word + 2, NULL, 10);

			ret->jobs = jobs < USHRT_MAX ? (unsigned int)jobs : USHRT_MAX;
		}
	}
}
