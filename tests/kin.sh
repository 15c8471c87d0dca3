# shellcheck shell=bash
# Which kernels have the same headers, for tests and measurements that link from one to another.

# Whether the headers of two Debian kernels below ROOT differ in nothing but what says their names.
kin() # ROOT KERNEL KERNEL
{
	local a=$1/usr/src/linux-headers-$2 b=$1/usr/src/linux-headers-$3

	diff -rq "${a%-amd64}-common" "${b%-amd64}-common" > /dev/null 2>&1 &&
		! diff -rq "$a" "$b" | grep -v '/\.config \|/\.kernelvariables \|/Makefile \|Module.symvers \|/auto.conf \|/autoconf.h \|/package.h \|/rustc_cfg \|/utsrelease.h \|/utsversion.h '
}
