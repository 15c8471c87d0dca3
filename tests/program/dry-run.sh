#!/bin/bash
# --dry-run, --explain, --fail-fast and --timeout, on kernels of the fixture.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

add() # NAME [LINE...]
{
	module "$1" 1.0 "${@:2}"
	dkms add "$1/1.0" > /dev/null
}

# Checks the exit status of a dry run, and that it changes nothing.
dry_exits() # STATUS DESCRIPTION ARGUMENT...
{
	local before

	before=$(snapshot "$machine")
	dkms_exits "$@" --dry-run
	is "$(snapshot "$machine")" "$before" "a dry run changes nothing"
}

plan()
{
	machine
	kernel $K
	add base
	add user 'BUILD_DEPENDS=base'
	add late 'BUILD_EXCLUSIVE_KERNEL_MIN=5.10'
	add manual 'AUTOINSTALL=no'
	add ready
	dkms install ready/1.0 -k $K > /dev/null
	dry_exits 0 "autoinstall --dry-run" autoinstall -k $K
	is "$(sort "$work/out")" "\
base/1.0 for $K: build, install
late/1.0 for $K: excluded
user/1.0 for $K: build, install" "it prints what would be done"
	dry_exits 0 "autoinstall --dry-run --explain" autoinstall -k $K --explain
	is "$(sort "$work/out" | sed 's/late\(.*\) (.*/late\1 (...)/')" "\
base/1.0 for $K: build, install (not built for this kernel)
late/1.0 for $K: excluded (...)
manual/1.0 for $K: nothing, AUTOINSTALL is not yes
ready/1.0 for $K: nothing, installed
user/1.0 for $K: build, install (not built for this kernel; after base)" "it prints the reasons as well"
	dry_exits 0 "install --dry-run" install ready/1.0 -k $K --explain
	is "$out" "ready/1.0 for $K: nothing, installed" "an installed version needs nothing"
	dry_exits 0 "with --force" install ready/1.0 -k $K --explain --force
	is "$out" "ready/1.0 for $K: install (--force)" "--force installs it again"
	dry_exits 0 "remove --dry-run" remove ready/1.0 -k $K
	is "$out" "ready/1.0 for $K: uninstall, unbuild
ready/1.0: remove from the dkms tree, unless it is built for other kernels" "it prints what would be removed"
	dry_exits 13 "a missing dependency" build user/1.0 -k $K
	like "$err" "user/1.0 for $K: FAILED: .*needs base" "the error names the dependency"
	module new 1.0
	dry_exits 0 "install --dry-run of a version that is not added" install new/1.0 -k $K
	is "$out" "new/1.0: add" "it would be added"
	dkms_exits 2 "a command without --dry-run" mktarball ready/1.0 --dry-run
}

# Dry runs with a cache.
cached()
{
	machine
	trees=("${trees[@]/--no-cache/--cache-dir=$work/cache}")
	kernel $K
	kernel $K7
	add one
	dry_exits 0 "an empty cache" autoinstall -k $K --explain
	is "$out" "one/1.0 for $K: build, install (not built for this kernel; not in the cache)" "a miss is printed"
	dkms install one/1.0 -k $K > /dev/null
	dkms unbuild one/1.0 -k $K > /dev/null
	dry_exits 0 "a module in the cache" autoinstall -k $K --explain
	is "$out" "one/1.0 for $K: restore, install (not built for this kernel; in the cache)" "it would be restored"
	dry_exits 0 "without --explain" autoinstall -k $K
	is "$out" "one/1.0 for $K: build, install" "the cache is not read then"
	dry_exits 0 "with --force" build one/1.0 -k $K --explain --force
	is "$out" "one/1.0 for $K: build (not built for this kernel)" "the cache is not read then either"
	echo '// more' >> "$sourcetree/one-1.0/one.c"
	dry_exits 0 "a source that has changed" build one/1.0 -k $K --explain
	is "$out" "one/1.0 for $K: build (not built for this kernel; not in the cache: source of one/1.0 $K $arch differs)" "the changed source is named"
	dry_exits 0 "another kernel" build one/1.0 -k $K7 --explain
	like "$out" "; not in the cache: .*kernel.*source.* of one/1.0 $K $arch differ\\)\$" "the other kernel is named"
}

explain()
{
	machine
	kernel $K
	add one
	dkms_exits 0 "install --explain" install one/1.0 -k $K --explain
	is "$(head -n 1 "$work/out")" "dkms: one/1.0 for $K: build, install (not built for this kernel)" "the plan is printed before"
	like "$(tail -n 1 "$work/out")" "installed, built in" "the result is printed after"
	is "$(wc -l < "$work/out")" 2 "each is printed once"
}

fail_fast()
{
	machine
	kernel $K
	add a1 'MAKE=false'
	add b2
	add c3
	dkms_exits 11 "autoinstall --fail-fast" autoinstall -k $K -j 1 --fail-fast
	is "$(state b2 1.0 $K) $(state c3 1.0 $K)" "added added" "no job starts after a failure"
	is "$(grep -c FAILED "$work/err")" 1 "there is only one failure"
	like "$out" "1 failed, 2 not started" "the summary has the jobs that were not started"
	dkms_exits 11 "autoinstall without --fail-fast" autoinstall -k $K -j 1
	is "$(state b2 1.0 $K) $(state c3 1.0 $K)" "installed installed" "the other jobs are done"
	kernel $K7
	dkms_exits 10 "build --fail-fast" build a1/1.0 -k $K -k $K7 -j 1 --fail-fast
}

timeout_option()
{
	machine
	kernel $K
	add slow 'MAKE="sleep 1000"'
	dkms_exits 10 "build --timeout 1" build slow/1.0 -k $K --timeout 1
	like "$err" "ran longer than 1 s" "the error names the time limit"
	is "$(leftover_processes)" "" "no process is left"
	dkms_exits 2 "a bad time" build slow/1.0 -k $K --timeout soon
}

plan
cached
explain
fail_fast
timeout_option
finish
