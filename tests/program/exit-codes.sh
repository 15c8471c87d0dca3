#!/bin/bash
# Every row and every cause in the table of exit codes, with commands as users and scripts call
# them. Other tests check the effects.
#
# No command has three of the causes: a version that is already built (3) or installed (5) is
# skipped with 0, and a directory without a dkms.conf (9) is not accepted on the command line, which
# exits 1 or 2 (compat 11.2).
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Adds a module that cannot be built.
add_broken() # NAME VERSION [LINE...]
{
	add "$@"
	echo '#error "no such thing"' >> "$sourcetree/$1-$2/$1.c"
}

new_machine()
{
	machine
	kernel $K
}

row_0()
{
	new_machine
	dkms_exits 0 "compat 9: 0 no action prints the usage"
	dkms_exits 0 "compat 9: 0 an unknown action is a module's name, and there is no action" frobnicate
	dkms_exits 0 "compat 9: 0 --help" --help
	dkms_exits 0 "compat 9: 0 --version" --version
	dkms_exits 0 "compat 9: 0 status of nothing" status
	dkms_exits 0 "compat 9: 0 autoinstall with nothing to do" autoinstall -k $K
	module one 1.0
	dkms_exits 0 "compat 9: 0 add" add one/1.0
	for action in unbuild uninstall; do
		dkms_exits 0 "compat 9: 0 $action where there is nothing" $action one/1.0 -k $K
	done
	for action in build install; do
		dkms_exits 0 "compat 9: 0 $action" $action one/1.0 -k $K
		dkms_exits 0 "compat 9: 0 $action, done already" $action one/1.0 -k $K
	done
	dkms_exits 0 "compat 9: 0 remove" remove one/1.0 --all
}

row_1()
{
	new_machine
	module one 1.0
	for action in add build install uninstall unbuild remove; do
		dkms_exits 1 "compat 9: 1 $action without arguments" $action
		dkms_exits 1 "compat 9: 1 $action without a version" $action -m one
	done
	dkms_exits 1 "compat 9: 1 match without --templatekernel" match -k $K
	dkms_exits 1 "compat 9: 1 two -a for one -k" build one/1.0 -k $K -a x86_64 -a sparc
	dkms_exits 1 "compat 9: 1 two -a for three -k" build one/1.0 -k $K -k 1 -k 2 -a x86_64 -a sparc
	TMPDIR=$work/nowhere dkms_exits 1 "compat 9: 1 no temporary file" install one/1.0 -k $K
	dkms_exits 1 "compat 11.2: 1 an absolute path without a dkms.conf" add "$work"
}

row_2()
{
	new_machine
	add one 1.0
	dkms_exits 2 "compat 9: 2 an unknown option" status --frobnicate
	dkms_exits 2 "compat 9: 2 an unknown letter" status -Z
	for action in build install remove unbuild uninstall autoinstall; do
		dkms_exits 2 "compat 9: 2 $action --all with -k" $action -m one -v 1.0 --all -k $K
	done
	for action in add build install; do
		dkms_exits 2 "compat 9: 2 $action, the source directory is missing" $action none/1.0
	done
	dkms_exits 2 "compat 9: 2 ldtarball, the archive is missing" ldtarball --archive "$work/none.tar.gz"
	dkms_exits 2 "compat 9: 2 match, the same kernel twice" match --templatekernel $K -k $K
	dkms_exits 2 "compat 11.2: 2 a relative path without a dkms.conf" add ./none
}

row_3()
{
	new_machine
	add one 1.0
	for action in build install remove unbuild uninstall autoinstall; do
		dkms_exits 3 "compat 9: 3 $action --all with -a" $action -m one -v 1.0 --all -a x86_64
	done
	dkms_exits 3 "compat 9: 3 already added" add one/1.0
	for action in remove unbuild uninstall mktarball; do
		dkms_exits 3 "compat 9: 3 $action of what is not in the tree" $action none/1.0
	done
	like "$err" "dkms status lists what is there" "what has no source cannot be added"
	module later 1.0
	dkms_exits 3 "what has a source" remove later/1.0 --all
	like "$err" "dkms add later/1.0" "can be"
	for path in "$installtree/$K" "$installtree/$K/"; do
		dkms_exits 2 "-k with the path of a kernel" build hello/1.0 -k "$path"
		like "$err" "-k takes the release of a kernel, not a path: $path" "it says so"
		like "$err" "      -k $K\$" "and what it has to be"
	done
	dkms_exits 3 "compat 9: 3 match of what is not in the tree" match --templatekernel 1 -k $K none
	mkdir "$work/no-conf"
	touch "$work/no-conf/file"
	tar -C "$work" -czf "$work/no-conf.tar.gz" no-conf
	dkms_exits 3 "compat 9: 3 an archive without a dkms.conf" ldtarball --archive "$work/no-conf.tar.gz"
}

