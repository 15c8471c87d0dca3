#!/bin/bash
# Bad input and builds that fail: each has a clear error with the exit status of the contract, and
# leaves the trees unchanged.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Starts dkms add for a dkms.conf that does not end and for one that prints without end. They run
# beside the other tests, since the time limit is 10 s.
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
			"the error names the file and the limit"
	done
	ok "the output of the dkms.conf is shortened" test "$(wc -c < "$work/loud.out")" -lt 10000
	is "$(ls "$endless_machine/var/lib/dkms")" "" "no version was added"
}

headers()
{
	machine
	mkdir -p "$installtree/$K/kernel"
	module hello 1.0
	dkms_exits 21 "compat 9: no kernel headers" build hello/1.0 -k $K
	like "$err" "^dkms: no kernel headers for $K in $installtree/$K/build$" "the error names the missing headers"
	case $dest in
	updates/dkms) like "$err" "^      (apt install linux-headers-$K|pacman .*)$" "the remedy" ;;
	extra) like "$err" "^      dnf install kernel-devel-$K$" "the remedy" ;;
	esac
	is "$(printf '%s\n' "$err" | wc -l)" 2 "the error has no other lines"
	is "$(state hello 1.0)" added "the version is still added"
	dkms_exits 21 "a kernel that does not exist" install hello/1.0 -k 9.9.9
	mkdir "$installtree/$K/build"
	dkms_exits 21 "compat 1: headers without include/" install hello/1.0 -k $K
	dkms_exits 21 "two kernels without headers" build hello/1.0 -k $K -k $K7
	like "$err" "headers for $K7 " "the second kernel is named as well"
}

confs()
{
	machine
	kernel $K
	module leaves 1.0 'exit 3'
	dkms_exits 8 "compat 4: exit in a dkms.conf" add leaves/1.0
	like "$err" "$sourcetree/leaves-1.0/dkms.conf: line 5: exit 3" "the error names file and line"
	module wrong 1.0 'if [ 1 = 1 ]; then' 'fi fi'
	dkms_exits 8 "compat 4: a syntax error in a dkms.conf" add wrong/1.0
	like "$err" "$sourcetree/wrong-1.0/dkms.conf: line 6: syntax error" "the error names file and line of a syntax error"
	module nothing 1.0
	: > "$sourcetree/nothing-1.0/dkms.conf"
	dkms_exits 8 "an empty dkms.conf" add nothing/1.0
	like "$err" "PACKAGE_NAME is not set" "the error says that PACKAGE_NAME is missing"
	module binary 1.0
	head -c 4096 /dev/urandom > "$sourcetree/binary-1.0/dkms.conf"
	run_dkms add binary/1.0
	is "$status" 8 "a dkms.conf of random bytes"
	is "$(ls "$dkmstree")" "" "none of these versions was added"
	module prints 1.0 'head -c 3G /dev/zero'
	dkms_exits 0 "compat 4: a dkms.conf that prints gigabytes" add prints/1.0
	is "$err$out" "dkms: prints/1.0: added" "compat 4: its output is dropped"
}

