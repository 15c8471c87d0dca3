#!/bin/bash
# What a package makes dkms read and print: links to files in /proc that never end, endless lines, control
# characters, complaints that should make the administrator open something. And what a build leaves running
# where there are no namespaces.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Makes the package m with a script before the build.
package() # LINE OF THE SCRIPT...
{
	machine
	kernel $K
	module m 1.0 PRE_BUILD=pre.sh
	write_script "$sourcetree/m-1.0/pre.sh" "$@"
}

# Builds m, for at most a minute, and sets $status and $err.
build()
{
	status=0
	timeout -s KILL 60 "$DKMS" build m/1.0 -k $K --force "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" || status=$?
	err=$(cat "$work/err")
}

# shellcheck disable=SC2317 # "ok" calls it
refused() { ! "$@" 2>/dev/null; }

has_users() { [ -n "$private" ] && setpriv --reuid=65534 --clear-groups true 2>/dev/null; }

# pagemap says that it is empty and has 256 GiB.
endless_files()
{
	package true
	trees=("${trees[@]/--no-cache/--cache-dir=$machine/cache}")
	ln -s /proc/self/pagemap "$sourcetree/m-1.0/data"
	build
	is "$status" 0 "a source with a link to an endless file is built"
	rm "$sourcetree/m-1.0/data"
	write_script "$sourcetree/m-1.0/pre.sh" 'ln -s /proc/self/pagemap data'
	build
	is "$status" 0 "so is one that makes such a link"
}

endless_lines()
{
	package "printf 'error: '; head -c 5M /dev/zero | tr '\\0' x; exit 3"
	build
	is "$status" 3 "an error message of 5 MB: the build has failed"
	ok "the beginning of the message is shown" test "$(wc -c < "$work/err")" -lt 2000
	like "$err" "error: x{100}.*x\.\.\." "and that it goes on"
	write_script "$sourcetree/m-1.0/pre.sh" "yes ab | head -c 12M; exit 3"
	build
	is "$(sed '1d; $d' "$work/err")" "$(printf '      %s\n' ab ab ab)" "of four million lines, the last three are shown"
}

# A dkms.conf that warns of nothing many times: dkms compares and prints each warning.
endless_warnings()
{
	machine
	module m 1.0 'seq 160000 >&2'
	status=0
	timeout -s KILL 60 "$DKMS" add m/1.0 "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" || status=$?
	is "$status" 0 "a dkms.conf that writes 160,000 lines to standard error is added"
	is "$(wc -l < "$work/err")" 17 "some of the lines are shown"
	like "$(tail -n 1 "$work/err")" "written 159984 more lines$" "and the number of the others"
	module n 1.0 "printf '%0100000d' 0 >&2"
	run_dkms add n/1.0
	is "$status" 0 "a dkms.conf that writes a long line is added"
	is "${err: -13}" "0000000000..." "the beginning of the line is shown"
	ok "and not much of it" test "${#err}" -lt 1100
}

# A file name with control characters, in the advice and in the message that it comes from.
controls()
{
	local name=$'x\033[2J' place

	package 'exit 3'
	place=/home/kit/lib
	[ -n "$private" ] || { skip "needs namespaces" "control characters"; return; }
	mkdir -p /home && mount -t tmpfs home /home
	mkdir -p $place
	touch "$place/$name"
	write_script "$sourcetree/m-1.0/pre.sh" "printf 'cat: %s/x\\033[2J: No such file or directory\\n' $place; exit 3"
	build
	like "$err" "builds do not see $place/x\?\[2J; sandbox_paths=\"$place\"" "the advice has no control characters"
	is "$(tr -d '\n\t[:print:]' < "$work/err")" "" "nor has anything else that is printed"
	umount /home
	module named 1.0
	ln -s "/etc/$name" "$sourcetree/named-1.0/$name"
	dkms add named/1.0 > /dev/null
	run_dkms mktarball named/1.0 --source-only
	like "$err" "warning: named/1.0: x\?\[2J leads out of the source, to /etc/x\?\[2J" "a warning has no control characters"
	is "$(tr -d '\n\t[:print:]' < "$work/err")" "" "nor has anything else that is printed with it"
}

