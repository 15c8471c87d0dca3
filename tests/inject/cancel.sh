#!/bin/bash
# SIGINT, SIGTERM and SIGKILL arrive in each state of a job (builder/state-machine.c), at the event that
# begins it. After that
#
# - the exit status is that of the signal, unless the work was done already,
# - no temporary file is left after SIGINT and SIGTERM,
# - the same command completes; then everything is as if there had been no signal, including what
#   the scripts POST_ADD, POST_INSTALL and POST_REMOVE have done.
#
# With --all, the signals arrive at each system call of dkms instead.
#
#	tests/inject/cancel.sh [--all] [SCENARIO...]
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/inject/lib.sh
. "$top_srcdir/tests/inject/lib.sh"

# States that have no event, or that need another distribution, another process, real headers or a server.
elsewhere='look|ask|probe|keep probes|check|wait|link|check objects|weak-modules|devices|modprobe|report'
moments=INJECT_EVENT
if [ "${1:-}" = --all ]; then
	moments=INJECT_AT
	shift
fi
scenarios=(add load full sign remove restore mkdeb broken)
[ $# -eq 0 ] || scenarios=("$@")

# Adds a line to the findings.
found() # TEXT
{
	printf '%s, SIG%s at %s %s (%s): %s\n' "${command[*]::2}" "$signal" "$moments" "$n" "$phase" \
		"$1" >> "$findings"
	[ -z "${KEEP:-}" ] || sed 's/^/    | /' "$machine.out" >> "$findings"
}

# The state that had begun when the signal arrived: at the event n, or at the last event that was written.
current_phase() # N
{
	local line=\$

	[ $moments != INJECT_EVENT ] || line=$1
	sed -n "${line}p" "$machine.events" |
		sed -nE 's/.*"event":"phase".*"phase":"([^"]*)".*/\1/p; t; s/.*"event":"([^"]*)".*/\1/p'
}

# The mark that depmod has failed, which the scenario "broken" leaves, is no leftover.
left_over()
{
	leftovers | grep -vE "^./var/lib/dkms/[.]depmod-${broken:-$}" || true
}

try() # NUMBER SIGNAL
{
	local n=$1 signal=$2 first left phase finished

	restore_machine
	more=(--events "$machine.events")
	inject $moments="$n" INJECT_SIGNAL="$(kill -l "$signal")"
	[ -s "$machine.hit" ] || return 1
	phase=$(current_phase "$n")
	echo "$phase $signal" >> "$findings.phases"
	first=$status
	case $first in
	0|$((128 + $(kill -l "$signal")))) ;;
	124) found "hangs" ;;
	*) [ "$first" = "$expected" ] || found "exit $first: $(head -n 3 "$machine.out")" ;;
	esac
	left=$(left_over)
	[ -z "$left" ] || [ "$signal" = KILL ] || found "left: $left"
	[ "$(picture)" = "$done" ] && finished=yes || finished=
	run_again
	[ "$status" -eq "$expected" ] || [ "$first" -eq 0 ] || [ -n "$finished" ] ||
		found "again: exit $status: $(head -n 3 "$machine.again")"
	[ "$(picture)" = "$done" ] ||
		found "again: not the same: $(picture | diff <(echo "$done") - | grep '^[<>]' | head -n 5)"
	left=$(left_over)
	[ -z "$left" ] || found "again: left: $left"
}

each_moment() # SCENARIO
{
	local n signal

	broken=
	[ "$1" != broken ] || broken=$K
	scenario "$1"
	run_again
	expected=$status
	done=$(picture)
	for ((n = 1; n < 5000; n++)); do
		for signal in INT TERM KILL; do
			try $n $signal || break 2
		done
	done
}

report_signals() # SCENARIO
{
	is "$(cat "$work/findings.$1")" "" \
		"$1: a signal at each moment ($(wc -l < "$work/findings.$1.phases") signals)"
}

halve_scenarios
in_two_machines each_moment report_signals half0 half1
[ $# -eq 0 ] || finish
mapfile -t states < <(sed -nE 's/.*\[JOB_[A-Z_]*\] = "(.*)",/\1/p' "$top_srcdir/builder/job/job.c" |
	awk '/^look$/ { on = 1 } on && !seen[$0]++ { print } /^report$/ { exit }' | grep -vxE "$elsewhere")
for signal in INT TERM KILL; do
	missed=
	for state in "${states[@]}"; do
		cat "$work"/findings.*.phases | grep -qxF "$state $signal" || missed+=" $state"
	done
	is "$missed" "" "SIG$signal has arrived in each of ${#states[@]} states"
done
finish
