#!/bin/bash
# Failures last: status on a terminal and in JSON, and dkms log.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Runs dkms on a terminal of its own, with the given pager; $out is what the terminal gets.
on_terminal() # PAGER ARGUMENT...
{
	local pager=$1

	shift
	printf '%q ' "${DKMS:?}" "$@" "${trees[@]}" > "$work/command"
	out=$(TERM=dumb PAGER=$pager script -qec ". '$work/command'" /dev/null < /dev/null | tr -d '\r')
}

failures()
{
	machine
	kernel $K
	kernel $K7
	module good 1.0
	module wifi 5.8 "MAKE=\"for i in 1 2 3 4 5; do echo line \$i; done; echo \$dkms_tree/wifi/5.8/build/wifi.c:12:9: error: too few arguments; echo \$dkms_tree/wifi/5.8/build/gone.c: x; echo \$'\\e[31mred'; exit 3\""
	module early 1.0 PRE_BUILD=pre.sh
	write_script "$sourcetree/early-1.0/pre.sh" 'echo pkg-config not found; exit 4'
	for m in good/1.0 wifi/5.8 early/1.0; do
		dkms add $m > /dev/null
	done
	dkms install good/1.0 -k $K > /dev/null
	run_dkms log
	is "$status $out" "1 " "log: nothing has failed"
	like "$err" "no build has failed" "it says so"
	run_dkms install wifi/5.8 -k $K
	run_dkms install early/1.0 -k $K7
}

status()
{
	local before after

	before=$(printf '%s\n' "early/1.0: added" "good/1.0, $K, x86_64: installed" "wifi/5.8: added")
	run_dkms status
	is "$out$err" "$before" "status in a pipe has the lines that it always had"
	run_dkms status --verbose
	after=$(sed 's/just now/ago/; s/[0-9]* min ago/ago/' <<< "$out")
	is "$after" "early/1.0: added
early/1.0, $K7, $arch: added (build failed ago: dkms log early/1.0 -k $K7)
good/1.0, $K, $arch: installed
wifi/5.8: added
wifi/5.8, $K, $arch: added (build failed ago: dkms log wifi/5.8 -k $K)" "--verbose also names failed builds"
	on_terminal cat status wifi
	like "$out" "^wifi/5.8, $K, $arch: added \(build failed .*: dkms log wifi/5.8 -k $K\)$" "and so does status on a terminal"
	run_dkms status --verbose -k $K7 wifi
	is "$out" "wifi/5.8: added" "-k selects the kernel of a failure"
	run_dkms status --json
	is "$(jq -r '.modules[] | select(.name != "good") | .last_failure | "\(.kernel) \(.phase) \(.exit_status) \(.error | split("\n")[0]) \(.log)"' <<< "$out")" \
		"$K7 PRE_BUILD 4 pkg-config not found $dkmstree/early/1.0/build/$K7-$arch/make.log
$K make 3 wifi.c:12:9: error: too few arguments $dkmstree/wifi/5.8/build/$K-$arch/make.log" "--json has the phase, the status, the first error and the log"
	is "$(jq -r '.modules[] | select(.name == "good") | .last_failure' <<< "$out")" null "a version that has not failed has null"
	like "$(jq -r '.modules[] | select(.name == "wifi") | .last_failure.when' <<< "$out")" \
		'^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$' "when is a time"
}

