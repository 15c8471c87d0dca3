#!/bin/bash
# Input that is wrong and builds that fail: each gets a clear error, with the status of the contract,
# and leaves the trees as they were.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# A dkms.conf that does not end is tried beside all the rest, since the limit is seconds. So is
# one that says more than anybody would read.
start_endless_confs()
{
	local name

	machine
	kernel $K
	module endless 1.0 'while sleep 1; do :; done'
	module loud 1.0 'yes "dkms: all is well" >&2'
	endless_machine=$machine
	for name in endless loud; do
		( status=0
		dkms add $name/1.0 > "$work/$name.out" 2>&1 || status=$?
		echo $status > "$work/$name.status" ) &
	done
}

finish_endless_confs()
{
	local name

	wait
	for name in endless loud; do
		is "$(cat "$work/$name.status")" 8 "compat 4: a dkms.conf that does not end: $name"
		like "$(cat "$work/$name.out")" "$endless_machine/usr/src/$name-1.0/dkms.conf.* 10 s" \
			"names the file and the limit"
	done
	ok "and not all that it said" test "$(wc -c < "$work/loud.out")" -lt 10000
	is "$(ls "$endless_machine/var/lib/dkms")" "" "nothing was added"
}

headers()
{
	machine
	mkdir -p "$installtree/$K/kernel"
	module hello 1.0
	dkms_exits 21 "compat 9: no kernel headers" build hello/1.0 -k $K
	like "$err" "^dkms: no kernel headers for $K in $installtree/$K/build$" "what is missing and where"
	case $dest in
	updates/dkms) like "$err" "^      (apt install linux-headers-$K|pacman .*)$" "the remedy" ;;
	extra) like "$err" "^      dnf install kernel-devel-$K$" "the remedy" ;;
	esac
	is "$(printf '%s\n' "$err" | wc -l)" 2 "and nothing else"
	is "$(state hello 1.0)" added "it stays added"
	dkms_exits 21 "a kernel that is not there at all" install hello/1.0 -k 9.9.9
	mkdir "$installtree/$K/build"
	dkms_exits 21 "compat 1: headers without include/" install hello/1.0 -k $K
	dkms_exits 21 "two kernels without" build hello/1.0 -k $K -k $K7
	like "$err" "headers for $K7 " "each is named"
}

confs()
{
	machine
	kernel $K
	module leaves 1.0 'exit 3'
	dkms_exits 8 "compat 4: exit in a dkms.conf" add leaves/1.0
	like "$err" "$sourcetree/leaves-1.0/dkms.conf: line 5: exit 3" "file and line are named"
	module wrong 1.0 'if [ 1 = 1 ]; then' 'fi fi'
	dkms_exits 8 "compat 4: a syntax error in a dkms.conf" add wrong/1.0
	like "$err" "$sourcetree/wrong-1.0/dkms.conf: line 6: syntax error" "file and line are named"
	module nothing 1.0
	: > "$sourcetree/nothing-1.0/dkms.conf"
	dkms_exits 8 "an empty dkms.conf" add nothing/1.0
	like "$err" "PACKAGE_NAME is not set" "is told"
	module binary 1.0
	head -c 4096 /dev/urandom > "$sourcetree/binary-1.0/dkms.conf"
	try add binary/1.0
	is "$status" 8 "a dkms.conf of random bytes"
	is "$(ls "$dkmstree")" "" "none of these was added"
	module prints 1.0 'head -c 3G /dev/zero'
	dkms_exits 0 "compat 4: a dkms.conf that prints gigabytes" add prints/1.0
	is "$err$out" "dkms: prints/1.0: added" "compat 4: which are dropped"
}

