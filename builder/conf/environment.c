/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which variables of dkms do the commands of modules get? */
#include "config.h"

#include <fnmatch.h>

#include "builder/conf/environment.h"
#include "builder/conf/evaluate.h"

/* Patterns of fnmatch(3). */
static const char *const permitted[] = {
	/* where programs are, and for builds without a sandbox, where they may write */
	"HOME", "PATH", "TEMP", "TMP", "TMPDIR",
	/* kbuild: Documentation/kbuild/kbuild.rst, llvm.rst and makefiles.rst */
	"AFLAGS_*", "AR", "ARCH", "AWK", "BINDGEN", "CFLAGS_*", "CF", "CHECK",
	"CROSS_COMPILE", "CROSS_COMPILE_*", "EXTRA_CFLAGS", "HOSTAR", "HOSTCC",
	"HOSTCFLAGS", "HOSTCXX", "HOSTCXXFLAGS", "HOSTLD", "HOSTLDFLAGS", "HOSTLDLIBS",
	"HOSTRUSTC", "HOSTRUSTFLAGS", "INSTALL_MOD_*", "KAFLAGS", "KBUILD_*", "KCFLAGS",
	"KCPPFLAGS", "KRUSTFLAGS", "LD", "LDFLAGS_*", "LLVM", "LLVM_IAS", "NM", "OBJCOPY",
	"OBJDUMP", "PAHOLE", "PAHOLE_FLAGS", "PKG_CONFIG*", "PYTHON3", "READELF", "RUSTC",
	"RUSTFMT", "RUST_LIB_SRC", "STRIP", "SUBARCH", "V", "W",
	/* what makefiles of modules ask where the kernel is, and for which one they
	 * build */
	"KDIR", "KERNELDIR", "KERNEL_BUILD", "KERNEL_DIR", "KERNEL_OUTPUT", "KERNEL_PATH",
	"KERNEL_SOURCE", "KERNEL_SOURCES", "KERNEL_SRC", "KERNEL_UNAME", "KERNEL_VERSION",
	"KERNVER", "KERN_DIR", "KERN_VER", "KSRC", "KVER", "KVERSION", "LINUXDIR",
	"LINUXINCLUDE", "SYSOUT", "SYSSRC",
	/* the modules of NVIDIA */
	"IGNORE_*", "NV_*",
	/* the date of builds that can be repeated: reproducible-builds.org */
	"SOURCE_DATE_EPOCH",
	/* the network; those of builds without one are removed */
	"*_proxy", "*_PROXY"};

static bool is_permitted(const char *name, const struct strv *more)
{
	for (size_t i = 0; i < ARRAY_SIZE(permitted); i++)
		if (fnmatch(permitted[i], name, 0) == 0)
			return true;
	for (size_t i = 0; i < more->n; i++)
		if (fnmatch(more->items[i], name, 0) == 0)
			return true;
	return false;
}

void environment_add_permitted(struct strv *env, const char *more)
{
	_cleanup_(strv_done) struct strv names = {0};

	strv_split(&names, more ? more : "");
	for (char **variable = environ; *variable; variable++) {
		_cleanup_free_ char *name =
			xstrndup(*variable, strcspn(*variable, "="));

		if (is_permitted(name, &names))
			strv_push(env, *variable);
	}
	evaluate_clean_environment(env);
}