row_4()
{
	new_machine
	dkms_exits 4 "compat 9: 4 two actions" build install one/1.0
	mkdir -p "$sourcetree/none-1.0"
	dkms_exits 4 "compat 9: 4 no dkms.conf" add none/1.0
	for hook in kernel_preinst kernel_postinst kernel_prerm; do
		dkms_exits 4 "compat 9: 4 $hook without a kernel" $hook
		dkms_exits 4 "compat 9: 4 $hook with two" $hook -k $K -k $K7
	done
	dkms_exits 4 "compat 9: 4 match with two kernels" match --templatekernel $K -k $K7 -k 1
	add one 1.0
	rm -r "$sourcetree/one-1.0"
	for action in build install remove unbuild uninstall mktarball; do
		dkms_exits 4 "compat 9: 4 $action of a broken one" $action one/1.0 -k $K
	done
	if private_etc; then
		mv /etc/os-release "$work/os-release"
		mount --bind /dev/null /usr/lib/os-release
		dkms_exits 4 "compat 9: 4 no os-release" status
		umount /usr/lib/os-release
		mv "$work/os-release" /etc/os-release
	else
		skip "needs a mount namespace" "compat 9: 4 no os-release"
	fi
}

row_5()
{
	new_machine
	for action in match kernel_preinst kernel_postinst kernel_prerm; do
		dkms_exits 5 "compat 9: 5 $action --all" $action --all --templatekernel 1
	done
	add one 1.0 'PATCH[0]=../one.patch'
	dkms_exits 5 "compat 9: 5 a patch with .." build one/1.0 -k $K
	add two 1.0 'PATCH[0]=two.patch'
	dkms_exits 5 "compat 9: 5 a patch that is missing" build two/1.0 -k $K
}

row_6()
{
	new_machine
	add one 1.0 'PATCH[0]=one.patch'
	mkdir "$sourcetree/one-1.0/patches"
	printf '%s\n' '--- a/one.c' '+++ b/one.c' '@@ -1 +1 @@' '-not there' '+x' \
		> "$sourcetree/one-1.0/patches/one.patch"
	dkms_exits 6 "compat 9: 6 a patch that fails" build one/1.0 -k $K
	add two 1.0
	dkms_exits 6 "compat 9: 6 no kernel directory" install two/1.0 -k $K7 \
		--kernelsourcedir "$installtree/$K/build"
	kernel_module $K kernel/drivers/two.ko 9.0
	dkms_exits 6 "compat 9: 6 an install that is aborted" install two/1.0 -k $K
	rm "$installtree/$K/kernel/drivers/two.ko"
	write_script "$work/bin/depmod" 'exit 1'
	dkms_exits 6 "compat 9: 6 depmod fails" install two/1.0 -k $K
	rm "$work/bin/depmod"
	dkms unbuild two/1.0 --all > /dev/null
	dkms_exits 6 "compat 9: 6 nothing is built for mktarball" mktarball two/1.0 -k $K
}

row_7()
{
	new_machine
	add one 1.0 'BUILT_MODULE_NAME[0]=other' 'DEST_MODULE_NAME[0]=one'
	dkms_exits 7 "compat 9: 7 a built module is missing" build one/1.0 -k $K
	mkdir -p "$work/two/a" "$work/two/b"
	echo PACKAGE_NAME=two | tee "$work/two/a/dkms.conf" > "$work/two/b/dkms.conf"
	tar -C "$work" -czf "$work/two.tar.gz" two
	dkms_exits 7 "compat 9: 7 an archive without one valid dkms.conf" ldtarball --archive "$work/two.tar.gz"
}