logs()
{
	local log=$dkmstree/wifi/5.8/build/$K-$arch/make.log

	run_dkms log wifi
	is "$status" 0 "log of a module"
	like "$out" "^$sourcetree/wifi-5.8/wifi.c:12:9: error" "the path of a source is the one outside of the sandbox"
	like "$out" "wifi/5.8/build/gone.c: x" "a path of a file that is not there stays"
	like "$out" '^\?\[31mred' "control characters are not printed"
	is "$(wc -l <<< "$out")" "$(wc -l < "$log")" "a pipe gets all lines of the log and no others"
	touch -d '1 hour ago' "$log"
	run_dkms log
	like "$out" "make.log for early/1.0, kernel $K7" "without a module: the newest failure of all"
	like "$out" "^# failed in PRE_BUILD: PRE_BUILD exited 4" "the log says in which phase the build failed"
	run_dkms log -k $K
	like "$out" "make.log for wifi/5.8, kernel $K" "with -k: the newest failure for this kernel"
	run_dkms log good
	like "$out" "make.log for good/1.0" "a module that is built: the log of its build"
	run_dkms log good/2.0
	is "$status $out" "1 " "a version without a log"
	like "$err" "good/2.0 has no log in $dkmstree" "the error names it"
	run_dkms log wifi --json
	is "$(jq -r '"\(.schema) \(.module) \(.version) \(.kernel) \(.failed) \(.phase) \(.exit_status) \(.error)"' <<< "$out")" \
		"dkms-log-1 wifi 5.8 $K true make 3 wifi.c:12:9: error: too few arguments" "--json"
	is "$(sed -n "$(jq .error_line <<< "$out")p" "$log" | grep -c 'error: too few')" 1 "error_line is the number of the line in the log"
	is "$(jq .lines <<< "$out")" "$(wc -l < "$log")" "lines is the number of lines"
	run_dkms log good --json
	is "$(jq -r '"\(.failed) \(.error) \(.error_line)"' <<< "$out")" "false null null" "--json of a build that has not failed"
}

on_a_terminal()
{
	write_script "$work/pager" "echo pager; cat"
	on_terminal "$work/pager" log wifi
	is "$(head -1 <<< "$out")" pager "on a terminal: the pager of the user"
	like "$out" "^wifi/5.8 for $K: make exited 3 \(20" "it begins with how the build ended"
	like "$out" $'\e\\[1;31m'".*wifi.c:12:9: error" "errors have a color"
	NO_COLOR=1 on_terminal "$work/pager" log wifi
	is "$(grep -c $'\e' <<< "$out")" 0 "NO_COLOR: no colors"
	on_terminal "false" log wifi
	is "$(grep -c wifi.c <<< "$out")" 0 "a pager that ends at once does no harm"
	# What the default pager is told: the line a little before the first error.
	mkdir "$work/pagers"
	write_script "$work/pagers/less" "echo \"less \$* \$LESS secure=\$LESSSECURE\"; cat"
	unset PAGER LESS LESSSECURE
	printf '%q ' "$DKMS" log wifi "${trees[@]}" > "$work/command"
	out=$(PATH=$work/pagers:$PATH SUDO_UID=1000 script -qec ". '$work/command'" /dev/null < /dev/null | tr -d '\r')
	like "$(head -1 <<< "$out")" '^less \+[0-9]+ FRX secure=1$' "less begins at the first error, and gives nobody a shell by sudo"
	line=$(sed -n 's/^less +\([0-9]*\) .*/\1/p' <<< "$out")
	is "$(tail -n +2 <<< "$out" | sed -n "$((line + 3))p" | grep -c 'error: too few')" 1 "the error is three lines below"
}

later()
{
	sed -i 's/^MAKE=.*//' "$sourcetree/wifi-5.8/dkms.conf"
	dkms install wifi/5.8 -k $K > /dev/null
	run_dkms status --verbose wifi
	is "$out" "wifi/5.8, $K, $arch: installed" "a build that succeeds ends the failure"
	echo 'MAKE="exit 5"' >> "$sourcetree/wifi-5.8/dkms.conf"
	run_dkms build wifi/5.8 -k $K --force
	run_dkms status --verbose wifi
	like "$out" "^wifi/5.8, $K, $arch: installed \(stale: its source has changed\) \(build failed just now: dkms log wifi/5.8 -k $K\)$" "an installed version that could not be built again"
	rm -r "${installtree:?}/$K7"
	run_dkms status --verbose early
	is "$out" "early/1.0: added" "failures for a kernel that is gone are not shown"
	# What a hostile build or another dkms may have left there.
	mkdir -p "$dkmstree/wifi/5.8/build/$K-x/make.log" "$dkmstree/wifi/5.8/build/.hidden-$arch" "$dkmstree/wifi/5.8/build/none"
	ln -s /etc/shadow "$dkmstree/wifi/5.8/build/none/make.log"
	mkdir "$dkmstree/wifi/5.8/build/$K-y"
	ln -s /etc/shadow "$dkmstree/wifi/5.8/build/$K-y/make.log"
	run_dkms status --verbose wifi
	is "$(wc -l <<< "$out")" 1 "links and directories are no logs"
}

failures
status
logs
on_a_terminal
later
finish
