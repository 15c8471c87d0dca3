# shellcheck shell=bash
# Compares the headers of kernels, for tests and measurements that reuse the objects of one kernel
# for another.

# Whether the headers of two kernels below ROOT are the same, apart from the files that contain the
# kernel's name and the directories of other processors.
same_headers() # ROOT KERNEL KERNEL
{
	local a=$1/lib/modules/$2 b=$1/lib/modules/$3

	! diff -rq "$a/source/" "$b/source/" 2>&1 | grep -vE '/arch/(arm|s390|powerpc|mips|riscv|loongarch)' &&
		! diff -rq "$a/build/" "$b/build/" 2>&1 | grep -v '/\.config \|/\.kernelvariables \|/Makefile \|Module.symvers \|/auto.conf \|/autoconf.h \|/kernel.release \|/vmlinux \|/package.h \|/rustc_cfg \|/utsrelease.h \|/utsversion.h '
}
