# shellcheck shell=bash
# Which kernels have the same headers, for tests and measurements that link from one to another.

# Whether the headers of two kernels below ROOT differ in nothing but what says their names, and
# what is of other processors.
same_headers() # ROOT KERNEL KERNEL
{
	local a=$1/lib/modules/$2 b=$1/lib/modules/$3

	! diff -rq "$a/source/" "$b/source/" 2>&1 | grep -vE '/arch/(arm|s390|powerpc|mips|riscv|loongarch)' &&
		! diff -rq "$a/build/" "$b/build/" 2>&1 | grep -v '/\.config \|/\.kernelvariables \|/Makefile \|Module.symvers \|/auto.conf \|/autoconf.h \|/kernel.release \|/vmlinux \|/package.h \|/rustc_cfg \|/utsrelease.h \|/utsversion.h '
}
