#!/bin/bash
# Each system call of dkms that opens, changes, lists or closes files, or starts a process, fails once,
# in each of some commands. After that
#
# - dkms has not crashed and does not hang,
# - it exits 0 only if its work is done,
# - no temporary file is left, unless the call that failed was to remove it,
# - the same command completes, and leaves no temporary file at all.
#
# The errors take turns, and of calls with the same callers in dkms only the first one fails. With
# --all, each call fails with each error, calls that only look at files (stat, read) fail as well, and
# in further runs all calls from a certain one on.
#
#	tests/inject/faults.sh [--all] [SCENARIO...]
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/inject/lib.sh
. "$top_srcdir/tests/inject/lib.sh"

# A module comes from a remote cache, and one goes there. Without the cache it is built all the same.
remote_scenarios()
{
	if [ -z "$private" ] || [ "$(id -u)" -ne 0 ] || ! command -v python3 > /dev/null; then
		return
	fi
	# shellcheck source=tests/lib/servers.sh
	. "$top_srcdir/tests/lib/servers.sh"
	fault_server
	(cd "$work" && "$DKMS" remote keygen build1 > /dev/null)
	scenarios+=(fetch push)
}
remote_scenarios

declare -A errors=([EIO]=5 [ENOSPC]=28 [EMFILE]=24 [EROFS]=30)
names=(EIO ENOSPC EMFILE EROFS)
all=
if [ "${1:-}" = --all ]; then
	all=yes
	shift
fi
[ $# -eq 0 ] || scenarios=("$@")
more=()

# Adds a line to the findings.
found() # TEXT
{
	printf '%s: call %s %s %s: %s\n    by %s\n' "${command[*]::2}" "$n" \
		"$(head -n 1 "$machine.hit" | cut -d ' ' -f 1,3- | sed 's, 0x.*,,' | sed "s,$machine/,,g")" "$name$sticky" \
		"$1" "$(callers)" >> "$findings"
	[ -z "${KEEP:-}" ] || sed 's/^/    | /' "$machine.out" >> "$findings"
}

# Whether the call that was hit is one that removes files.
was_removal()
{
	grep -qE '^(unlink|rmdir|opendir|openat2|getdents64) ' "$machine.hit"
}

# Whether the call that was hit should have removed an empty directory, and only that is different.
is_empty_dir()
{
	grep -q '^rmdir ' "$machine.hit" && [ -z "$(more_than_directories)" ]
}

# A script that cannot be started counts as one that has failed, which is only a warning. Does what it
# would have done.
do_without_script()
{
	local name

	grep -q 'script could not be started' "$machine.out" || return 0
	for name in added installed removed; do
		[[ $done != *"./$name "* ]] || touch "$machine/$name"
	done
}

# A problem with signing is told, and does not change the exit status: that is dkms's contract.
is_unsigned() { grep -q " not signed: " "$machine.out"; }

# Judges the run that has just ended.
judge()
{
	local first=$status left

	do_without_script
	case $first in
	124|137) found "hangs" ;;
	99|13[0-9]|14[0-9]) found "crashes: $first: $(grep -m 1 -E 'ERROR|runtime' "$machine.out")" ;;
	0) [ "$(picture)" = "$done" ] || is_empty_dir || is_unsigned || found "exit 0, but: $(picture | diff <(echo "$done") - | grep '^[<>]' | head -n 5)" ;;
	esac
	left=$(leftovers | grep -v '/[.]depmod-\|/[.]unfinished-' || true)
	[ -z "$left" ] || was_removal || [ -n "$sticky" ] || found "left: $left"
	run_again
	[ "$status" -eq 0 ] || [ "$first" -eq 0 ] ||
		found "first $first: $(head -n 2 "$machine.out"); again: exit $status: $(head -n 3 "$machine.again")"
	[ "$(picture)" = "$done" ] || is_empty_dir || is_unsigned ||
		found "$first $(head -n 2 "$machine.out"); again: not the same: $(picture | diff <(echo "$done") - | grep '^[<>]' | head -n 5)"
	left=$(leftovers)
	! grep -q cache/v1/tmp/ "$machine.hit" || left=$(grep -v '^./cache/v1/tmp/' <<< "$left" || true)
	[ -z "$left" ] || found "again: left: $left"
}

# Tries one call.
try() # NUMBER ERROR STICKY
{
	local n=$1 name=$2 sticky=${3:-}

	restore_machine
	inject INJECT_AT="$n" INJECT_ERROR="${errors[$name]}" ${all:+INJECT_LOOKS=1} \
		${sites:+INJECT_SITES="$sites"} ${sticky:+INJECT_STICKY=1}
	[ -s "$machine.hit" ] || return 1
	head -n 1 "$machine.hit" | cut -d ' ' -f 2 >> "$machine.new"
	judge
}

# Tries each call of a scenario. Calls that have failed in an earlier scenario of the same machine need
# not fail again, so that perhaps none is left. $reached says whether a call can be made to fail at all.
each_call() # SCENARIO
{
	local n name reached=no sites=

	[ -n "$all" ] || sites=$machine.sites
	: >> "$machine.sites"
	: > "$machine.new"
	scenario "$1"
	run_again
	done=$(picture)
	restore_machine
	inject INJECT_AT=1 INJECT_ERROR="${errors[EIO]}"
	[ ! -s "$machine.hit" ] || reached=yes
	for ((n = 1; n < 5000; n++)); do
		if [ -n "$all" ]; then
			for name in "${names[@]}"; do
				try $n "$name" || break 2
			done
			[ $((n % 5)) -ne 0 ] || try $n "${names[n / 5 % 4]}" yes || break
		else
			try $n "${names[n % 4]}" || break
		fi
	done
	cat "$machine.new" >> "$machine.sites"
	echo $((n - 1)) $reached > "$findings.calls"
}

report_calls() # SCENARIO
{
	local calls reached

	read -r calls reached < "$work/findings.$1.calls" || true
	is "$(cat "$work/findings.$1")" "" "$1: each of its calls fails ($calls)"
	is "$reached" yes "$1: its calls can be made to fail"
}

builds=()
others=()
for one in "${scenarios[@]}"; do
	case $one in
	add|load|uninstall|remove|mkdeb|skip|fetch|push) others+=("$one") ;;
	*) builds+=("$one") ;;
	esac
done
in_two_machines each_call report_calls builds others
finish
