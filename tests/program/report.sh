#!/bin/bash
# What dkms prints about a run with several kernels: lines, the table and the failures.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
C5=5.10.0-1-cloud-amd64

start()
{
	machine
	kernel $K
	kernel $K7
	kernel $C5
	module good 1.0
	module bad 1.0 'PRE_BUILD="pre.sh"'
	write_script "$sourcetree/bad-1.0/pre.sh" 'echo preparing; echo "pkg-config: command not found"; echo for $kernelver; exit 3'
	module late 1.0 'BUILD_EXCLUSIVE_KERNEL_MIN=5.10'
	module user 1.0 'BUILD_DEPENDS=bad'
	for m in good bad late user; do
		dkms add $m/1.0 > /dev/null
	done
}

several()
{
	start
	dkms_exits 11 "autoinstall on three kernels" autoinstall --all
	is "$(sed -n '/^  /,/^$/p' "$work/out" | sed 's/ *$//' | grep .)" "\
          4.19.0-6-amd64  4.19.0-7-amd64  5.10.0-1-cloud-amd64
bad/1.0   FAILED          FAILED          FAILED
good/1.0  built           built           built
late/1.0  skipped         skipped         built
user/1.0  FAILED          FAILED          FAILED" "the table of modules and kernels"
	is "$(grep -c '^dkms: bad/1.0 for .*: FAILED: PRE_BUILD exited 3$' "$work/err")" 3 "each failure is printed in a line when it happens"
	is "$(sed -n '/^bad/,$p' "$work/err" | sed 's/for [^ ]* and/for KERNEL and/;s/for 4.*/for K/;s/for 5.*/for K/;s!build/.*!build!')" "\
bad/1.0 for KERNEL and 2 more kernels: PRE_BUILD exited 3
      preparing
      pkg-config: command not found
      for K
  log: $dkmstree/bad/1.0/build" "the summary has the failure once, with lines of the log"
	is "$(grep -c 'command not found' "$work/err")" 1 "lines of the log are printed only once"
}

different()
{
	start
	write_script "$sourcetree/bad-1.0/pre.sh" "[ \$kernelver = $C5 ] && exit 4; exit 3"
	dkms_exits 11 "failures with different causes" autoinstall --all
	is "$(grep -c '^bad/1.0 for .* and 1 more kernel: PRE_BUILD exited 3' "$work/err")" 1 "failures with the same cause are grouped"
	is "$(grep -c "^bad/1.0 for $C5: PRE_BUILD exited 4" "$work/err")" 1 "a failure with another cause is separate"
}

one()
{
	start
	dkms_exits 3 "one module on one kernel" build bad/1.0 -k $K
	is "$(grep -c 'PRE_BUILD exited 3' "$work/err")" 1 "the failure is printed once"
	like "$err" '^      pkg-config: command not found' "it has lines of the log"
	like "$err" "^  log: $dkmstree/bad/1.0/build/" "it has the path of the log"
}

# Jobs that were restored from the cache, beside jobs that were built.
cached()
{
	start
	trees=("${trees[@]/--no-cache/--cache-dir=$work/cache}")
	write_script "$sourcetree/good-1.0/slow.sh" 'sleep 0.2'
	echo 'PRE_BUILD=slow.sh' >> "$sourcetree/good-1.0/dkms.conf"
	dkms_exits 0 "install on two kernels" install good/1.0 -k $K -k $K7
	like "$out" '^2 built, 2 installed in [0-9.]* s\.' "the summary has the numbers"
	dkms_exits 0 "unbuild" unbuild good/1.0 -k $K -k $K7
	dkms_exits 0 "install on three kernels" install good/1.0 -k $K -k $K7 -k $C5
	is "$(sed -n '/^  /,/^$/p' "$work/out" | sed 's/ *$//' | grep .)" "\
          4.19.0-6-amd64  4.19.0-7-amd64  5.10.0-1-cloud-amd64
good/1.0  cached          cached          built" "the table has the cached jobs"
	like "$out" '^2 cached, 1 built, 3 installed in [0-9.]* s; [0-9.]* s saved\.' "the summary has the cached jobs and the saved time"
}

several
different
one
cached
finish