failing_makes()
{
	local build

	machine
	kernel $K
	kernel $K7
	module hello 1.0 'PRE_BUILD=pre.sh'
	script "$sourcetree/hello-1.0/pre.sh" 'echo for $kernelver' \
		'[ -z "$FAIL" ] || echo "#error \"no $FAIL here\"" >> hello.c'
	build=$dkmstree/hello/1.0/build
	export FAIL=device
	dkms_exits 10 "compat 9: make fails" install hello/1.0 -k $K
	like "$err" "hello/1.0 for $K: FAILED: make exited 2" "it says what failed"
	like "$err" 'hello.c:3:2: error: #error "no device here"' "the line that tells why"
	like "$err" "log: $build/$K-$arch/make.log" "and where the log is"
	like "$(cat "$build/$K-$arch/make.log")" "no device here" "that is the log"
	is "$(readlink -f "$build/make.log")" "$build/$K-$arch/make.log" "build/make.log is the latest"
	is "$(ls -A "$build" "$build/$K-$arch")" \
		"$(printf '%s\n' "$build:" $K-$arch make.log "" "$build/$K-$arch:" make.log)" "only the log is kept"
	is "$(state hello 1.0 $K)" added "it stays added"
	dkms_exits 10 "two kernels fail" build hello/1.0 -k $K -k $K7
	is "$(ls -A "$build")" "$(printf '%s\n' $K-$arch $K7-$arch make.log)" "there is a log for each"
	like "$(cat "$build/$K-$arch/make.log")" "^for $K$" "its own"
	like "$(cat "$build/$K7-$arch/make.log")" "^for $K7$" "its own"
	dkms_exits 10 "fails again" build hello/1.0 -k $K
	is "$(readlink -f "$build/make.log")" "$build/$K-$arch/make.log" "build/make.log is the latest"
	export FAIL=
	dkms_exits 0 "the next success" build hello/1.0 -k $K
	is "$(ls -A -I make.log "$build")" "$K7-$arch" "removes that kernel's log only"
	ok "build/make.log leads to one that is there, or is not" test ! -L "$build/make.log" -o -e "$build/make.log"
	dkms_exits 0 "the other, too" build hello/1.0 -k $K7
	is "$(ls -A "$build")" "" "leaves none"
	whole "all is in order"

	export FAIL=memory
	dkms_exits 10 "--keep-build" build hello/1.0 -k $K --force --keep-build
	is "$(ls -I '*.s' "$build/$K-$arch")" "$(printf '%s\n' Makefile dkms.conf hello.c make.log pre.sh)" \
		"keeps the directory"
	like "$(cat "$build/$K-$arch/hello.c")" "no memory here" "as it was"
	is "$(state hello 1.0 $K)" built "what was built before stays"
	export FAIL=
	dkms_exits 0 "the next success" build hello/1.0 -k $K --force
	is "$(ls -A "$build")" "" "removes that, too"
	unset FAIL
	module lost 1.0 'BUILT_MODULE_NAME=elsewhere'
	dkms_exits 7 "compat 9: a module missing after make" build lost/1.0 -k $K
	like "$err" "elsewhere.ko" "it is named"
	like "$err" "log: $dkmstree/lost/1.0/build/$K-$arch/make.log" "and the log"
	module long 1.0 'PRE_BUILD=pre.sh'
	script "$sourcetree/long-1.0/pre.sh" "head -c 20000000 /dev/zero | tr '\\0' x | fold -w 200" \
		'printf "error: \033]0;title\007 \302\233 red\033[31m\n"; mkdir make.log; exit 1'
	dkms_exits 1 "a log of 20 MB, with control characters" build long/1.0 -k $K --keep-build
	like "$err" 'error: \?\]0;title\? \?\? red\?\[31m$' "its error is shown, without those"
	ok "the log is kept, even where the module has made a directory" \
		grep -q title "$dkmstree/long/1.0/build/$K-$arch/make.log"
	dkms_exits 0 "(removed)" remove long/1.0
	dkms_exits 0 "removing what has failed" remove lost/1.0
	is "$(ls "$dkmstree")" hello "takes its logs with it"
}

# The last try ended in one of these ways, and not by a bug; else $wrong is told.
expect() # WHAT STATUS...
{
	local what=$1

	shift
	case " $* " in
	*" $status "*) ;;
	*) wrong+="$what: $status $err"$'\n' ;;
	esac
	case $err in
	*Sanitizer*|*'runtime error'*) wrong+="$what: $err"$'\n' ;;
	esac
}

names()
{
	local name listing

	machine
	kernel $K
	module hello 1.0
	dkms add hello/1.0 > /dev/null
	before=$(snapshot "$machine")
	listing=$(ls -A "$dkmstree" "$dkmstree/hello")
	long=$(printf 'x%.0s' {1..300})
	for name in ../hello .hello / . .. $'new\nline' $'tab\tstop' "$long" "with space" --all \
		'a;touch x' '$(touch x)' '*'; do
		wrong=
		for action in add build install remove unbuild uninstall; do
			try "$action" -m "${name%%/*}" -v "$name" -k $K
			expect "$action of it as a name" 1 2 3
			try "$action" -m hello -v "$name" -k $K
			expect "$action of it as a version" 1 2 3
		done
		for action in build install unbuild uninstall; do
			try $action hello/1.0 -k "$name"
			expect "$action for it as a kernel" 0 16 21
			try $action hello/1.0 -k 9.9.9 -a "$name"
			expect "$action for it as an architecture" 0 12 21
		done
		try autoinstall -k "$name"
		expect "autoinstall for it as a kernel" 0 16 21
		is "$wrong" "" "what is called '${name:0:20}'"
		is "$(ls -A "$dkmstree" "$dkmstree/hello")" "$listing" "nothing was made of it"
	done
	for name in ../../x . .. "$long" $'new\nline'; do
		dkms_exits 16 "a kernel called '${name:0:20}'" build hello/1.0 -k "$name"
		dkms_exits 12 "an architecture called '${name:0:20}'" build hello/1.0 -k $K -a "$name"
	done
	for name in x/../y x/y/z x/..; do
		dkms_exits 12 "a kernel and architecture called '$name'" build hello/1.0 -k "$name"
	done
	is "$(snapshot "$machine")" "$before" "nothing was made of any name"

	# Unusual, but names.
	for name in -dash under_score plus+plus tilde~ UPPER 2nd with.dot "comma,"; do
		module "./$name" 1.0 "PACKAGE_NAME='$name'" "BUILT_MODULE_NAME=mod"
		sources "$sourcetree/$name-1.0" 1.0 mod
		dkms_exits 0 "a module called '$name'" install -m "$name" -v 1.0 -k $K
		is "$(state "$name" 1.0 $K)" installed "it is installed"
		dkms_exits 0 "and removed" remove -m "$name" -v 1.0 --all
	done
	for name in -1~rc+1 0~20220829+git; do
		module hello "$name"
		dkms_exits 0 "a version called '$name'" install -m hello -v "$name" -k $K
		is "$(state hello "$name" $K)" installed "it is installed"
		dkms uninstall -m hello -v "$name" -k $K > /dev/null
	done
	dkms_exits 0 "the same kernel twice" build hello/1.0 -k $K -k $K
	is "$(printf '%s\n' "$out" | grep -c built)" 1 "is built once"
	dkms_exits 0 "the same module twice" build hello/1.0 hello/1.0 -k $K --force
	is "$(printf '%s\n' "$out" | grep -c built)" 1 "is built once"
}

start_endless_confs
headers
confs
failing_makes
names
finish_endless_confs
finish
