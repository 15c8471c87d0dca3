#!/bin/bash
# Versions in the dkms tree that have lost their source, or never had one: they block no other
# version, and can be removed with all that was built and installed of them.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Prints the modules in the trees of all kernels.
installed()
{
	(cd "$installtree" && find . -path "*/$dest/*.ko" | sort | paste -sd' ')
}

leftovers()
{
	local content

	for content in build build/$K-$arch/make.log tarball/x.tar $K deb; do
		machine
		kernel $K
		module a 1.0
		dkms add a/1.0 > /dev/null
		mkdir -p "$dkmstree/a/2.0/$content"
		dkms_exits 0 "autoinstall beside a leftover with $content" autoinstall -k $K
		is "$(state a 1.0 $K)" installed "it installs the version that has a source"
		is "$(grep -c 'a/2\.0' "$work/err")$(grep -c 'a/2\.0' "$work/out")" 10 "it says one line about the leftover"
		dkms_exits 0 "autoinstall has nothing to do then" autoinstall -k $K
		is "$out" "" "it prints nothing on standard output"
		dkms_exits 0 "status" status
		is "$out" "a/1.0, $K, $arch: installed
a/2.0: leftover" "status shows the leftover as what it is"
		like "$err" "dkms remove a/2\.0$" "it says how to remove it"
		dkms_exits 3 "a leftover cannot be uninstalled" uninstall a/2.0 -k $K
		dkms_exits 2 "a leftover without a source cannot be built" build a/2.0 -k $K
		dkms_exits 0 "remove of the leftover" remove a/2.0
		is "$(ls "$dkmstree/a")" "1.0
kernel-$K-$arch" "the leftover is gone, and nothing else"
	done
	mkdir -p "$dkmstree/a/2.0/build" "$dkmstree/b/1.0/build"
	dkms_exits 0 "remove --all" remove b/1.0 --all
	dkms_exits 0 "autoinstall of a module that has only leftovers" autoinstall -k $K
	is "$(ls "$dkmstree")" a "with its last leftover, the module is gone"
	module a 2.0
	rm "$dkmstree/a/2.0" -r
	mkdir -p "$dkmstree/a/2.0/build"
	dkms_exits 0 "add reuses the directory" add a/2.0
	dkms_exits 0 "autoinstall installs the newest version again" autoinstall -k $K
	is "$(state a 2.0 $K)" installed "it is installed"
}

dependencies()
{
	machine
	kernel $K
	module user 1.0 'BUILD_DEPENDS=gone'
	dkms add user/1.0 > /dev/null
	mkdir -p "$dkmstree/gone/1.0/build"
	dkms_exits 0 "autoinstall of what needs a leftover" autoinstall -k $K
	like "$err" "is deferred: it needs gone" "it is deferred, as if nothing were there"
}

# Takes the source of a version away.
lose() # WAY NAME VERSION
{
	case $1 in
	source) rm -r "$sourcetree/$2-$3" ;;
	link) rm "$dkmstree/$2/$3/source" ;;
	both) rm -r "$sourcetree/$2-$3" "$dkmstree/$2/$3/source" ;;
	dkms.conf) rm "$sourcetree/$2-$3/dkms.conf" ;;
	esac
}

broken_ones()
{
	local way

	for way in source link both dkms.conf; do
		machine
		kernel $K
		kernel $K7
		module a 1.0
		module a 2.0
		module b 1.0
		dkms add a/1.0 > /dev/null
		dkms install a/2.0 -k $K7 > /dev/null
		dkms install b/1.0 -k $K -k $K7 > /dev/null
		lose $way a 2.0
		dkms_exits 0 "autoinstall without the $way of the newest version" autoinstall -k $K -k $K7
		is "$(installed)" "./$K/$dest/a.ko ./$K/$dest/b.ko ./$K7/$dest/a.ko ./$K7/$dest/b.ko" "every kernel has a module"
		is "$(module_field version "$installtree/$K/$dest/a.ko") $(module_field version "$installtree/$K7/$dest/a.ko")" \
			"1.0 2.0" "the other version is installed, but does not replace the one that is"
		like "$err" "a/2\.0 is broken and is skipped" "it says so"
		lose $way b 1.0
		[ $way = dkms.conf ] ||
			dkms_exits 4 "remove without --force" remove b/1.0 --all
		[ $way = dkms.conf ] || like "$err" "dkms remove b/1\.0 --force" "the error says how it is removed"
		dkms_exits 0 "remove --force -k" remove b/1.0 --force -k $K7
		is "$(installed)" "./$K/$dest/a.ko ./$K/$dest/b.ko ./$K7/$dest/a.ko" "it is uninstalled from this kernel"
		ok "and still known" test -e "$dkmstree/b/1.0"
		dkms_exits 0 "remove --force" remove b/1.0 --force
		is "$err" "" "says nothing of other kernels"
		is "$(installed)" "./$K/$dest/a.ko ./$K7/$dest/a.ko" "its modules are uninstalled from all kernels"
		ok "nothing of it is left" test ! -e "$dkmstree/b"
		dkms_exits 0 "remove --force --all" remove a/2.0 --force --all
		is "$(installed)" "./$K/$dest/a.ko" "the other version stays"
		is "$(ls "$dkmstree/a")" "1.0
kernel-$K-$arch" "the dkms tree has the other version alone"
	done
}

