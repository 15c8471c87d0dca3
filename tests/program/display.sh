#!/bin/bash
# The display, in a terminal that tmux makes: what it shows while modules are built, in windows
# of several sizes, and that nothing of it stays. Builds wait for files, not for time.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

command -v tmux > /dev/null || skip_all "no tmux"
export TMUX_TMPDIR=$work
K7=4.19.0-7-amd64

mux() { tmux -L display -f /dev/null "$@"; }
screen() { mux capture-pane -p -t 0; }
# The same with lines that were too long for the window in one.
joined() { mux capture-pane -J -p -S - -t 0; }

# Waits until the screen, or the lines that the command prints, match.
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

# dkms in a window; its status is in $work/status when it has ended.
window() # COLUMNS LINES ARGUMENT...
{
	local size=(-x "$1" -y "$2")

	shift 2
	rm -f "$work/status" "$work/go"
	printf '%q ' "${DKMS:?}" "$@" "${trees[@]}" > "$work/command"
	mux kill-server 2>/dev/null || true
	# A line before and one after tell whether the display has left anything. The old
	# server may still be on its way out, and takes a new session with it.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		! TERM=screen mux new-session -d "${size[@]}" \
			"trap : INT; echo before; . '$work/command'; echo \$? > '$work/status'; echo after; sleep 600" \
			2> "$work/tmux" || return 0
		sleep 0.3
	done
	note "$(cat "$work/tmux")"
}

ended() { cat "$work/status" 2>/dev/null; }

# A make that waits for the file go.
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
	see '^1 module × 1 kernel · 1 job · 4 slots  .* [0-9]:[0-9][0-9]' "the first line says what there is to do"
	see '^\[-{40}\]$' "the second how far it is"
	see "^  slow/1.0  $K  make  +[0-9.]+ s\$" "then what runs, with its phase"
	mux resize-window -x 50 -y 24
	see '^1 module × 1 kernel · 1 job · 4 slots  +[0-9]:[0-9][0-9]$' "in a narrower window"
	is "$(screen | grep -c '1 module')" 1 "it is drawn once"
	mux resize-window -x 30 -y 24
	see "^  slow/1.0  $K\$" "and narrower: what is on the right goes"
	mux resize-window -x 100 -y 10
	see "^  slow/1.0  $K  make" "a wide and low one"
	is "$(screen | grep -c '1 module')" 1 "it is drawn once"
	touch "$sourcetree/slow-1.0/go"
	see 0 "it ends well" ended
	see '^after' "(it is over)"
	# tmux has moved the line before out of sight, and pictures that did not fit any more.
	is "$(screen | grep -v before | grep . | sed 's/ in .*//' | paste -sd'|')" "dkms: slow/1.0 for $K: installed, built|after" \
		"one line tells, and nothing is left"
}

failure()
{
	start
	waiting slow
	module bad 1.0 'PRE_BUILD="pre.sh"'
	script "$sourcetree/bad-1.0/pre.sh" 'echo no such thing >&2; exit 3'
	dkms add bad/1.0 > /dev/null
	window 100 30 autoinstall -k $K -k $K7 -j 4
	see '1 failed|2 failed' "a failure is counted"
	see "bad/1.0 for $K: FAILED.*PRE_BUILD" "and told at once"
	like "$(screen | grep -n -e FAILED -e 'modules ×' | tail -n 1)" 'modules ×' "above the display"
	see '2 failed' "both of them"
	is "$(screen | grep -c 'modules ×')" 1 "which is drawn once"
	touch "$sourcetree/slow-1.0/go"
	see 11 "it ends" ended
	see '^after' "(it is over)"
	is "$(screen | grep -cE '×|\[#|slots')" 0 "and nothing is left"
	like "$(screen)" "slow/1.0 +built +built" "but the table"
}

# What a compiler says of a module that fails, while others run: whole, and nothing that a terminal
# would act upon.
garbled()
{
	local columns long text

	long=$(printf 'error-%03d ' {1..30})
	for columns in 40 200; do
		start
		waiting slow
		module bad 1.0 'PRE_BUILD="pre.sh"'
		# It would clear the screen, go up, change the colors and the title of the window.
		script "$sourcetree/bad-1.0/pre.sh" \
			"printf 'bad.c:1:1: error: \\033[2J\\033[5A\\033[7m\\033]0;title\\007\\rüber $long\\n' >&2; exit 1"
		dkms add bad/1.0 > /dev/null
		window $columns 30 autoinstall -k $K -k $K7 -j 4
		see '^  slow/1.0' "$columns columns: one is running" # and so are, or were, the others
		see 'for 4.19.0-7-amd64: FAILED' "$columns columns: another has failed" joined
		see 'for 4.19.0-6-amd64: FAILED' "$columns columns: twice" joined
		like "$(screen)" '^before' "$columns columns: what was there before is there"
		is "$(screen | grep -c '^\[[#-]*\]')" 1 "$columns columns: the display is drawn once"
		is "$(screen | awk '/FAILED/ { failed = NR } /^[0-9]+ modules? ×/ { display = NR } END { print (failed < display) }')" 1 \
			"$columns columns: below what has failed"
		touch "$sourcetree/slow-1.0/go"
		see 11 "$columns columns: it ends" ended
		see '^after' "(it is over)"
		text=$(joined)
		is "$(grep -o 'error-[0-9]* ' <<< "$text " | sort -u | wc -l)" 30 "$columns columns: all of the error can be read"
		is "$(grep -c 'error-001' <<< "$text")" 1 "$columns columns: once for both kernels"
		is "$(grep -cE '^\[[#-]*\]|slots|^  slow/1.0 .* s$' <<< "$text")" 0 "$columns columns: nothing of the display is left"
		is "$(mux capture-pane -e -p -t 0 | grep -c $'\033\\[7m')" 0 "$columns columns: the colors are our own"
	done
}

interrupted()
{
	start
	waiting slow
	window 80 24 install slow/1.0 -k $K
	see "slow/1.0  $K  make" "it runs"
	mux send-keys -t 0 C-c
	see '^[0-9]' "SIGINT ends it" ended
	is "$(ended)" 130 "as a signal does"
	see '^after' "(it is over)"
	is "$(screen | grep . | sed 's/\^C//' | grep . | paste -sd'|')" "before|after" "nothing is left"
	is "$(state slow 1.0 $K)" added "nothing is published"
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
		like "$(cat "$work/typescript")" "quick/1.0 for $K: installed" "but a line"
	done
}

colors()
{
	start
	waiting slow
	module bad 1.0 'MAKE=false'
	dkms add bad/1.0 > /dev/null
	window 80 24 autoinstall -k $K -j 2
	see $'\033\\[31m1 failed' "what failed is red" mux capture-pane -e -p -t 0
	touch "$sourcetree/slow-1.0/go"
	see 11 "it ends" ended
	export NO_COLOR=1
	dkms unbuild slow/1.0 -k $K > /dev/null
	rm "$sourcetree/slow-1.0/go"
	window 80 24 autoinstall -k $K -j 2
	see "1 failed\$" "with NO_COLOR"
	is "$(mux capture-pane -e -p -t 0 | grep -c $'\033\\[3')" 0 "there are no colors"
	touch "$sourcetree/slow-1.0/go"
	see 11 "it ends" ended
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
