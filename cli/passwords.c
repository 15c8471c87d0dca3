/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaves passwords out of what others may read. */
#include "config.h"

#include "cli/passwords.h"

void passwords_leave_out(struct str *s, const char *line)
{
	const char *url;

	while ((url = strstr(line, "://"))) {
		size_t n = strcspn(url + 3, "/ \t\"'\\");
		const char *at = memrchr(url + 3, '@', n);

		str_add_bytes(s, line, (size_t)(url + 3 - line));
		if (at)
			str_add(s, "...");
		line = at ? at : url + 3;
	}
	str_add(s, line);
}