failing_makes()
{
	local build

	machine
	kernel $K
	kernel $K7
	module hello 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/hello-1.0/pre.sh" 'echo for $kernelver' \
		'[ -z "$KBUILD_FAIL" ] || echo "#error \"no $KBUILD_FAIL here\"" >> hello.c'
	build=$dkmstree/hello/1.0/build
	export KBUILD_FAIL=device
	dkms_exits 10 "compat 9: make fails" install hello/1.0 -k $K
	like "$err" "hello/1.0 for $K: FAILED: make exited 2" "the error names module and kernel"
	like "$err" 'hello.c:3:2: error: #error "no device here"' "the error has the compiler's error"
	like "$err" "log: $build/$K-$arch/make.log" "the error has the path of the log"
	like "$(cat "$build/$K-$arch/make.log")" "no device here" "the log has the output of make"
	is "$(readlink -f "$build/make.log")" "$build/$K-$arch/make.log" "build/make.log links to the log"
	is "$(ls -A "$build" "$build/$K-$arch")" \
		"$(printf '%s\n' "$build:" $K-$arch make.log "" "$build/$K-$arch:" make.log)" "only the log is kept"
	is "$(state hello 1.0 $K)" added "the version is still added"
	dkms_exits 10 "two kernels fail" build hello/1.0 -k $K -k $K7
	is "$(ls -A "$build")" "$(printf '%s\n' $K-$arch $K7-$arch make.log)" "there is a log for each kernel"
	like "$(cat "$build/$K-$arch/make.log")" "^for $K$" "the log of the first kernel"
	like "$(cat "$build/$K7-$arch/make.log")" "^for $K7$" "the log of the second kernel"
	dkms_exits 10 "the build fails again" build hello/1.0 -k $K
	is "$(readlink -f "$build/make.log")" "$build/$K-$arch/make.log" "build/make.log links to the latest log"
	export KBUILD_FAIL=
	dkms_exits 0 "the next build succeeds" build hello/1.0 -k $K
	is "$(ls -A -I make.log "$build")" "$K7-$arch" "a success removes the log of that kernel only"
	ok "build/make.log does not lead nowhere" test ! -L "$build/make.log" -o -e "$build/make.log"
	dkms_exits 0 "a build for the other kernel succeeds" build hello/1.0 -k $K7
	is "$(ls -A "$build")" "" "no log is left"
	check_trees "the trees are consistent after failures"

	export KBUILD_FAIL=memory
	dkms_exits 10 "--keep-build" build hello/1.0 -k $K --force --keep-build
	is "$(ls -I '*.s' "$build/$K-$arch")" "$(printf '%s\n' Makefile dkms.conf hello.c make.log pre.sh)" \
		"the build directory is kept"
	like "$(cat "$build/$K-$arch/hello.c")" "no memory here" "the kept build directory is unchanged"
	is "$(state hello 1.0 $K)" built "the version that was built before is kept"
	export KBUILD_FAIL=
	dkms_exits 0 "the next build succeeds after --keep-build" build hello/1.0 -k $K --force
	is "$(ls -A "$build")" "" "it removes the kept build directory"
	unset KBUILD_FAIL
	module lost 1.0 'BUILT_MODULE_NAME=elsewhere'
	dkms_exits 7 "compat 9: a module missing after make" build lost/1.0 -k $K
	like "$err" "elsewhere.ko" "the error names the missing module"
	like "$err" "log: $dkmstree/lost/1.0/build/$K-$arch/make.log" "the error has the path of the log"
	module long 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/long-1.0/pre.sh" "head -c 20000000 /dev/zero | tr '\\0' x | fold -w 200" \
		'printf "error: \033]0;title\007 \302\233 red\033[31m \342\200\256turned\n"; mkdir make.log; exit 1'
	dkms_exits 1 "a log of 20 MB, with control characters" build long/1.0 -k $K --keep-build
	like "$err" 'error: \?\]0;title\? \?\? red\?\[31m \?\?\?turned$' "the error is shown without control characters"
	ok "the log is kept, even where the module has made a directory" \
		grep -q title "$dkmstree/long/1.0/build/$K-$arch/make.log"
	dkms_exits 0 "(remove the module with the long log)" remove long/1.0
	dkms_exits 0 "a version that failed can be removed" remove lost/1.0
	is "$(ls "$dkmstree")" hello "its logs are removed as well"
}

