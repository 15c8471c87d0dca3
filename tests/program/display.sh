#!/bin/bash
# The live display in a terminal of tmux: what it shows while modules are built, in windows of
# several sizes, and that it is removed at the end. Builds wait for files, not for time.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

command -v tmux > /dev/null || skip_all "no tmux"
export TMUX_TMPDIR=$work
K7=4.19.0-7-amd64

mux() { tmux -L display -f /dev/null "$@"; }
screen() { mux capture-pane -p -t 0; }
# Prints the screen with wrapped lines joined.
joined() { mux capture-pane -J -p -S - -t 0; }

# Waits until the screen, or the output of a command, matches.
see() # EXTENDED-REGEX DESCRIPTION [COMMAND...]
{
	local regex=$1 description=$2 i

	shift 2
	for ((i = 0; i < 300; i++)); do
		if "${@:-screen}" | grep -qE -- "$regex"; then
			report 0 "$description"
			return
		fi
		sleep 0.1
	done
	report 1 "$description"
	note "wanted a match of: $regex"
	note "$(screen)"
}

# Runs dkms in a window. When it ends, its status is in $work/status.
window() # COLUMNS LINES ARGUMENT...
{
	local size=(-x "$1" -y "$2")

	shift 2
	rm -f "$work/status" "$work/go"
	printf '%q ' "${DKMS:?}" "$@" "${trees[@]}" > "$work/command"
	mux kill-server 2>/dev/null || true
	# Lines before and after the output show whether the display was removed. The old server may
	# still be ending, and would end a new session with it.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		! TERM=screen mux new-session -d "${size[@]}" \
			"trap : INT; echo before; . '$work/command'; echo \$? > '$work/status'; echo after; sleep 600" \
			2> "$work/tmux" || return 0
		sleep 0.3
	done
	note "$(cat "$work/tmux")"
}

ended() { cat "$work/status" 2>/dev/null; }

# Writes a make command that waits for the file "go".
waiting()
{
	module "$1" 1.0 "MAKE=\"while [ ! -e '$sourcetree/slow-1.0/go' ]; do sleep 0.05; done; make -C \$kernel_source_dir M=\$dkms_tree/$1/1.0/build\"" "${@:2}"
	dkms add "$1/1.0" > /dev/null
}

start()
{
	machine
	kernel $K
	kernel $K7
}

unset NO_COLOR DPKG_MAINTSCRIPT_NAME
export LC_ALL=C.UTF-8

one_kernel()
{
	start
	waiting slow
	window 90 24 install slow/1.0 -k $K -j 4
	see '^1 module × 1 kernel · 1 job · 4 slots  .* [0-9]:[0-9][0-9]' "the first line has the numbers of modules, kernels and jobs"
	see '^\[-{40}\]$' "the second line has the progress"
	see "^  slow/1.0  $K  make  +[0-9.]+ s\$" "the third line has the running job and its phase"
	mux resize-window -x 50 -y 24
	see '^1 module × 1 kernel( · 1 job)?( · 4 slots)?  +[0-9]:[0-9][0-9]$|^1 module × 1 kernel( · 1 job)?  +[0-9]:[0-9][0-9], about [0-9:]+ left$' "a narrower window"
	is "$(screen | grep -c '1 module')" 1 "the display is drawn once"
	mux resize-window -x 30 -y 24
	see "^  slow/1.0  $K\$" "a very narrow window has no phase"
	mux resize-window -x 100 -y 10
	see "^  slow/1.0  $K  make" "a wide and low window"
	is "$(screen | grep -c '1 module')" 1 "the display is drawn once in it"
	touch "$sourcetree/slow-1.0/go"
	see 0 "dkms succeeds" ended
	see '^after' "(dkms has ended)"
	# tmux has scrolled the line before and old frames off the screen.
	is "$(screen | grep -v before | grep . | sed 's/ in .*//' | paste -sd'|')" "dkms: slow/1.0 for $K: installed, built|after" \
		"one line is left of the run"
}

failure()
{
	start
	waiting slow
	module bad 1.0 'PRE_BUILD="pre.sh"'
	write_script "$sourcetree/bad-1.0/pre.sh" 'echo no such thing >&2; exit 3'
	dkms add bad/1.0 > /dev/null
	window 100 30 autoinstall -k $K -k $K7 -j 4
	see '1 failed|2 failed' "the display counts a failure"
	see "bad/1.0 for $K: FAILED.*PRE_BUILD" "the failure is printed at once"
	like "$(screen | grep -n -e FAILED -e 'modules ×' | tail -n 1)" 'modules ×' "it is printed above the display"
	see '2 failed' "both failures are counted"
	is "$(screen | grep -c 'modules ×')" 1 "the display is drawn once"
	touch "$sourcetree/slow-1.0/go"
	see 11 "dkms fails" ended
	see '^after' "(dkms has ended)"
	is "$(screen | grep -cE '×|\[#|slots')" 0 "the display is removed"
	like "$(screen)" "slow/1.0 +built +built" "the table stays"
}

