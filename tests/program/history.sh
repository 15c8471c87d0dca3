#!/bin/bash
# dkms history: each run that changes something adds a line, which dkms why shows, too.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
private_etc || skip_all "namespaces are not permitted here"
command -v jq > /dev/null || skip_all "jq is not installed"
history=$work/log/dkms/history.jsonl

new_machine()
{
	rm -rf "$work/log"
	echo "history=$history" > "$etc/framework.conf"
	machine
	kernel $K
	kernel $K7
	module hello 1.0
	module other 1.0
	unset SOURCE_DATE_EPOCH DPKG_MAINTSCRIPT_PACKAGE SUDO_USER DOAS_USER KERNEL_INSTALL_MACHINE_ID
}

# Prints the runs without their times and trees, one in a line.
runs()
{
	"$DKMS" history "$@" "${trees[@]}" | sed "s/^[0-9]\{4\}-[0-9-]* [0-9:]\{5\}  /WHEN /; s/ --dkmstree.*--no-cache//; s/ --dkmstree.*\(modules\| -j[0-9]*\)//"
}

# Prints the value of a jq expression of the newest run.
newest() # EXPRESSION
{
	tail -n 1 "$history" | jq -r "$1"
}

# What a package says of itself is in the messages about it.
long_messages()
{
	new_machine
	dkms add hello/1.0 > /dev/null
	printf 'DEST_MODULE_NAME="/%s"\n' "$(head -c 300000 /dev/zero | sed 's/\x0/é/g')" >> "$sourcetree/hello-1.0/dkms.conf"
	run_dkms build hello/1.0 -k $K -k $K7
	is "$(newest '.jobs | length') $(newest '.jobs[].result' | sort -u)" "2 failed" "two jobs fail"
	like "$(newest '.jobs[0].error')" 'DEST_MODULE_NAME\[0\] is "/éé.*é$' "the beginning of a long message is there"
	ok "the rest is not" test "$(stat -c %s "$history")" -lt 20000
}

writes()
{
	new_machine
	dkms_exits 0 "history of nothing" history
	is "$out$err" "" "there is nothing to print"
	dkms_exits 0 "install" install hello/1.0 -k $K
	is "$(newest .schema)" dkms-history-1 "a line is added"
	is "$(newest '.jobs[] | select(.kind == "install") | .changes | join(",")')" built,installed "it says what was done"
	is "$(newest '.command, .by, .status' | paste -sd,)" install,null,0 "and by which command"
	like "$(newest .line)" "^dkms install hello/1.0 -k $K " "the whole of it"
	like "$(newest .when)" '^20[0-9-]*T[0-9:]*Z$' "and when"
	is "$(stat -c %a "$history")" 644 "everybody can read it"
	dkms_exits 0 "install again" install hello/1.0 -k $K
	dkms_exits 0 "status" status
	dkms_exits 0 "a dry run" install other/1.0 -k $K --dry-run
	SOURCE_DATE_EPOCH=1 dkms_exits 0 "an image" add other/1.0
	is "$(wc -l < "$history")" 2 "what changes nothing adds nothing, and a file that is named gets all"
	is "$(newest .command)" add "(add)"
	echo 'history=no' > "$etc/framework.conf"
	dkms_exits 0 "history=no" uninstall hello/1.0 -k $K
	is "$(wc -l < "$history")" 2 "adds nothing"
	echo 'history=log/history.jsonl' > "$etc/framework.conf"
	cd "$work"
	dkms_exits 0 "a path that is not absolute" install hello/1.0 -k $K
	cd - > /dev/null
	is "$(wc -l < "$history") $(ls "$work/log")" "2 dkms" "is none"
	dkms_exits 0 "(uninstall)" uninstall hello/1.0 -k $K
	dkms_exits 1 "history=no: history" history
	like "$err" "the setting history in framework.conf names a file" "it says why"
	rm "$etc/framework.conf"
	dkms_exits 0 "without the setting" install hello/1.0 -k $K
	dkms_exits 1 "a private tree has no history" history
}

