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

# A dry run ends with the status, and changes nothing.
dry_exits() # STATUS DESCRIPTION ARGUMENT...
{
	local before

	before=$(snapshot "$machine")
	dkms_exits "$@" --dry-run
	is "$(snapshot "$machine")" "$before" "changes nothing"
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
user/1.0 for $K: build, install" "prints what would be done"
	dry_exits 0 "autoinstall --dry-run --explain" autoinstall -k $K --explain
	is "$(sort "$work/out" | sed 's/late\(.*\) (.*/late\1 (...)/')" "\
base/1.0 for $K: build, install (not built for this kernel)
late/1.0 for $K: excluded (...)
manual/1.0 for $K: nothing, AUTOINSTALL is not yes
ready/1.0 for $K: nothing, installed
user/1.0 for $K: build, install (not built for this kernel; after base)" "and why"
	dry_exits 0 "install --dry-run" install ready/1.0 -k $K --explain
	is "$out" "ready/1.0 for $K: nothing, installed" "of what is done"
	dry_exits 0 "with --force" install ready/1.0 -k $K --explain --force
	is "$out" "ready/1.0 for $K: install (--force)" "it is done again"
	dry_exits 0 "remove --dry-run" remove ready/1.0 -k $K
	is "$out" "ready/1.0 for $K: uninstall, unbuild
ready/1.0: remove from the dkms tree, unless it is built for other kernels" "takes nothing away"
	dry_exits 13 "a dependency that is not there" build user/1.0 -k $K
	like "$err" "user/1.0 for $K: FAILED: .*needs base" "is found out"
	module new 1.0
	dry_exits 0 "of a version that is not added" install new/1.0 -k $K
	is "$out" "new/1.0: add" "it is adding"
	dkms_exits 2 "of a command that cannot" mktarball ready/1.0 --dry-run
}

# What the cache would be asked for.
cached()
{
	machine
	trees=("${trees[@]/--no-cache/--cache-dir=$work/cache}")
	kernel $K
	kernel $K7
	add one
	dry_exits 0 "an empty cache" autoinstall -k $K --explain
	is "$out" "one/1.0 for $K: build, install (not built for this kernel; not in the cache)" "is told"
	dkms install one/1.0 -k $K > /dev/null
	dkms unbuild one/1.0 -k $K > /dev/null
	dry_exits 0 "what is in the cache" autoinstall -k $K --explain
	is "$out" "one/1.0 for $K: restore, install (not built for this kernel; in the cache)" "would be taken from there"
	dry_exits 0 "without --explain" autoinstall -k $K
	is "$out" "one/1.0 for $K: build, install" "nobody looks"
	dry_exits 0 "with --force" build one/1.0 -k $K --explain --force
	is "$out" "one/1.0 for $K: build (not built for this kernel)" "nobody does either"
	echo '// more' >> "$sourcetree/one-1.0/one.c"
	dry_exits 0 "a source that has changed" build one/1.0 -k $K --explain
	is "$out" "one/1.0 for $K: build (not built for this kernel; not in the cache: source of one/1.0 $K $arch differs)" "is named"
	dry_exits 0 "another kernel" build one/1.0 -k $K7 --explain
	like "$out" "; not in the cache: .*kernel.*source.* of one/1.0 $K $arch differ\\)\$" "is, too"
}

explain()
{
	machine
	kernel $K
	add one
	dkms_exits 0 "install --explain" install one/1.0 -k $K --explain
	is "$(head -n 1 "$work/out")" "dkms: one/1.0 for $K: build, install (not built for this kernel)" "tells before"
	like "$(tail -n 1 "$work/out")" "installed, built in" "and after"
	is "$(wc -l < "$work/out")" 2 "once each"
}

fail_fast()
{
	machine
	kernel $K
	add a1 'MAKE=false'
	add b2
	add c3
	dkms_exits 11 "autoinstall --fail-fast" autoinstall -k $K -j 1 --fail-fast
	is "$(state b2 1.0 $K) $(state c3 1.0 $K)" "added added" "begins nothing after a failure"
	is "$(grep -c FAILED "$work/err")" 1 "which is the only one"
	like "$out" "1 failed, 2 not started" "the sums tell"
	dkms_exits 11 "without it" autoinstall -k $K -j 1
	is "$(state b2 1.0 $K) $(state c3 1.0 $K)" "installed installed" "the others are done"
	kernel $K7
	dkms_exits 10 "build --fail-fast" build a1/1.0 -k $K -k $K7 -j 1 --fail-fast
}

timeout_option()
{
	machine
	kernel $K
	add slow 'MAKE="sleep 1000"'
	dkms_exits 10 "build --timeout 1" build slow/1.0 -k $K --timeout 1
	like "$err" "ran longer than 1 s" "says why"
	is "$(others)" "" "nothing is left running"
	dkms_exits 2 "a time that is none" build slow/1.0 -k $K --timeout soon
}

plan
cached
explain
fail_fast
timeout_option
finish