# The compiler's errors of a module, while other modules are built: they are complete, and have no
# control characters of the terminal.
garbled()
{
	local columns long text

	long=$(printf 'error-%03d ' {1..30})
	for columns in 40 200; do
		start
		waiting slow
		module bad 1.0 'PRE_BUILD="pre.sh"'
		# These would clear the screen, move the cursor, and change colors and title.
		write_script "$sourcetree/bad-1.0/pre.sh" \
			"printf 'bad.c:1:1: error: \\033[2J\\033[5A\\033[7m\\033]0;title\\007\\rüber $long\\n' >&2; exit 1"
		dkms add bad/1.0 > /dev/null
		window $columns 30 autoinstall -k $K -k $K7 -j 4
		see '^  slow/1.0' "$columns columns: a job is running" # other jobs run or have ended
		see 'for 4.19.0-7-amd64: FAILED' "$columns columns: a job has failed" joined
		see 'for 4.19.0-6-amd64: FAILED' "$columns columns: a second job has failed" joined
		like "$(screen)" '^before' "$columns columns: the line before is still there"
		is "$(screen | grep -c '^\[[#-]*\]')" 1 "$columns columns: the display is drawn once"
		is "$(screen | awk '/FAILED/ { failed = NR } /^\[[#-]*\]/ { display = NR } END { print (failed < display) }')" 1 \
			"$columns columns: below what has failed"
		touch "$sourcetree/slow-1.0/go"
		see 11 "$columns columns: dkms fails" ended
		see '^after' "(dkms has ended)"
		text=$(joined)
		is "$(grep -o 'error-[0-9]* ' <<< "$text " | sort -u | wc -l)" 30 "$columns columns: the error is complete"
		is "$(grep -c 'error-030' <<< "$text")" 1 "$columns columns: it is printed once for both kernels"
		is "$(grep -cE '^\[[#-]*\]|slots|^  slow/1.0 .* s$' <<< "$text")" 0 "$columns columns: the display is removed"
		is "$(mux capture-pane -e -p -t 0 | grep -c $'\033\\[7m')" 0 "$columns columns: the error cannot change colors"
	done
}

interrupted()
{
	start
	waiting slow
	window 80 24 install slow/1.0 -k $K
	see "slow/1.0  $K  make" "dkms runs"
	mux send-keys -t 0 C-c
	see '^[0-9]' "SIGINT ends dkms" ended
	is "$(ended)" 130 "the status is that of the signal"
	see '^after' "(dkms has ended)"
	is "$(screen | grep . | sed 's/\^C//' | grep . | paste -sd'|')" "before|Interrupted: 1 stopped. The same command goes on from here.|after" "the display is removed, and a line says what was stopped"
	is "$(state slow 1.0 $K)" added "no module is published"
}

plain()
{
	start
	module quick 1.0
	dkms add quick/1.0 > /dev/null
	printf '%q ' "${DKMS:?}" install quick/1.0 -k $K --force "${trees[@]}" > "$work/command"
	for setting in TERM=dumb DPKG_MAINTSCRIPT_NAME=postinst; do
		env TERM=screen "$setting" script -qec "sh '$work/command'" "$work/typescript" > /dev/null < /dev/null
		is "$(grep -c $'\033' "$work/typescript")" 0 "$setting: there is no display"
		like "$(cat "$work/typescript")" "quick/1.0 for $K: installed" "$setting: there is a plain line"
	done
}

colors()
{
	start
	waiting slow
	module bad 1.0 'MAKE=false'
	dkms add bad/1.0 > /dev/null
	window 80 24 autoinstall -k $K -j 2
	see $'\033\\[31m1 failed' "the number of failures is red" mux capture-pane -e -p -t 0
	touch "$sourcetree/slow-1.0/go"
	see 11 "dkms fails" ended
	export NO_COLOR=1
	dkms unbuild slow/1.0 -k $K > /dev/null
	rm "$sourcetree/slow-1.0/go"
	window 80 24 autoinstall -k $K -j 2
	see "1 failed\$" "with NO_COLOR"
	is "$(mux capture-pane -e -p -t 0 | grep -c $'\033\\[3')" 0 "NO_COLOR: there are no colors"
	touch "$sourcetree/slow-1.0/go"
	see 11 "dkms fails with NO_COLOR" ended
	unset NO_COLOR
}

one_kernel
failure
garbled
interrupted
plain
colors
mux kill-server 2>/dev/null || true
finish
