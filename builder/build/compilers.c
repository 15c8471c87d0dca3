/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What are compilers called? */
#include "config.h"

#include "base/util.h"
#include "builder/build/compilers.h"

bool compilers_is_name(const char *name)
{
	static const char *const names[] = {"cc", "gcc", "clang"};
	const char *version = strrchr(name, '-');
	size_t n = strlen(name);

	if (version && version[1] && !version[1 + strspn(version + 1, "0123456789.")])
		n = (size_t)(version - name);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i]);

		if (n >= len && strncmp(name + n - len, names[i], len) == 0 &&
			(n == len || name[n - len - 1] == '-'))
			return true;
	}
	return false;
}