row_8()
{
	new_machine
	add one 1.0
	echo 'AUTOINSTALL=maybe' >> "$sourcetree/one-1.0/dkms.conf"
	for action in build install; do
		dkms_exits 8 "compat 9: 8 $action, a bad dkms.conf" $action one/1.0 -k $K
	done
	module two 1.0 'STRIP=('
	dkms_exits 8 "compat 9: 8 add, a bad dkms.conf" add two/1.0
	add three 1.0
	dkms build three/1.0 -k $K > /dev/null
	dkms_exits 8 "compat 9: 8 --binaries-only with --source-only" \
		mktarball three/1.0 -k $K --binaries-only --source-only
	dkms mktarball three/1.0 -k $K --archive "$work/three.tar.gz" > /dev/null
	for action in ldtarball add; do
		dkms_exits 8 "compat 9: 8 $action, the archive is already added" $action "$work/three.tar.gz"
	done
	rm -f "$sourcetree/three-1.0/Makefile" "$sourcetree/three-1.0/three.c"
	dkms unbuild three/1.0 -k $K > /dev/null
	dkms_exits 8 "compat 9: 8 no source to build" build three/1.0 -k $K
	if private_etc; then
		echo 'parallel_jobs=many' > "$etc/framework.conf"
		dkms_exits 8 "compat 9: 8 a bad framework.conf" status
		rm "$etc/framework.conf"
	fi
}

row_9()
{
	new_machine
	add one 1.0
	dkms build one/1.0 -k $K > /dev/null
	dkms_exits 9 "compat 9: 9 mktarball cannot write there" \
		mktarball one/1.0 -k $K --archive /proc/one.tar.gz
	touch "$work/x.rpm"
	write_script "$work/bin/rpm" 'exit 1'
	dkms_exits 9 "compat 9: 9 rpm fails" install "$work/x.rpm"
	rm "$work/bin/rpm"
}

row_10()
{
	new_machine
	add_broken one 1.0
	for action in build install; do
		dkms_exits 10 "compat 9: 10 $action, make fails" $action one/1.0 -k $K
	done
	for missing in PACKAGE_NAME PACKAGE_VERSION PACKAGE . '^[^#]'; do
		module two 1.0
		sed -i "/$missing/d" "$sourcetree/two-1.0/dkms.conf"
		rm -rf "$machine/two"
		mv "$sourcetree/two-1.0" "$machine/two"
		for action in add build install; do
			dkms_exits 8 "compat 9: 8 $action of a directory whose dkms.conf has no $missing" $action "$machine/two"
		done
		dkms_exits 8 "compat 9: 8 add of that dkms.conf" add "$machine/two/dkms.conf"
		ok "it is neither copied nor added" test ! -e "$sourcetree/two-1.0" -a ! -e "$dkmstree/two"
	done
	module three 1.0
	sed -i '/^PACKAGE_NAME/d' "$sourcetree/three-1.0/dkms.conf"
	dkms_exits 8 "compat 9: 8 add NAME/VERSION with such a one" add three/1.0
}

row_11_to_16()
{
	new_machine
	add_broken one 1.0
	add two 1.0 'BUILD_DEPENDS=one'
	dkms_exits 11 "compat 9: 11 autoinstall, something failed" autoinstall -k $K
	dkms_exits 11 "compat 9: 11 kernel_postinst, something failed" kernel_postinst -k $K
	dkms_exits 12 "compat 9: 12 no architecture" build one/1.0 -k $K -a ""
	dkms_exits 10 "a slash behind the release is no architecture" build one/1.0 -k $K/
	dkms_exits 16 "compat 9: 16 an empty kernel" build one/1.0 -k ""
	dkms_exits 13 "compat 9: 13 build, BUILD_DEPENDS missing" build two/1.0 -k $K
	dkms_exits 13 "compat 9: 13 install, BUILD_DEPENDS missing" install two/1.0 -k $K
	dkms_exits 0 "compat 4: unless --force" build two/1.0 -k $K --force
	rm -r "$sourcetree/two-1.0"
	dkms_exits 14 "compat 9: 14 kernel_prerm fails for a module" kernel_prerm -k $K
	dkms_exits 14 "compat 9: 14 kernel_preinst fails for a module" kernel_preinst -k $K
}

# Runs dkms as a user who owns no files here.
nobody_exits() # STATUS DESCRIPTION ARGUMENT...
{
	local want=$1 description=$2

	shift 2
	exits "$want" "$description" setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$work/bin/dkms" "$@" "${trees[@]}"
}

