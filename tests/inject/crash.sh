#!/bin/bash
# The machine crashes in the middle of dkms, and the disk has lost what was not written by fsync(2) or
# syncfs(2): see crash.py. After that
#
# - dkms status and the cache can be read,
# - no module that counts as built or is in the kernel's tree is empty,
# - the same command completes; then everything is as if there had been no crash, but for empty directories
#   and small temporary files, which later commands remove.
#
# With --all, the machine crashes after each change to the file system, and loses different things. With
# --only, it crashes once, as a line of an earlier report says: "line LINE of N, MODE, seed SEED".
#
# What is lost depends on DKMS_TEST_SEED, which is 1 if it is not set, so that a test that has passed passes
# again; DKMS_TEST_SEED=$RANDOM tries other states.
#
#	tests/inject/crash.sh [--all | --only LINE MODE SEED] [SCENARIO...]
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/inject/lib.sh
. "$top_srcdir/tests/inject/lib.sh"
command -v python3 > /dev/null || skip_all "python3 is not installed"

modes=(all none random)
cuts=12 # in each scenario
only=()
if [ "${1:-}" = --all ]; then
	cuts=100000
	shift
elif [ "${1:-}" = --only ]; then
	only=("$2" "$3" "$4")
	shift 4
fi
scenarios=(add load install reinstall replace uninstall remove autoinstall restore store)
[ $# -eq 0 ] || scenarios=("$@")
more=()
lossy=1 # the record has neither what scripts do, nor are logs written to disk

found() # TEXT
{
	printf '%s: line %s of %s, %s, seed %s: %s\n    after: %s\n' "${command[*]::2}" "$cut" "$lines" \
		"$mode" "$seed" "$1" "$(sed -n "${cut}p" "$machine.record" | cut -c 1-300 |
		sed "s,$machine/,,g; s/[0-9a-f]\{60,\}/.../")" >> "$findings"
	[ -z "${KEEP:-}" ] || sed 's/^/    | /' "$machine.out" >> "$findings"
}

empty_modules()
{
	find "$dkmstree" "$installtree" -name '.?*' -prune -o -name '*.ko*' ! -name '*.origin' -type f -empty -print
}

try() # CUT MODE SEED
{
	local cut=$1 mode=$2 seed=$3 left different

	rm -rf "$machine"
	python3 "$top_srcdir/tests/inject/crash.py" "$machine.record" "$machine" "$machine.before" \
		"$machine" "$cut" "$mode" "$seed" > "$machine.out" 2>&1 ||
		{ found "crash.py: $(tail -n 3 "$machine.out")"; return; }
	"$DKMS" status "${trees[@]}" > "$machine.out" 2>&1 || found "status: $(cat "$machine.out")"
	left=$(empty_modules)
	[ -z "$left" ] || found "empty: $left"
	run_again
	different=$(more_than_directories)
	[ "$status" -eq 0 ] || [ -z "$different" ] || found "again: exit $status: $(head -n 3 "$machine.again")"
	[ -z "$different" ] || found "again: not the same: $(head -n 5 <<< "$different")"
	left=$(empty_modules; leftovers | grep -v '[.][0-9]*-[0-9]*$\|^./cache/v1/tmp/') || true
	[ -z "$left" ] || found "again: left: $left"
	case " ${trees[*]} " in
	*" --cache-dir "*)
		"$DKMS" cache stats "${trees[@]}" > "$machine.out" 2>&1 || found "cache: $(cat "$machine.out")"
		"$DKMS" unbuild hello/1.0 -k $K "${trees[@]}" > "$machine.out" 2>&1 || found "unbuild: $(cat "$machine.out")"
		run_again
		different=$(more_than_directories)
		[ -z "$different" ] ||
			found "built or restored once more: exit $status, not the same: $(head -n 5 <<< "$different")" ;;
	esac
}

each_cut() # SCENARIO
{
	local lines n cut step

	RANDOM=$DKMS_TEST_SEED
	scenario "$1"
	rm -f "$machine.record"
	inject INJECT_RECORD="$machine.record"
	done=$(picture)
	lines=$(python3 "$top_srcdir/tests/inject/crash.py" "$machine.record" / / / 0 - 0)
	echo "$lines" > "$findings.lines"
	if [ ${#only[@]} -gt 0 ]; then
		cut=${only[0]}
		try "${only[@]}"
		return
	fi
	step=$((lines / cuts + 1))
	for ((cut = 1 + RANDOM % step, n = 0; cut <= lines; cut += step, n++)); do
		if [ $step -eq 1 ]; then
			try $cut all 0
			try $cut none 0
		fi
		try $cut "${modes[n % 3]}" $RANDOM
	done
}

report_cuts() # SCENARIO
{
	local lines

	lines=$(cat "$work/findings.$1.lines" 2> /dev/null || echo 0)
	is "$(cat "$work/findings.$1")" "" "$1: the machine crashes ($lines changes)"
	ok "$1: there are changes" test "$lines" -gt 10
}

: "${DKMS_TEST_SEED:=1}"
note "DKMS_TEST_SEED=$DKMS_TEST_SEED"
halve_scenarios
in_two_machines each_cut report_cuts half0 half1
finish