callers()
{
	new_machine
	SUDO_USER=anna dkms_exits 0 "sudo" add hello/1.0
	is "$(newest .by)" "sudo: anna" "the user of sudo"
	SUDO_USER=anna DPKG_MAINTSCRIPT_PACKAGE=linux-image-1 dkms_exits 0 "dpkg" autoinstall -k $K
	is "$(newest .by)" "dpkg: linux-image-1" "the package, whose script sudo has run in the end"
	KERNEL_INSTALL_MACHINE_ID=1 dkms_exits 0 "kernel-install" autoinstall -k $K7
	is "$(newest .by)" kernel-install "kernel-install"
	dkms_exits 0 "a password" unbuild hello/1.0 -k $K --remote http://joe:hunter2@127.0.0.1:9/x
	like "$(newest .line)" "--remote http://...@127.0.0.1:9/x " "stays out of it"
	SUDO_USER=$'a\nb\e[31m' dkms_exits 0 "a hostile name" remove hello/1.0 --all
	is "$(wc -l < "$history")" 5 "stays in its line"
	ok "and shows no control characters" test -z "$(runs | tr -d '\n' | tr -cd '\000-\037')"
}

shows()
{
	new_machine
	dkms install hello/1.0 -k $K > /dev/null
	printf 'hello.c:1:1: error\n' > "$sourcetree/other-1.0/hello.c"
	echo '#error no' > "$sourcetree/other-1.0/other.c"
	dkms install other/1.0 -k $K > /dev/null 2>&1 || true
	dkms remove hello/1.0 --all > /dev/null
	is "$(runs hello | grep -v WHEN)" "  hello/1.0 for $K: uninstalled, unbuilt
  hello/1.0: removed
  hello/1.0: added
  hello/1.0 for $K: built, installed" "the newest run is the first"
	like "$(runs other/1.0)" "^WHEN dkms install other/1.0 -k $K: exit [0-9]*
.*  other/1.0 for $K: FAILED: " "a failure"
	is "$(runs hello -k $K7)" "" "-k chooses"
	is "$(runs -k $K | grep -c WHEN)" 3 "(it finds)"
	is "$("$DKMS" history --json "${trees[@]}" | jq -r '.schema, (.runs | length), .runs[0].command' | paste -sd,)" \
		dkms-history-1,3,remove "--json"
	dkms install hello/1.0 -k $K > /dev/null
	like "$("$DKMS" why hello "${trees[@]}")" "last change    20[0-9-]* [0-9:]*  dkms install hello/1.0 -k $K" \
		"dkms why names the run"
	is "$("$DKMS" why hello --json "${trees[@]}" | jq -r .builds[0].run.status)" 0 "dkms why --json"
}

damage()
{
	new_machine
	dkms add hello/1.0 > /dev/null
	printf '{"torn' >> "$history"
	dkms_exits 0 "a line that was cut" add other/1.0
	is "$(runs | grep -c WHEN)" 2 "hides no other"
	printf '%s\n' '[1]' '{"jobs":[3,{"changes":"x","module":7}]}' '{"jobs":{}}' '"x"' >> "$history"
	dkms_exits 0 "lines of another kind" history
	like "$out" "dkms add hello/1.0" "do not stop it"
	dkms_exits 0 "nor why" install hello/1.0 -k $K
	head -c 1100000 /dev/zero | tr '\0' '\n' >> "$history"
	dkms_exits 0 "a long history" uninstall hello/1.0 -k $K
	is "$(wc -l < "$history")" 1 "becomes the old one"
	is "$(runs | grep -c '^WHEN')" 4 "of which nothing is lost"
	rm "$history"
	mkdir "$history"
	dkms_exits 0 "a history that cannot be written" install hello/1.0 -k $K
	like "$err" "warning: the history does not get this run: cannot write $history: " "is only a warning"
	dkms_exits 1 "and cannot be read" history
	like "$err" "cannot read $history" "which is an error"
	dkms_exits 0 "but not for why" why hello
	like "$out" "hello/1.0 for $K: installed" "which says what it knows"
	like "$err" "warning: the last change is not known: cannot read $history" "and what it does not"
	rmdir "$history"
	ln -s "$work/elsewhere" "$history"
	dkms_exits 0 "a link" uninstall hello/1.0 -k $K
	ok "is not followed" test ! -e "$work/elsewhere"
}

writes
callers
shows
damage
long_messages
finish
