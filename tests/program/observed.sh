#!/bin/bash
# What a build has looked at decides whether its result is used again. For each way to read a file,
# a change of the file is a miss, the result is the one of a build without a cache, and a change of
# another file is a hit.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"
[ -n "$private" ] && [ "$(id -u)" -eq 0 ] && [ "$real_user" -eq 0 ] || skip_all "needs root and a mount namespace"

program() # TEXT PATH
{
	write_script "$2" "echo $1"
}

links()
{
	put one /opt/v1/file
	put two /opt/v2/file
	ln -sfn v1 /opt/current
	reads "a link in a directory above" 'cat /opt/current/file'
	change "the link leads elsewhere" two ln -sfn v2 /opt/current
	reads "a path that is put together" 'top=/opt name=current' 'cat $top/$name/file'
	change "the link leads elsewhere" one ln -sfn v1 /opt/current
	ln -sfn ../opt/./v2/../v1/. /opt/current
	reads "a link with dots" 'cat /opt/current/file'
	change "the link leads elsewhere" two ln -sfn ../opt/./v1/../v2/. /opt/current

	mkdir /opt/hops
	ln -sfn ../v1/file /opt/hops/file
	reads "a link in a directory where nothing is opened" 'cat /opt/hops/file'
	change "the link leads elsewhere" two ln -sfn ../v2/file /opt/hops/file

	put one /opt/lib/plugin.so.1
	put two /opt/lib/plugin.so.2
	ln -sfn plugin.so.1 /opt/lib/plugin.so
	reads "a plug-in" 'dir=/opt/lib; cat $dir/plugin.so'
	change "the link leads elsewhere" two ln -sfn plugin.so.2 /opt/lib/plugin.so
	put other /opt/lib/plugin.so.3
	does_not_matter "a new file beside it"

	program one /opt/v1/program
	program two /opt/v2/program
	mkdir -p /etc/alternatives
	ln -sfn /opt/v1/program /etc/alternatives/alternative
	ln -sfn /etc/alternatives/alternative $tools/alternative
	reads "a program behind /etc/alternatives" alternative
	change "another alternative" two ln -sfn /opt/v2/program /etc/alternatives/alternative
	ln -sfn /opt/v1/program /opt/hops/program
	ln -sfn /opt/hops/program $tools/hop
	reads "a program behind a link in another directory" hop
	change "the second link leads elsewhere" two ln -sfn /opt/v2/program /opt/hops/program
	ln -sfn ../v1 /opt/hops/dir
	ln -sfn ../hops/dir/program $tools/dir
	reads "a program in a directory behind a link" dir
	change "the directory is another one" two ln -sfn ../v2 /opt/hops/dir
	ln -sfn /opt/v1/program $tools/unrelated
	does_not_matter "a link to a program that is not run"
}

programs()
{
	mkdir -p /opt/late
	PATH=$PATH:/opt/late
	program one /opt/late/tool
	reads "a program in the last directory of PATH" tool
	change "there is one in an earlier directory" two program two $tools/tool
	program other /opt/late/other
	does_not_matter "another program"
	write_script /opt/interpreter 'echo one'
	printf '#!/opt/interpreter\n' > $tools/script
	chmod +x $tools/script
	reads "the interpreter of a script" script
	change "the interpreter" two write_script /opt/interpreter 'echo two'
	reads "a program that is run by its path" '/opt/late/tool'
	change "the program" three program three /opt/late/tool
}

# A library of a program.
libraries()
{
	local n dir=/opt/lib

	if ! echo 'int main(void) { return 0; }' | gcc -x c -o "$work/try" - 2> /dev/null; then
		skip "no compiler" "libraries"
		return
	fi
	for n in one two three; do
		echo "const char *value(void) { return \"$n\"; }" |
			gcc -x c -shared -fPIC -Wl,-soname,libvalue.so.1 -o "$dir/libvalue.so.1.$n" -
	done
	ln -s libvalue.so.1.one $dir/libvalue.so.1
	echo 'int puts(const char *); const char *value(void); int main(void) { puts(value()); }' |
		gcc -x c -o $tools/value - -x none $dir/libvalue.so.1 -Wl,-rpath,$dir
	reads "a library of a program" value
	change "the link of its name leads elsewhere" two ln -sfn libvalue.so.1.two $dir/libvalue.so.1
	change "its content" three cp $dir/libvalue.so.1.three $dir/libvalue.so.1.two
	cp $dir/libvalue.so.1.three $dir/libvalue.so.1.one
	does_not_matter "the library that the link led to before"
}

# Files that do not exist, and directories.
places()
{
	put one /opt/list/a
	reads "the listing of a directory" 'ls /opt/list | tr "\n" " "'
	change "a new file" "a b " put one /opt/list/b
	change "a file less" "b " rm /opt/list/a
	put two /opt/list/b
	does_not_matter "the content of a file in the directory"
	put first /usr/local/lib/first
	reads "a file that could also be in /usr/local" \
		'for dir in /usr/local /usr; do if [ -e $dir/lib/os-release ]; then' \
		'head -c 2 $dir/lib/os-release; break; fi; done'
	change "it is also in /usr/local" on put one /usr/local/lib/os-release
	rm /usr/local/lib/os-release
	ln -s /usr/lib/os-release /usr/local/lib/os-release
	reads "a link in /usr/local to a file in /usr" 'dir=/usr/local/lib; head -c 2 $dir/os-release'
	change "the link leads elsewhere" "fi" ln -sfn first /usr/local/lib/os-release
	rm /usr/local/lib/os-release
}

