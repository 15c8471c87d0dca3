#!/bin/bash
# What a run has not finished on a kernel, because depmod has failed or because it was killed, is done
# by the next run: see builder/tree/kernel-mark.h.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

start()
{
	machine
	kernel $K
	module hello 1.0 'POST_INSTALL=post.sh'
	module other 1.0
	write_script "$sourcetree/hello-1.0/post.sh" "echo >> '$machine/post'"
	dkms install hello/1.0 -k $K > /dev/null
	installed=$installtree/$K/$dest/hello.ko
}

depmod_fails()
{
	write_script "$work/bin/depmod" 'exit 1'
}

depmod_works()
{
	rm -f "$work/bin/depmod"
}

# Prints the marks of the kernel.
marks()
{
	find "$dkmstree" -maxdepth 1 \( -name '.depmod-*' -o -name '.unfinished-*' \) -printf '%f\n'
}

# Whether modules.dep has the module.
depmod_knows() # NAME
{
	grep -q "^$dest/$1.ko" "$installtree/$K/modules.dep"
}

for arguments in "-k $K" --all; do
	start
	depmod_fails
	# shellcheck disable=SC2086
	dkms_exits 6 "remove $arguments, depmod fails" remove hello/1.0 $arguments
	is "$(state hello 1.0 $K)" added "the module stays in the dkms tree"
	is "$(marks)" ".depmod-$K" "there is a mark"
	ok "(modules.dep is old)" depmod_knows hello
	depmod_works
	# shellcheck disable=SC2086
	dkms_exits 0 "again" remove hello/1.0 $arguments
	ok "modules.dep is new" test ! "$(grep hello "$installtree/$K/modules.dep")"
	is "$(find "$dkmstree" -mindepth 1 ! -path "$dkmstree/.locks*")" "" "the module is gone, and the mark"
done

start
depmod_fails
dkms_exits 6 "uninstall, depmod fails" uninstall hello/1.0 -k $K
depmod_works
dkms_exits 0 "uninstall again" uninstall hello/1.0 -k $K
ok "modules.dep is new" test ! "$(grep hello "$installtree/$K/modules.dep")"
is "$(marks)" "" "the mark is gone"

start
dkms add other/1.0 > /dev/null
depmod_fails
dkms_exits 6 "install, depmod fails" install other/1.0 -k $K
is "$(state other 1.0 $K)" built "the install is undone"
is "$(marks)" ".depmod-$K" "there is a mark"
depmod_works
dkms_exits 0 "the next command of another module" install hello/1.0 -k $K
is "$(marks)" "" "removes it"
is "$(wc -l < "$machine/post")" 1 "POST_INSTALL does not run again"

for damage in rm truncate; do
	start
	dkms add other/1.0 > /dev/null
	touch "$dkmstree/.unfinished-$K"
	[ $damage = rm ] && rm "$installed" || truncate -s 0 "$installed"
	dkms_exits 0 "killed, $damage: a command of another module" install other/1.0 -k $K
	is "$(marks)" ".unfinished-$K" "the mark stays, because a module is not complete"
	dkms_exits 0 "autoinstall" autoinstall -k $K
	ok "installs the module again" cmp "$installed" "$dkmstree/hello/1.0/$K/$arch/module/hello.ko"
	is "$(wc -l < "$machine/post")" 2 "and runs POST_INSTALL again"
	is "$(marks)" "" "the mark is gone"
	check_trees "all is installed"
done

start
touch "$dkmstree/.unfinished-$K"
: > "$installtree/$K/modules.dep"
dkms_exits 0 "killed: install of the same module" install hello/1.0 -k $K
is "$(wc -l < "$machine/post")" 2 "POST_INSTALL runs again"
ok "modules.dep is new" depmod_knows hello
is "$(marks)" "" "the mark is gone"

start
touch "$dkmstree/.unfinished-$K"
exec {mark}< "$dkmstree/.unfinished-$K"
flock -s "$mark"
dkms_exits 0 "another process changes the kernel: autoinstall" autoinstall -k $K
is "$(wc -l < "$machine/post")" 1 "has nothing to do"
is "$(marks)" ".unfinished-$K" "the mark of the other stays"
exec {mark}<&-

