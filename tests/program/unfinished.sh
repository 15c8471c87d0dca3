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
finish