# Two names of one file.
names()
{
	put one /opt/names/a
	ln /opt/names/a /opt/names/b
	reads "two hard links of a file" 'cat /opt/names/a /opt/names/b | tr -d "\n"'
	rm /opt/names/b
	change "the second one is another file" onetwo put two /opt/names/b
	mkdir /opt/bound
	mount --bind /opt/v1 /opt/bound
	reads "a file at two places" 'cat /opt/v1/file /opt/bound/file | tr -d "\n"'
	umount /opt/bound
	mount --bind /opt/v2 /opt/bound
	matters "$what: another directory is mounted"
	is "$(value)" onetwo "$what: the value is the new one"
	umount /opt/bound
}

# Reads a file in a way, and changes it.
way() # DESCRIPTION COMMAND...
{
	put one /opt/way/file
	reads "$@"
	change "the file" two put two /opt/way/file
}

ways()
{
	local how

	way "/proc/self/root" 'cat /proc/self/root/opt/way/file'
	way "the root of another process" 'sleep 10 & cat /proc/$!/root/opt/way/file'
	way "a working directory in /proc" 'cd /opt/way; cat /proc/self/cwd/file'
	way "standard input" 'cat < /opt/way/file'
	way "/dev/stdin" 'cat /dev/stdin < /opt/way/file'
	way "an inherited descriptor" 'exec 9< /opt/way/file; sh -c "cat <&9"'
	way "a descriptor in /proc" 'exec 9< /opt/way/file; cat /proc/self/fd/9'
	way "a descriptor of a directory" 'exec 9< /opt/way; cat /proc/self/fd/9/file'
	gcc -o $tools/opener "$top_srcdir/tests/lib/opener.c" 2> "$work/err" || {
		skip "no compiler" "other ways to open a file"
		return
	}
	for how in openat mmap path int80; do
		put one /opt/way/file
		if $tools/opener $how /opt/way/file > /dev/null; then
			way "opener $how" "opener $how /opt/way/file"
		else
			skip "the kernel cannot do it" "opener $how"
		fi
	done
	program one /opt/way/program
	cp $tools/value /opt/way/program
	reads "execveat" 'opener exec /opt/way/program'
	change "the program" "" cp /usr/bin/true /opt/way/program
	if gcc -static -o $tools/static "$top_srcdir/tests/lib/opener.c" 2> /dev/null; then
		way "a static program" 'static openat /opt/way/file'
	else
		skip "no static C library" "a static program"
	fi
}

# What the kernel says about itself and the processor.
facts()
{
	put 60 "$work/swappiness"
	mount --bind "$work/swappiness" /proc/sys/vm/swappiness
	reads "a value of /proc/sys" 'cat /proc/sys/vm/swappiness > /dev/null; echo x'
	put 70 "$work/swappiness"
	matters "$what"
	umount /proc/sys/vm/swappiness
	grep -v '^flags' /proc/cpuinfo > "$work/cpuinfo"
	reads "no processor" 'echo x'
	mount --bind "$work/cpuinfo" /proc/cpuinfo
	does_not_matter "the processor"
	umount /proc/cpuinfo
	for what in "/proc/cpuinfo|grep -c NoSuchLine /proc/cpuinfo || true" \
		"a command with -march=native|echo gcc -march=na''tive > .m.o.cmd"; do
		reads "${what%%|*}" "${what#*|}"
		mount --bind "$work/cpuinfo" /proc/cpuinfo
		matters "${what%%|*}: the processor"
		umount /proc/cpuinfo
	done
	export KCFLAGS=-march=native
	reads "a variable with -march=native" 'echo x'
	mount --bind "$work/cpuinfo" /proc/cpuinfo
	matters "$what: the processor"
	umount /proc/cpuinfo
	unset KCFLAGS
}

# A build has no mounts of its own, no descriptors of the system's files, and leaves nothing behind.
confinement()
{
	local how

	[ -x $tools/opener ] || return 0
	for how in unshare-user unshare-mount clone setns int80-unshare; do
		reads "$how" "opener $how || echo \"status \$?\""
		like "$(value)" '^(Operation not permitted|status 3)$' "$how is not permitted"
	done
	reads clone3 'opener clone3'
	is "$(value)" "Function not implemented" "clone3 is not permitted"
	reads "unshare" 'unshare -Urm true 2> /dev/null || echo refused'
	is "$(value)" refused "unshare(1) is refused"
	exec 9< /
	reads "descriptors" 'readlink /proc/1/fd/* /proc/self/fd/* |' \
		'sed "s/\[.*//; s,.*/make.log,log,; s,^/proc/.*,own," | sort -u | tr "\n" " "'
	exec 9<&-
	like "$(value)" '^(/dev/null )?(log )?(own )?pipe: $' "a build has pipes and the log, nothing else"
	reads "the log" 'test -r /proc/self/fd/2 && head -c 4 /proc/self/fd/2'
	is "$(value)" DKMS "a build can read its own log"
	reads "a process that stays" 'sh -c "echo > there; exec sleep 98765.4" > /dev/null 2>&1 &' \
		'until [ -e there ]; do sleep 0.01; done; echo x'
	is "$(pgrep -fc 'sleep 98765\.4')" 0 "no process stays"
	reads "signals for PID 1" 'kill -KILL 1; kill -TERM 1; echo x'
	is "$(value)" x "the shell of the sandbox cannot be killed"
}

cached_machine
module m 1.0 PRE_BUILD=pre.sh
dkms add m/1.0 > /dev/null
links
programs
libraries
places
names
ways
facts
confinement
finish