# A module that the kernel had before comes back.
originals()
{
	machine
	kernel $K
	kernel_module $K "$dest/a.ko" 0.5
	module a 1.0
	dkms install a/1.0 -k $K > /dev/null 2>&1
	is "$(module_field version "$installtree/$K/$dest/a.ko")" 1.0 "(a module replaces the kernel's)"
	lose both a 1.0
	dkms_exits 0 "uninstall --force of a broken version" uninstall a/1.0 --force -k $K
	is "$(module_field version "$installtree/$K/$dest/a.ko")" 0.5 "the kernel's own module is back"
	dkms_exits 0 "unbuild --force of a broken version" unbuild a/1.0 --force -k $K
	is "$(dkms status 2> /dev/null)" "a/1.0: leftover" "nothing is built any more"
}

# Only the dkms.conf is gone. The lines on standard output are those of other versions of dkms.
without_conf()
{
	machine
	kernel $K
	kernel $K7
	module a 1.0
	module a 2.0
	module b 1.0
	dkms install a/1.0 -k $K -k $K7 > /dev/null 2>&1
	dkms add a/2.0 > /dev/null
	dkms add b/1.0 > /dev/null
	rm "$sourcetree/a-1.0/dkms.conf" "$sourcetree/b-1.0/dkms.conf"
	dkms_exits 0 "status without a dkms.conf" status
	is "$out" "a/1.0, $K, $arch: installed
a/1.0, $K7, $arch: installed
a/2.0: added
b/1.0: added" "standard output has the states"
	is "$(grep -c 'a/1.0 is broken: .*/a/1.0/source has no dkms.conf' <<<"$err")" 1 "standard error says what is gone, once"
	like "$err" "b/1.0 is broken: .*/b/1.0/source has no dkms.conf" "also of what is only added"
	is "$(grep -c 'a/2.0' <<<"$err")" 0 "nothing is said of another version"
	dkms_exits 0 "status --json" status --json
	is "$(jq -r '.modules[] | select(.problem) | .name + "/" + .version + " " + .state' "$work/out" | sort -u)" \
		"a/1.0 installed"$'\n'"b/1.0 added" "--json has the problem"
	module c 1.0
	dkms_exits 0 "install of another package" install c/1.0 -k $K
	is "$out" "dkms: c/1.0: added
dkms: c/1.0 for $K: installed, built in${out##*built in}" "says nothing of those"
	dkms remove c/1.0 --all > /dev/null
	touch "$sourcetree/a-1.0/dkms.conf" "$sourcetree/b-1.0/dkms.conf"
	dkms_exits 0 "status with a dkms.conf" status
	is "$err" "" "says nothing"
	ln -sf nowhere "$sourcetree/a-1.0/dkms.conf"
	run_dkms status
	like "$err" "a/1.0/source has no dkms.conf" "a link that leads nowhere is none"
}

# What is no link named source may be somebody's only copy.
own_directory()
{
	machine
	mkdir -p "$dkmstree/a/1.0/source"
	echo mine > "$dkmstree/a/1.0/source/a.c"
	is "$(dkms status 2> /dev/null)" "a/1.0: broken" "a directory named source makes it broken"
	dkms_exits 4 "it is not removed" remove a/1.0 --all
	ok "its files stay" test -e "$dkmstree/a/1.0/source/a.c"
}

leftovers
dependencies
broken_ones
originals
without_conf
own_directory
finish