# Commands that a user may run without root, and others.
users()
{
	if [ "$(id -u)" -ne 0 ] ||
		! setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
		skip "cannot become another user" "compat 9: 1 not root"
		return
	fi
	cp "$DKMS" "$work/bin/dkms"
	new_machine
	add one 1.0
	dkms install one/1.0 -k $K > /dev/null
	nobody_exits 0 "compat 8: 0 status" status
	for action in build unbuild remove add; do
		nobody_exits 1 "compat 9: 1 $action in a tree that cannot be written" $action one/1.0 -k $K
	done
	for action in install uninstall; do
		nobody_exits 1 "compat 9: 1 $action, not root" $action one/1.0 -k $K
	done
	nobody_exits 1 "compat 9: 1 autoinstall, not root" autoinstall -k $K
	nobody_exits 1 "compat 9: 1 match, not root" match --templatekernel $K -k $K7
	for hook in kernel_preinst kernel_postinst kernel_prerm; do
		nobody_exits 1 "compat 9: 1 $hook, not root" $hook -k $K
		nobody_exits 4 "compat 9: 4 $hook without a kernel comes first" $hook
	done
	nobody_exits 1 "compat 9: 1 ldtarball, not root" ldtarball --archive "$work/three.tar.gz"

	# With trees of his own, a user may run all commands.
	new_machine
	kernel $K7
	module one 1.0
	module two 1.0 'BUILD_DEPENDS=one' 'BUILD_DEPENDS_REBUILD=yes' 'POST_INSTALL=post.sh'
	write_script "$sourcetree/two-1.0/post.sh" "echo installed by \$(id -u)"
	chown -R 65534:65534 "$machine"
	for m in one two; do
		nobody_exits 0 "compat 9: 0 add, not root" add $m/1.0
	done
	nobody_exits 0 "compat 9: 0 build, not root" build one/1.0 -k $K
	nobody_exits 0 "compat 9: 0 install, not root" install one/1.0 -k $K
	nobody_exits 0 "compat 9: 0 autoinstall, not root" autoinstall -k $K
	is "$(state two 1.0 $K)" installed "autoinstall has installed the module"
	nobody_exits 0 "compat 9: 0 match, not root" match --templatekernel $K -k $K7
	is "$(state two 1.0 $K7)" installed "match has installed the module"
	nobody_exits 0 "compat 9: 0 kernel_preinst, not root" kernel_preinst -k $K7
	nobody_exits 0 "compat 9: 0 kernel_postinst, not root" kernel_postinst -k $K7
	nobody_exits 0 "compat 9: 0 kernel_prerm, not root" kernel_prerm -k $K7
	is "$(state two 1.0 $K7)" added "kernel_prerm has unbuilt the module"
	nobody_exits 0 "compat 9: 0 mktarball, not root" mktarball one/1.0 -k $K
	nobody_exits 0 "compat 9: 0 uninstall, not root" uninstall two/1.0 -k $K
	nobody_exits 0 "compat 9: 0 unbuild, not root" unbuild two/1.0 -k $K
	for m in one two; do
		nobody_exits 0 "compat 9: 0 remove, not root" remove $m/1.0 --all
	done
	is "$(find "$dkmstree" -mindepth 1)" "" "no file is left"
	nobody_exits 0 "compat 9: 0 add it again" add one/1.0
	chown root:root "$sourcetree/one-1.0"
	chmod 0600 "$sourcetree/one-1.0"
	nobody_exits 15 "compat 9: 15 a directory that cannot be entered" build one/1.0 -k $K
}

row_21_to_101()
{
	new_machine
	mkdir -p "$installtree/$K7/kernel"
	add one 1.0
	for action in build install; do
		dkms_exits 21 "compat 9: 21 $action without headers" $action one/1.0 -k $K7
	done
	dkms_exits 21 "compat 9: 21 autoinstall without headers" autoinstall -k $K7
	add two 1.0 'BUILD_EXCLUSIVE_KERNEL=^5'
	for action in build install; do
		dkms_exits 77 "compat 9: 77 $action of what is excluded" $action two/1.0 -k $K
		dkms_exits 77 "compat 11.4: 77 comes before 21" $action two/1.0 -k $K7
	done
	add three 1.0 'PRE_INSTALL=no.sh'
	write_script "$sourcetree/three-1.0/no.sh" 'exit 3'
	dkms_exits 101 "compat 9: 101 PRE_INSTALL refuses" install three/1.0 -k $K
	is "$(state three 1.0 $K)" built "it is still built"
	dkms_exits 0 "compat 4: --force installs it" install three/1.0 -k $K --force
}

row_0
row_1
row_2
row_3
row_4
row_5
row_6
row_7
row_8
row_9
row_10
row_11_to_16
row_21_to_101
users
finish