# Builds complain about what only root may read, and about their own files.
complaints()
{
	local path

	has_users || { skip "needs several users" "complaints"; return; }
	package 'exit 3'
	mount -t tmpfs -o mode=0755 home /home
	mkdir -p /home/joe/.ssh /home/joe/open
	touch /home/joe/.ssh/config /home/joe/open/key /home/joe/open/text
	chmod 0700 /home/joe/.ssh
	chmod 0600 /home/joe/open/key
	for path in /home/joe/.ssh /home/joe/.ssh/config /home/joe/open/key "$dkmstree/m/1.0/.job-$K-$arch/build/m.c"; do
		write_script "$sourcetree/m-1.0/pre.sh" "echo 'cat: $path: No such file or directory'; exit 3"
		build
		ok "$path is not suggested for sandbox_paths" refused grep -q sandbox_paths "$work/err"
	done
	write_script "$sourcetree/m-1.0/pre.sh" "echo 'cat: /home/joe/open/text: No such file or directory'; exit 3"
	build
	like "$err" 'sandbox_paths="/home/joe/open"' "what everybody may read is"
	umount /home
}

# Where the distribution does not choose the directory of modules, it is a path in the spec file of
# rpmbuild, for which %(...) is a command.
destinations()
{
	local place

	machine
	kernel $K
	private_etc || { skip "needs namespaces" "destinations"; return; }
	echo ID=other > "$work/os-release"
	mount --bind "$work/os-release" /etc/os-release
	for place in "%(echo>$work/ran)" '%{lua:print(1)}' 'a"b' "a'b" 'a;b' 'a*' 'a`b' 'a\\b'; do
		module m 1.0
		printf 'DEST_MODULE_LOCATION[0]=%q\n' "/kernel/$place" >> "$sourcetree/m-1.0/dkms.conf"
		run_dkms build m/1.0 -k $K
		is "$status" 8 "DEST_MODULE_LOCATION /kernel/$place: an error"
		like "$err" "DEST_MODULE_LOCATION.0. is .*, but may have only letters, digits and the characters /" "and it says so"
		[ "$status" -ne 0 ] || run_dkms mkrpm m/1.0 -k $K --binaries-only
		rm -r "$sourcetree/m-1.0"
		dkms remove m/1.0 --all > /dev/null 2>&1 || true
	done
	ok "nothing was run" test ! -e "$work/ran"
	umount /etc/os-release
}

# Without namespaces, what a command has started goes on after it.
survivors()
{
	local signal

	has_users || { skip "needs several users" "survivors"; return; }
	package true
	chmod 0755 "$work"
	cp "${DKMS:?}" "$work/bin/dkms"
	DKMS=$work/bin/dkms
	write_script "$work/bin/bwrap" 'exit 1'
	cat >> "$sourcetree/m-1.0/dkms.conf" <<'END'
MAKE="make -C $kernel_source_dir M=$dkms_tree/m/1.0/build && perl survive.pl"
POST_BUILD="post.sh"
END
	# The process waits until the first one of the command has ended, and then sends the signal to all
	# that it may send it to.
	cat > "$sourcetree/m-1.0/survive.pl" <<'END'
use POSIX;
my ($signal, $first) = ("CONT", getpgrp());
pipe(my $in, my $out);
unless (fork) {
	POSIX::setsid();
	$0 = "survivor-of-m";
	open(F, ">pid") and print F "$$\n" and close F;
	open(STDOUT, ">/dev/null") and open(STDERR, ">/dev/null");
	close $in;
	close $out;
	while (open(F, "/proc/$first/stat")) { last if <F> =~ /\) Z /; }
	while (1) { kill $signal, -1; }
}
close $out;
<$in>;
END
	# shellcheck disable=SC2016 # the script expands it
	write_script "$sourcetree/m-1.0/post.sh" 'if [ -e "/proc/$(cat pid)/fd" ]; then echo it lives; else echo it is dead; fi'
	build
	is "$status" 0 "without namespaces, a process survives make: the module is built"
	ok "the process ends before the next command, and before root takes the module" grep -q "it is dead" "$dkmstree/m/1.0/$K/$arch/log/make.log"
	# It tries to stop and to kill what ends it.
	for signal in STOP KILL STOP KILL; do
		sed -i "s/(\"[A-Z]*\", getpgrp/(\"$signal\", getpgrp/" "$sourcetree/m-1.0/survive.pl"
		build
		is "$status" 0 "a process that sends SIG$signal to what ends it: dkms goes on"
		ok "and has ended it" refused pgrep survivor-of-m
		pkill -KILL survivor-of-m || true
	done
	rm "$work/bin/bwrap"
}

endless_files
endless_lines
endless_warnings
controls
complaints
destinations
survivors
finish
