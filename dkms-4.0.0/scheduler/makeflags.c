/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a make tells its children in MAKEFLAGS, as GNU make's manual says in "Job Slots"
 * and "POSIX Jobserver Interaction":
 *
 *	s -j4 --jobserver-auth=3,4 -- CC=gcc
 *
 * Letters of short options first, without a dash; then the options; after "--" variables. Of
 * several --jobserver-auth the last counts. Before make 4.2 it was --jobserver-fds; since 4.4
 * it may be fifo:PATH. Negative descriptors are not passed on to this child. */
#include "config.h"

#include <limits.h>

#include "base/strv.h"
#include "scheduler/makeflags.h"

void makeflags_done(struct makeflags *m)
{
	free(m->fifo);
	*m = (struct makeflags){.read_fd = -1, .write_fd = -1};
}

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
