/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For LD_PRELOAD: hides /proc before main() begins, in a mount namespace of the process. The
 * sanitizers need /proc until then. */
#include <stdlib.h>
#include <sys/mount.h>

__attribute__((constructor)) static void hide_proc(void)
{
	unsetenv("LD_PRELOAD");
	if (mount("dkms-test", "/proc", "tmpfs", 0, NULL) != 0)
		abort();
}
