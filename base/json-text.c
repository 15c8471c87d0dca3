/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does any text become JSON? */
#include "config.h"

#include "base/json-text.h"
#include "base/str.h"

json_t *json_text(const char *s)
{
	struct str clean = {0};
	json_t *j = s ? json_string(s) : json_null();

	if (j)
		return j;
	for (; *s; s++)
		if ((unsigned char)*s < 128)
			str_add_bytes(&clean, s, 1);
		else
			str_add(&clean, "\xef\xbf\xbd");
	j = json_string(clean.data);
	str_done(&clean);
	return j;
}
