#!/bin/bash
# What a package manager's output gets from dkms: signs of life, warnings before the build, and after
# a failure one line that says what to do.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Ends the build of slow that waits.
let_go()
{
	touch "$dkmstree"/slow/1.0/.job-*/build/go 2> /dev/null ||
		touch "$(find "$dkmstree/slow" -name wait.sh -path '*build*' -printf '%h\n' | head -1)/go"
}

heartbeat()
{
	machine
	kernel $K
	# The build lasts until the heartbeat has been seen: it ends when the file appears, which only the
	# test makes.
	module slow 1.0 "PRE_BUILD=wait.sh"
	write_script "$sourcetree/slow-1.0/wait.sh" \
		'i=0; while [ ! -e go ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done'
	DKMS_HEARTBEAT=0.2 dkms install slow/1.0 -k $K > "$work/out" 2> "$work/err" &
	ok "it says what is running" until_line "^dkms: after [0-9.]+ s, running: slow/1.0 for $K \(PRE_BUILD\)$" "$work/err"
	n=$(wc -l < "$work/err")
	ok "and says it again" until_lines $((n + 2)) "$work/err"
	let_go
	wait $!
	like "$(cat "$work/out")" "^dkms: slow/1.0 for $K: installed, built in [0-9.]+ s$" "standard output has the result alone"
	is "$(grep -vc running "$work/err")" 0 "standard error has nothing else"
	DKMS_HEARTBEAT=600 dkms build slow/1.0 -k $K --force > /dev/null 2> "$work/err" &
	ok "the first line comes before the interval is over" until_line "^dkms: after [2-9].* running: slow/1.0" "$work/err"
	let_go
	wait $!
	for how in DKMS_HEARTBEAT=0 "DKMS_HEARTBEAT=0.001 -q" "DKMS_HEARTBEAT=0.001 --json"; do
		option=${how#* }
		[ "$option" != "$how" ] || option=
		module quick 1.0 'PRE_BUILD=nap.sh'
		write_script "$sourcetree/quick-1.0/nap.sh" 'sleep 0.2'
		# shellcheck disable=SC2086 # there may be no option
		env "${how%% *}" "$DKMS" install quick/1.0 -k $K --force $option "${trees[@]}" > /dev/null 2> "$work/err"
		is "$(cat "$work/err")" "" "$how: it says nothing"
	done
	module late 1.0 'sleep 1'
	dkms add late/1.0 > /dev/null
	DKMS_HEARTBEAT=0.05 dkms autoinstall -k $K > "$work/out" 2> "$work/err"
	like "$(cat "$work/out")" "late/1.0 for $K: installed" "a dkms.conf that takes long to read"
	is "$(grep -c '(conf)' "$work/err")" 0 "is no job to tell of"
	dkms remove late/1.0 --all > /dev/null
	module other 1.0 'PRE_BUILD=nap.sh'
	write_script "$sourcetree/other-1.0/nap.sh" 'sleep 0.5'
	dkms add other/1.0 > /dev/null
	kernel $K7
	dkms uninstall quick/1.0 -k $K > /dev/null
	DKMS_HEARTBEAT=0.1 dkms autoinstall -k $K -k $K7 -j4 > /dev/null 2> "$work/err"
	ok "several jobs are counted" grep -qE "^dkms: [0-9] of [45] jobs done after [0-9.]+ s; running: .* \([a-zA-Z_-]+\)( and [0-9] more)?$" "$work/err"
}

until_lines() # NUMBER FILE
{
	local i

	for ((i = 0; i < 300; i++)); do
		[ "$(wc -l < "$2")" -lt "$1" ] || return 0
		sleep 0.1
	done
	return 1
}

warning_first()
{
	machine
	kernel $K
	module one 1.0
	module two 1.0
	mkdir "$work/no-bwrap"
	write_script "$work/no-bwrap/bwrap" 'exit 1'
	PATH=$work/no-bwrap:$PATH dkms install one/1.0 -k $K > "$work/both" 2>&1
	is "$(sed 's/: bubblewrap.*//; s/built in.*/built/' "$work/both")" "dkms: warning: no sandbox
dkms: one/1.0: added
dkms: one/1.0 for $K: installed, built" "the warning comes before the build, once"
}

next_step()
{
	machine
	kernel $K
	kernel $K7
	add wifi 5.8
	dkms install wifi/5.8 -k $K > /dev/null
	echo '#error "no such thing"' >> "$sourcetree/wifi-5.8/wifi.c"
	run_dkms install wifi/5.8 -k $K7
	is "$(grep -c 'Ways out' <<< "$err")" 0 "a person who types it gets no such line"
	run_dkms install wifi/5.8 -k $K7 --as-hook
	is "$(tail -1 <<< "$err")" "dkms: wifi/5.8 does not build for $K7. Ways out: keep booting $K; install a newer version of wifi; dkms skip wifi -k $K7" \
		"a package's script gets one line at the end"
	module wifi 5.9
	DPKG_MAINTSCRIPT_NAME=postinst run_dkms kernel_postinst -k $K7 --directive=AUTOINSTALL=yes
	is "$(tail -1 <<< "$err")" "dkms: wifi/5.8 does not build for $K7. Ways out: keep booting $K; dkms install wifi/5.9 -k $K7; dkms skip wifi -k $K7. After that: dpkg --configure -a" \
		"under dpkg, with a newer source"
	rm -r "$sourcetree/wifi-5.9"
	add bad 1.0
	echo '#error "no such thing"' >> "$sourcetree/bad-1.0/bad.c"
	run_dkms kernel_postinst -k $K7
	is "$(tail -1 <<< "$err")" "dkms: bad/1.0 for $K7 and 1 more have failed. Ways out: install a newer version of bad; dkms skip bad -k $K7" \
		"several failures"
	rm "$installtree/$K7/build"
	run_dkms kernel_postinst -k $K7
	is "$(grep -c 'Ways out' <<< "$err")" 0 "missing headers have a remedy of their own"
	dkms_exits 0 "with the first way out" skip bad --all
	dkms_exits 0 "and for the other" skip wifi -k $K7
	dkms_exits 0 "the hook succeeds" kernel_postinst -k $K7
	is "$err" "" "and says nothing"
}

compiler_warnings()
{
	machine
	kernel $K
	module loud 1.0 "MAKE=\"echo m.c:1:2: warning: x; echo y: warning: no; echo n.c:3: warning: z; make -C \$kernel_source_dir M=\$dkms_tree/loud/1.0/build\""
	run_dkms build loud/1.0 -k $K
	like "$out" "^dkms: loud/1.0 for $K: built in [0-9.]+ s, 2 warnings: $dkmstree/loud/1.0/$K/$arch/log/make.log$" "warnings of compilers are counted, and the log is named"
	run_dkms build loud/1.0 -k $K --force --json
	is "$(jq '.jobs[-1].compiler_warnings' <<< "$out")" 2 "--json"
	sed -i 's/echo m.c.*z; //' "$sourcetree/loud-1.0/dkms.conf"
	run_dkms build loud/1.0 -k $K --force
	like "$out" "^dkms: loud/1.0 for $K: built in [0-9.]+ s$" "a build without warnings"
}

private_etc || skip_all "namespaces are not permitted here"
heartbeat
warning_first
next_step
compiler_warnings
finish
