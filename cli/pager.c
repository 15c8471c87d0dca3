/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows long output page by page. */
#include "config.h"

#include <signal.h>

#include "base/util.h"
#include "cli/pager.h"

FILE *pager_start(size_t line)
{
	const char *pager = getenv("DKMS_PAGER");
	_cleanup_free_ char *command = NULL;
	FILE *out;

	if (!pager)
		pager = getenv("PAGER");
	if (pager && (is_empty(pager) || streq(pager, "cat")))
		return NULL;
	/* Leave at once if all fits on the screen, let colors pass, do not clear the screen. */
	setenv("LESS", "FRX", 0);
	/* Whoever may run dkms by sudo(8) need not get a shell of root's from less(1). */
	if (getenv("SUDO_UID"))
		setenv("LESSSECURE", "1", 1);
	if (pager)
		command = xstrdup(pager);
	else
		command = xasprintf("if command -v less > /dev/null; then exec less +%zu; fi; cat",
			line);
	fflush(stdout);
	out = popen(command, "we");
	if (out) {
		signal(SIGINT, SIG_IGN); /* it is the pager's */
		signal(SIGPIPE, SIG_IGN);
	}
	return out;
}