# Checks that the exit status is one of STATUS and that no sanitizer has complained. Otherwise adds
# the case to $wrong.
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
			run_dkms "$action" -m "${name%%/*}" -v "$name" -k $K
			expect "$action of it as a name" 1 2 3
			run_dkms "$action" -m hello -v "$name" -k $K
			expect "$action of it as a version" 1 2 3
		done
		for action in build install unbuild uninstall; do
			run_dkms $action hello/1.0 -k "$name"
			expect "$action for it as a kernel" 0 16 21
			run_dkms $action hello/1.0 -k 9.9.9 -a "$name"
			expect "$action for it as an architecture" 0 12 21
		done
		run_dkms autoinstall -k "$name"
		expect "autoinstall for it as a kernel" 0 16 21
		is "$wrong" "" "what is called '${name:0:20}'"
		is "$(ls -A "$dkmstree" "$dkmstree/hello")" "$listing" "no file was made for it"
	done
	for name in ../../x . .. "$long" $'new\nline'; do
		dkms_exits 16 "a kernel called '${name:0:20}'" build hello/1.0 -k "$name"
		dkms_exits 12 "an architecture called '${name:0:20}'" build hello/1.0 -k $K -a "$name"
	done
	for name in x/../y x/y/z x/..; do
		dkms_exits 12 "a kernel and architecture called '$name'" build hello/1.0 -k "$name"
	done
	is "$(snapshot "$machine")" "$before" "no file was made for any name"

	# Unusual names that are valid.
	for name in -dash under_score plus+plus tilde~ UPPER 2nd with.dot "comma,"; do
		module "./$name" 1.0 "PACKAGE_NAME='$name'" "BUILT_MODULE_NAME=mod"
		write_sources "$sourcetree/$name-1.0" 1.0 mod
		dkms_exits 0 "a module called '$name'" install -m "$name" -v 1.0 -k $K
		is "$(state "$name" 1.0 $K)" installed "it is installed"
		dkms_exits 0 "a module called '$name' can be removed" remove -m "$name" -v 1.0 --all
	done
	for name in -1~rc+1 0~20220829+git; do
		module hello "$name"
		dkms_exits 0 "a version called '$name'" install -m hello -v "$name" -k $K
		is "$(state hello "$name" $K)" installed "it is installed"
		dkms uninstall -m hello -v "$name" -k $K > /dev/null
	done
	dkms_exits 0 "the same kernel twice" build hello/1.0 -k $K -k $K
	is "$(printf '%s\n' "$out" | grep -c built)" 1 "a kernel that is named twice is built once"
	dkms_exits 0 "the same module twice" build hello/1.0 hello/1.0 -k $K --force
	is "$(printf '%s\n' "$out" | grep -c built)" 1 "a module that is named twice is built once"
}

# What a kernel says of itself decides how a module is built and whether it is. A file that cannot
# be read does not count as one that is missing.
unreadable_headers()
{
	local file headers

	for file in include/config/auto.conf .kernelvariables include/generated/compile.h; do
		machine
		kernel $K
		module hello 1.0
		headers=$machine/usr/src/linux-headers-$K
		: >> "$headers/$file"
		cp "$headers/$file" "$work/saved"
		truncate -s 100M "$headers/$file"
		dkms_exits 1 "a file of the headers that cannot be read: $file" install hello/1.0 -k $K
		like "$err" "cannot read $installtree/$K/build/$file: File too large" "the error names the file"
		is "$(state hello 1.0 $K)" added "nothing is built: $file"
		cp "$work/saved" "$headers/$file"
		dkms_exits 0 "the module is built once $file can be read" install hello/1.0 -k $K
	done
	machine
	kernel $K
	truncate -s 100M "$machine/usr/src/linux-headers-$K/include/config/auto.conf"
	module choosy 1.0 'BUILD_EXCLUSIVE_CONFIG=CONFIG_NOTHING'
	dkms_exits 8 "BUILD_EXCLUSIVE_CONFIG, and no configuration can be read" install choosy/1.0 -k $K
	like "$err" "choosy-1.0/dkms.conf: BUILD_EXCLUSIVE_CONFIG is CONFIG_NOTHING, and dkms cannot read .*/auto.conf" \
		"the error names both files"
}

start_endless_confs
headers
confs
failing_makes
names
unreadable_headers
finish_endless_confs
finish