# An uninstall that fails: a file that something is mounted on cannot be removed.
if [ -n "$private" ]; then
	for number in 0 1; do
		start
		module two 1.0 'BUILT_MODULE_NAME=(a b)' 'DEST_MODULE_LOCATION=(/extra /extra)' 'POST_REMOVE=post.sh'
		write_sources "$sourcetree/two-1.0" 1.0 a b
		write_script "$sourcetree/two-1.0/post.sh" "echo >> '$machine/removed'"
		dkms_exits 0 "install two modules" install two/1.0 -k $K
		names=(a b)
		kept=$installtree/$K/$dest/${names[number]}.ko
		mount --bind "$kept" "$kept"
		dkms_exits 1 "module $number cannot be removed: uninstall" uninstall two/1.0 -k $K
		like "$err" "cannot remove $kept: Device or resource busy" "says why"
		if [ $number = 0 ]; then
			is "$(marks)" "" "nothing has changed: there is no mark"
			ok "the other module is there" test -s "$installtree/$K/$dest/b.ko"
		else
			is "$(marks)" ".unfinished-$K" "one module is gone: there is a mark"
		fi
		is "$(state two 1.0 $K)" installed "the version is installed still"
		umount "$kept"
		dkms_exits 0 "uninstall again" uninstall two/1.0 -k $K
		is "$(state two 1.0 $K) $(marks)" "built " "it is uninstalled, and there is no mark"
		is "$(wc -l < "$machine/removed")" 1 "POST_REMOVE has run"
	done
else
	skip "needs mounts" "an uninstall that fails"
fi

# POST_ADD: the script stops until it is told to go on.
adds()
{
	machine
	kernel $K
	module hello 1.0 'POST_ADD=post.sh'
	write_script "$sourcetree/hello-1.0/post.sh" "echo begun >> '$machine/post'" \
		"[ ! -e '$machine/stop' ] || sleep 1000" "${1:-true}" "echo done >> '$machine/post'"
}

# Adds the module with the arguments, and kills dkms while the script runs.
killed() # ARGUMENT...
{
	local pid

	touch "$machine/stop"
	dkms "$@" > /dev/null 2>&1 &
	pid=$!
	until_line begun "$machine/post" 2> /dev/null
	kill -KILL $pid $(pgrep -P $pid) $(pgrep -f "$machine/post.sh\|sleep 1000") 2> /dev/null || true
	wait $pid || true
	rm "$machine/stop"
}

for command in "add hello/1.0" "install hello/1.0 -k $K" "build hello/1.0 -k $K" "add DIRECTORY" "install DIRECTORY -k $K"; do
	adds
	cp -r "$sourcetree/hello-1.0" "$machine/hello-1.0"
	words=${command/DIRECTORY/$machine/hello-1.0}
	[ "$words" = "$command" ] || rm -r "$sourcetree/hello-1.0"
	# shellcheck disable=SC2086
	killed $words
	is "$(cat "$machine/post")" begun "dkms $command is killed while POST_ADD runs"
	is "$(state hello 1.0 $K)" added "the version is added"
	# shellcheck disable=SC2086
	dkms_exits 0 "the same command again" $words
	is "$(cat "$machine/post")" "begun
begun
done" "POST_ADD runs again"
	dkms_exits 3 "once more: the version is added already" add hello/1.0
	is "$(wc -l < "$machine/post")" 3 "POST_ADD does not run"
	is "$(find "$dkmstree/hello" -name ".?*" ! -name ".installed-*")" "" "there is no mark"
done

adds
killed add hello/1.0
dkms_exits 0 "remove what was not added to its end" remove hello/1.0 --all
is "$(find "$dkmstree" -mindepth 1 ! -path "$dkmstree/.locks*")" "" "nothing is left"

adds "exit 5"
dkms_exits 0 "a POST_ADD that fails" add hello/1.0
dkms_exits 3 "is not repeated" add hello/1.0
is "$(cat "$machine/post")" begun "(it has run once)"

adds
write_script "$sourcetree/hello-1.0/post.sh" "echo begun >> '$machine/post'" \
	"'$(realpath "$DKMS")' add hello/1.0 --dkmstree '$dkmstree' --sourcetree '$sourcetree'" \
	"echo exit \$? done >> '$machine/post'"
dkms_exits 0 "a POST_ADD that adds the version" add hello/1.0
is "$(cat "$machine/post")" "begun
exit 3 done" "is told that it is added already"
finish
