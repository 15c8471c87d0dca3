#!/bin/bash
# Installing into a kernel's tree and uninstalling, on a kernel of the fixture: directories, the
# version check, existing modules, hooks and depmod. Descriptions name the section of the contract
# (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Makes a new machine with one kernel; $tree is the kernel's directory.
kernel_machine() # [SUFFIX]
{
	machine
	kernel $K "$@"
	tree=$installtree/$K
}

tree_snapshot() { snapshot "$tree"; }

places()
{
	local before os

	kernel_machine
	module hello 1.0
	before=$(tree_snapshot)
	dkms_exits 0 "compat 4: the distribution's directory" install hello/1.0 -k $K
	is "$(cd "$tree" && find . -name 'hello*')" "./$dest/hello.ko" "compat 4: it overrides the directory of dkms.conf"
	is "$(stat -c %a "$tree/$dest/hello.ko")" 644 "everybody can read the module"
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	is "$(tree_snapshot)" "$before" "compat 6: the kernel's tree is as before"
	ADDON_MODULES_DIR=/addon/here dkms_exits 0 "compat 4: ADDON_MODULES_DIR" install hello/1.0 -k $K
	is "$(cd "$tree" && find . -name 'hello*')" "./addon/here/hello.ko" "compat 4: ADDON_MODULES_DIR overrides all others"
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	is "$(tree_snapshot)" "$before" "uninstall finds the module without that variable"
	if ! private_etc; then
		skip "needs a mount namespace" "compat 4: other distributions"
		return
	fi
	module hello 1.1 'DEST_MODULE_LOCATION[0]="/kernel/drivers/hello/"'
	cp /etc/os-release "$work/os-release"
	for os in fedora:extra rhel:extra centos:extra opensuse-leap:updates arch:updates/dkms \
		debian:updates/dkms ubuntu:updates/dkms gentoo:kernel/drivers/hello \
		alpine:kernel/drivers/hello nobody-knows:kernel/drivers/hello; do
		rm /etc/os-release
		echo "ID=${os%:*}" > /etc/os-release
		dkms_exits 0 "compat 4: on ${os%:*}" install hello/1.1 -k $K
		is "$(cd "$tree" && find . -name 'hello.*')" "./${os#*:}/hello.ko" "compat 4: the directory is ${os#*:}"
		dkms_exits 0 "uninstall there" uninstall hello/1.1 -k $K
		is "$(tree_snapshot)" "$before" "no file is left there"
	done
	for os in /kernel/../updates/:updates /kernel/drivers/../../extra//x/.:extra/x \
		/updates/./a/../b:updates/b /kernel/../weak:weak /extra..d:extra..d /kernel/..:.; do
		rm -r "$sourcetree/hello-1.1"
		module hello 1.1 "DEST_MODULE_LOCATION[0]='${os%:*}'"
		dkms_exits 0 "install with DEST_MODULE_LOCATION=${os%:*}" install hello/1.1 -k $K
		is "$(cd "$tree" && find . -name 'hello.*' | sed 's,^\./\./,./,')" \
			"$(echo "./${os#*:}/hello.ko" | sed 's,^\./\./,./,')" "the module is in ${os#*:}"
		is "$(dkms status hello/1.1)" "hello/1.1, $K, $arch: installed" "status finds it"
		dkms_exits 0 "uninstall from ${os%:*}" uninstall hello/1.1 -k $K
		is "$(tree_snapshot)" "$before" "no file is left in ${os%:*}"
		dkms remove hello/1.1 --all > /dev/null
	done
	for os in /kernel/../.. /updates/../../other/updates /kernel/../build/x /extra/x/../../source /updates/../../$K; do
		rm -r "$sourcetree/hello-1.1"
		module hello 1.1 "DEST_MODULE_LOCATION[0]='$os'"
		dkms_exits 8 "install with DEST_MODULE_LOCATION=$os" install hello/1.1 -k $K
		like "$err" "out of the kernel's directory" "it leads out of the kernel's directory"
	done
	rm /etc/os-release
	mount --bind /dev/null /usr/lib/os-release
	for os in status "add hello/1.0" "build hello/1.0" "remove hello/1.0" autoinstall; do
		# shellcheck disable=SC2086
		dkms_exits 4 "compat 11.15: ${os% *} without an os-release" $os
	done
	umount /usr/lib/os-release
	cp "$work/os-release" /etc/os-release
	echo "symlink_modules=yes" > "$etc/framework.conf"
	dkms_exits 0 "compat 10: symlink_modules" install hello/1.0 -k $K
	is "$(readlink "$tree/$dest/hello.ko")" "$dkmstree/hello/1.0/$K/$arch/module/hello.ko" "compat 10: the module is a link"
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	is "$(tree_snapshot)" "$before" "the link is removed"
	rm "$etc/framework.conf"
}

# Installs hello 1.0 over a module of the kernel with VERSION and SRCVERSION, and checks the exit
# status.
over() # STATUS DESCRIPTION VERSION SRCVERSION [OPTION...]
{
	local want=$1 description=$2 version=$3 srcversion=$4

	shift 4
	kernel_machine
	kernel_module $K kernel/drivers/hello.ko "$version" "$srcversion"
	module hello 1.0
	before=$(tree_snapshot)
	dkms_exits "$want" "$description" install hello/1.0 -k $K "$@"
	if [ "$want" -eq 6 ]; then
		is "$(state hello 1.0 $K)" built "it is built but not installed"
		is "$(tree_snapshot)" "$before" "the kernel's tree is unchanged"
	else
		is "$(state hello 1.0 $K)" installed "the module is installed"
	fi
}

version_check()
{
	over 0 "compat 6: newer than the kernel's" 0.9 abc
	over 6 "compat 6: older than the kernel's" 1.1 abc
	like "$err" "hello.ko.*$tree/kernel/drivers/hello.ko" "the error names both files"
	over 6 "compat 6: version by version, 1.0 is older than 1.0.1" 1.0.1 abc
	over 6 "compat 6: and than 1.10" 1.10 abc
	over 6 "compat 6: the same version and srcversion" 1.0 hello-1.0
	over 0 "compat 6: the same version, another srcversion" 1.0 other
	over 0 "compat 6: older, with --force" 1.1 abc --force
	over 0 "compat 6: older, with --force-version-override" 1.1 abc --force-version-override
	over 0 "compat 6: the same, with --force" 1.0 hello-1.0 --force

	kernel_machine
	module hello 1.0
	sed -i /VERSION/d "$sourcetree/hello-1.0/hello.c"
	sed -i /srcversion/d "$sourcetree/hello-1.0/hello.c"
	dkms build hello/1.0 -k $K > /dev/null
	mkdir "$tree/misc"
	cp "$dkmstree/hello/1.0/$K/$arch/module/hello.ko" "$tree/misc/hello.ko"
	dkms_exits 6 "compat 11.12: an identical unversioned file" install hello/1.0 -k $K
	echo tail >> "$tree/misc/hello.ko"
	dkms_exits 0 "another unversioned file" install hello/1.0 -k $K

	# An existing module is found anywhere, even if another one is older.
	kernel_machine
	module hello 1.0
	kernel_module $K kernel/drivers/a/hello.ko 0.9 abc
	kernel_module $K some/where/hello.ko 2.0 abc
	dkms_exits 6 "compat 11.12: an existing module elsewhere is newer" install hello/1.0 -k $K

	kernel_machine .xz
	module hello 1.0
	kernel_module $K kernel/drivers/hello.ko.xz 1.1 abc
	dkms_exits 6 "compat 6: a compressed module is newer" install hello/1.0 -k $K

	# One of two modules is older.
	kernel_machine
	module pair 1.0 'BUILT_MODULE_NAME=(left right)' 'DEST_MODULE_LOCATION=(/extra /extra)'
	write_sources "$sourcetree/pair-1.0" 1.0 left right
	kernel_module $K kernel/left.ko 2.0 abc
	kernel_module $K kernel/right.ko 0.5 abc
	dkms_exits 0 "compat 6: one of two is older" install pair/1.0 -k $K
	like "$err" "warning.*left.ko" "compat 6: there is a warning for the older module"
	is "$(cd "$tree" && find . -name left.ko -o -name right.ko | sort)" \
		"$(printf '%s\n' ./kernel/left.ko "./$dest/right.ko" | sort)" "compat 6: the other module is installed"
	dkms_exits 0 "uninstall" uninstall pair/1.0 -k $K
	is "$(cd "$tree" && find . -name left.ko -o -name right.ko | sort)" \
		"$(printf '%s\n' ./kernel/left.ko ./kernel/right.ko)" "both modules of the kernel are there again"
	is "$(module_field version "$tree/kernel/left.ko")" 2.0 "the module that was not replaced is unchanged"
}

# Two modules have one name for the kernel, but two in the dkms.conf.
same_names()
{
	local before

	kernel_machine
	module pair 1.0
	write_sources "$sourcetree/pair-1.0" 1.0 pair-a pair_a
	printf '%s\n' 'BUILT_MODULE_NAME=(pair-a pair_a)' 'DEST_MODULE_NAME=(pair-a pair_a)' \
		'DEST_MODULE_LOCATION=(/extra /extra)' >> "$sourcetree/pair-1.0/dkms.conf"
	kernel_module $K "$dest/pair-a.ko" 0.1 foreign
	before=$(tree_snapshot)
	dkms_exits 6 "two modules with one name" install pair/1.0 -k $K
	like "$err" 'pair-a.ko and .*pair_a.ko have the same name' "the error says so"
	is "$(tree_snapshot)" "$before" "a file that was there is still there"
}

originals()
{
	local original before

	kernel_machine
	module hello 1.0
	module hello 1.1
	dkms add hello/1.1 > /dev/null
	original=$dkmstree/hello/original_module/$K/$arch
	kernel_module $K kernel/drivers/hello.ko 0.5 abc
	before=$(tree_snapshot)
	dkms_exits 0 "install over a module of the kernel" install hello/1.0 -k $K
	ok "compat 6: the kernel's module is moved" test ! -e "$tree/kernel/drivers/hello.ko"
	is "$(ls "$original")" "$(printf '%s\n' hello.ko hello.ko.origin)" "compat 1: it is in original_module"
	is "$(module_field version "$original/hello.ko")" 0.5 "it is the kernel's module"
	is "$(cat "$original/hello.ko.origin")" "$tree/kernel/drivers/hello.ko" "compat 1: .origin has the path of the original"
	dkms_exits 0 "status" status
	is "$out" "hello/1.0, $K, $arch: installed (Original modules exist)
hello/1.1: added" "compat 8: status mentions the original"
	dkms_exits 0 "compat 11.12: another version of the package" install hello/1.1 -k $K
	is "$(state hello 1.0 $K) $(state hello 1.1 $K)" "built installed" "the new version replaces the old one"
	is "$(ls "$original")" "$(printf '%s\n' hello.ko hello.ko.origin)" "compat 11.12: the old version is not kept as an original"
	dkms_exits 6 "compat 11.12: back to the older version" install hello/1.0 -k $K
	is "$(state hello 1.1 $K)" installed "the older version is not installed without --force"
	dkms_exits 0 "compat 11.12: back to the older version with --force" install hello/1.0 -k $K --force
	is "$(state hello 1.0 $K) $(state hello 1.1 $K)" "installed built" "the older version is installed"
	is "$(module_field version "$tree/$dest/hello.ko")" 1.0 "its module is in the kernel's tree"
	dkms_exits 0 "uninstall of the version that is not installed" uninstall hello/1.1 -k $K
	is "$(state hello 1.0 $K)" installed "the installed version stays installed"
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	is "$(tree_snapshot)" "$before" "compat 11.12: the original is where it was"
	ok "original_module is removed" test ! -e "$dkmstree/hello/original_module"

	# An .origin file names the directory of another kernel, whose name begins with that of this
	# kernel.
	kernel_machine
	module hello 1.0
	kernel_module $K kernel/drivers/hello.ko 0.5 abc
	dkms install hello/1.0 -k $K > /dev/null
	original=$dkmstree/hello/original_module/$K/$arch
	echo "$tree-other/hello.ko" > "$original/hello.ko.origin"
	dkms_exits 0 ".origin names a path outside of the kernel's directory" uninstall hello/1.0 -k $K
	ok "the original is not moved there" test ! -e "$tree-other"
	is "$(module_field version "$tree/$dest/hello.ko")" 0.5 "the original is moved to the directory for modules"

	# The kernel's module is at the destination.
	kernel_machine .xz
	module hello 1.0
	kernel_module $K "$dest/hello.ko" 0.5 abc
	before=$(tree_snapshot)
	dkms_exits 0 "install over a module at the destination" install hello/1.0 -k $K
	is "$(cd "$tree" && find . -name 'hello*')" "./$dest/hello.ko.xz" "it is replaced, although it is compressed"
	dkms_exits 0 "unbuild" unbuild hello/1.0 -k $K
	is "$(tree_snapshot)" "$before" "the original is restored"

	# There are several modules of the kernel.
	kernel_machine
	module hello 1.0
	for place in kernel/a kernel/b extra; do
		kernel_module $K $place/hello.ko 0.5 $place
	done
	before=$(tree_snapshot)
	dkms_exits 0 "compat 6: install over several modules, one of them in extra" install hello/1.0 -k $K
	original=$dkmstree/hello/original_module/$K/$arch
	is "$(module_field srcversion "$original/hello.ko")" extra "compat 6: the module in extra becomes the original"
	is "$(cd "$original/collisions" && find . -name '*.ko' | sort)" \
		"$(printf '%s\n' ./kernel/a/hello.ko ./kernel/b/hello.ko)" "compat 6: the others become collisions"
	is "$(cd "$tree" && find . -name 'hello*')" "./$dest/hello.ko" "compat 6: only our module is left"
	dkms_exits 0 "remove" remove hello/1.0 --all
	is "$(tree_snapshot)" "$before" "all modules of the kernel are restored"
	is "$(ls "$dkmstree")" "" "no file is left in the dkms tree"
	rm -r "$tree/extra"
	before=$(tree_snapshot)
	dkms_exits 0 "compat 6: install over several modules, all in other directories" install hello/1.0 -k $K
	is "$(find "$original" -name '*.ko' | wc -l) $(find "$original/collisions" -name '*.ko' | wc -l)" "2 2" \
		"compat 6: all modules become collisions"
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	is "$(tree_snapshot)" "$before" "all modules of the kernel are restored"

	# Another module of that name comes later.
	kernel_machine
	module hello 1.0
	kernel_module $K kernel/drivers/hello.ko 0.5 kernels
	dkms install hello/1.0 -k $K > /dev/null
	original=$dkmstree/hello/original_module/$K/$arch
	kernel_module $K extra/hello.ko 0.6 later
	rm "$tree/$dest/hello.ko"
	dkms_exits 0 "installed again, with another module in another directory" autoinstall -k $K
	is "$(module_field srcversion "$original/hello.ko") $(module_field srcversion "$original/collisions/extra/hello.ko")" \
		"kernels later" "both originals are kept"
	# The kernel's package has put its module back where it was. An install that fails keeps both.
	kernel_module $K kernel/drivers/hello.ko 0.7 newer
	kernel_module $K extra/hello.ko 0.8 newest
	before=$(snapshot "$dkmstree/hello/original_module" "$tree")
	mv "$dkmstree/hello/kernel-$K-$arch" "$work/link"
	mkdir "$dkmstree/hello/kernel-$K-$arch"
	mkdir "$dkmstree/hello/kernel-$K-$arch/in-the-way"
	dkms_exits 1 "an install that fails at its end" install hello/1.0 -k $K --force
	is "$(snapshot "$dkmstree/hello/original_module" "$tree")" "$before" "the originals, old and new, are where they were"
	rm -r "$dkmstree/hello/kernel-$K-$arch"
	mv "$work/link" "$dkmstree/hello/kernel-$K-$arch"
	rm "$tree/$dest/hello.ko"
	dkms_exits 0 "installed again" autoinstall -k $K
	is "$(find "$original" -type f -name '*hello.ko*' ! -name '*.origin' | sort)" \
		"$original/collisions/extra/hello.ko"$'\n'"$original/hello.ko" "no old original is left"
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	is "$(module_field srcversion "$tree/kernel/drivers/hello.ko") $(module_field srcversion "$tree/extra/hello.ko")" \
		"newer newest" "the newer ones are restored"
	ok "original_module is removed" test ! -e "$dkmstree/hello/original_module"

	# The original dkms archives a module without .origin.
	kernel_machine
	module hello 1.0
	dkms install hello/1.0 -k $K > /dev/null
	original=$dkmstree/hello/original_module/$K/$arch
	mkdir -p "$original/collisions/kernel/fs"
	kernel_module $K original.ko 0.5 old
	cp "$tree/original.ko" "$original/hello.ko"
	mv "$tree/original.ko" "$original/collisions/kernel/fs/hello.ko"
	dkms_exits 0 "uninstall with an original without .origin" uninstall hello/1.0 -k $K
	is "$(cd "$tree" && find . -name 'hello*' | sort)" "$(printf '%s\n' ./kernel/fs/hello.ko "./$dest/hello.ko")" \
		"the original is restored to the directory for modules, the collision to its own"

	# A module of another package has the same name.
	kernel_machine
	module first 1.0 BUILT_MODULE_NAME=shared
	module second 2.0 BUILT_MODULE_NAME=shared
	write_sources "$sourcetree/first-1.0" 1.0 shared
	write_sources "$sourcetree/second-2.0" 2.0 shared
	dkms install first/1.0 -k $K > /dev/null
	dkms_exits 0 "install over the module of another package" install second/2.0 -k $K
	is "$(module_field version "$tree/$dest/shared.ko")" 2.0 "the module is replaced"
	dkms_exits 0 "uninstall" uninstall second/2.0 -k $K
	is "$(module_field version "$tree/$dest/shared.ko")" 1.0 "the module of the other package is restored"
}

hooks()
{
	local source

	kernel_machine
	module hello 1.0 'PRE_INSTALL="hook.sh before"' 'POST_INSTALL="hook.sh after"' 'POST_REMOVE="hook.sh gone"'
	source=$sourcetree/hello-1.0
	write_script "$source/hook.sh" 'echo "$1: $PWD $kernelver $module/$module_version"' \
		"[ -e $tree/$dest/hello.ko ] && echo there" 'exit 0'
	dkms_exits 0 "install with hooks" install hello/1.0 -k $K
	like "$out" "^before: ($source|$dkmstree/hello/1.0/source) $K hello/1.0$" \
		"compat 4, 11.15: PRE_INSTALL runs in the source, with its output on stdout"
	like "$out" "^after: ($source|$dkmstree/hello/1.0/source) $K hello/1.0$" "compat 4: POST_INSTALL runs"
	is "$(printf '%s\n' "$out" | grep -E '^(before|after|there)' | cut -d: -f1)" "$(printf '%s\n' before after there)" \
		"compat 6: the hooks run before and after the files are installed"
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	is "$(printf '%s\n' "$out" | grep -E '^(gone|there)' | cut -d: -f1)" gone "compat 6: POST_REMOVE runs after the files are removed"
	write_script "$source/hook.sh" 'echo "no $1" >&2; exit 5'
	before=$(tree_snapshot)
	dkms_exits 101 "compat 4: a failing PRE_INSTALL" install hello/1.0 -k $K
	is "$(state hello 1.0 $K)" built "it is built but not installed"
	is "$(tree_snapshot)" "$before" "the kernel's tree is unchanged"
	dkms_exits 0 "compat 4: --force installs it" install hello/1.0 -k $K --force
	is "$(state hello 1.0 $K)" installed "the module is installed"
	like "$err" "warning.*POST_INSTALL.*exited 5" "a failing POST_INSTALL gives a warning"
	dkms_exits 0 "a failing POST_REMOVE" remove hello/1.0 -k $K
	like "$err" "warning.*POST_REMOVE.*exited 5" "a failing POST_REMOVE gives a warning"
	is "$(state hello 1.0)" absent "the version is removed"
	chmod -x "$source/hook.sh"
	dkms_exits 0 "compat 4: hooks that are not executable" install hello/1.0 -k $K
	is "$(printf '%s\n' "$err" | grep -c 'warning.*hook.sh is not executable')" 2 "compat 4: there are warnings for them"
	rm "$source/dkms.conf"
	dkms_exits 0 "remove without a dkms.conf" remove hello/1.0 --all
	is "$(state hello 1.0) $(find "$tree" -name 'hello*')" "absent " "the module is removed"
	module hello 1.1
	dkms install hello/1.1 -k $K > /dev/null
	echo 'BUILT_MODULE_NAME=(a a) DEST_MODULE_LOCATION=(/usr /usr)' >> "$sourcetree/hello-1.1/dkms.conf"
	dkms_exits 0 "compat 4: remove with a bad dkms.conf" remove hello/1.1 --all
	is "$(state hello 1.1) $(find "$tree" -name 'hello*')" "absent " "compat 4: the version is removed"
}

# Writes a depmod that records its calls and runs LINEs.
fake_depmod() # [LINE...]
{
	rm -f "$work/depmods"
	write_script "$work/bin/depmod" "echo \"\$*\" >> '$work/depmods'" "$@"
}

depmods()
{
	local n before

	kernel_machine
	kernel $K7
	for n in 1 2 3; do
		module mod$n 1.0
	done
	dkms_exits 0 "install" install mod1/1.0 -k $K
	like "$(cat "$tree/modules.dep")" "^$dest/mod1.ko:" "compat 6: depmod has added the module"
	dkms_exits 0 "uninstall" uninstall mod1/1.0 -k $K
	is "$(grep -c mod1 "$tree/modules.dep")" 0 "compat 6: depmod has removed the module"
	for n in 1 2 3; do
		dkms add mod$n/1.0 > /dev/null || true
	done
	fake_depmod 'exit 0'
	dkms_exits 0 "three modules for two kernels" autoinstall -k $K -k $K7
	is "$(sed 's/.* //' "$work/depmods" | sort)" "$(printf '%s\n' $K $K7)" "depmod runs once for each kernel"
	for n in 1 2 3; do
		dkms uninstall mod$n/1.0 --all > /dev/null
	done
	fake_depmod 'for k; do :; done' "touch '$work/here-'\$k" 'i=0' \
		"until [ -e '$work/here-$K' ] && [ -e '$work/here-$K7' ]; do" \
		'[ $((i += 1)) -lt 100 ] || exit 1' 'sleep 0.1' 'done'
	dkms_exits 0 "the depmods of two kernels run at the same time" autoinstall -k $K -k $K7 -j 2
	is "$(wc -l < "$work/depmods")" 2 "depmod runs twice"
	rm "$work/depmods"
	dkms_exits 0 "autoinstall with nothing to do" autoinstall -k $K -k $K7
	dkms_exits 0 "install of an installed version" install mod1/1.0 -k $K
	dkms_exits 0 "a build only" build mod1/1.0 -k $K --force
	ok "depmod does not run for these" test ! -e "$work/depmods"
	dkms_exits 0 "compat 3: --no-depmod" unbuild mod1/1.0 -k $K --no-depmod
	dkms_exits 0 "compat 3: --no-depmod" install mod1/1.0 -k $K --no-depmod
	ok "depmod does not run with --no-depmod" test ! -e "$work/depmods"
	rm "$installtree/$K7/modules.dep"
	dkms_exits 0 "compat 6: a kernel without modules.dep" unbuild mod2/1.0 -k $K7
	ok "compat 6: depmod does not run without modules.dep" test ! -e "$work/depmods"

	kernel_machine
	module hello 1.0
	kernel_module $K kernel/hello.ko 0.5 old
	before=$(tree_snapshot)
	fake_depmod 'echo "depmod: disk on fire" >&2' 'exit 1'
	dkms_exits 6 "compat 6: a failing depmod" install hello/1.0 -k $K
	like "$err" "disk on fire" "the error has depmod's message"
	is "$(state hello 1.0 $K)" built "compat 6: the installation is undone"
	is "$(tree_snapshot)" "$before" "compat 6: the original modules are restored"
	dkms add hello/1.0 > /dev/null 2>&1 || true
	dkms_exits 11 "compat 9: a failing depmod of autoinstall" autoinstall -k $K
	is "$(state hello 1.0 $K)" built "the installation is undone"
	rm "$work/bin/depmod"
	dkms_exits 0 "depmod works again" install hello/1.0 -k $K
	is "$(state hello 1.0 $K)" installed "the module is installed"

	# The next version lacks a module and has a new one.
	module hello 1.1 'BUILT_MODULE_NAME[0]=hello' 'BUILT_MODULE_NAME[1]=two' \
		'DEST_MODULE_LOCATION[1]=/kernel/extra'
	write_sources "$sourcetree/hello-1.1" 1.1 hello two
	module hello 1.2 'BUILT_MODULE_NAME[0]=hello' 'BUILT_MODULE_NAME[1]=three' \
		'DEST_MODULE_LOCATION[1]=/kernel/extra'
	write_sources "$sourcetree/hello-1.2" 1.2 hello three
	dkms_exits 0 "install the next version" install hello/1.1 -k $K
	before=$(snapshot "$tree" "$dkmstree/hello/original_module")
	fake_depmod 'exit 1'
	dkms_exits 6 "compat 6: depmod fails in an upgrade" install hello/1.2 -k $K
	is "$(state hello 1.1 $K) $(state hello 1.2 $K)" "installed built" "compat 6: the upgrade is undone"
	is "$(snapshot "$tree" "$dkmstree/hello/original_module")" "$before" "compat 6: the files are those of the previous version"
	like "$err" "hello/1.1 is installed as before" "dkms says that the previous version is installed"
	dkms_exits 6 "depmod fails in an upgrade with --symlink-modules" install hello/1.2 -k $K --symlink-modules
	is "$(state hello 1.1 $K)" installed "the previous version is installed"
	ok "its module is a link again" test "$tree/$dest/two.ko" -ef "$dkmstree/hello/1.1/$K/$arch/module/two.ko"
	rm "$work/bin/depmod"
	dkms_exits 0 "uninstall" uninstall hello/1.1 -k $K
	is "$(cd "$tree" && find . -name '*.ko' | sort)" "$(printf '%s\n' ./kernel/fs/ext9.ko ./kernel/hello.ko)" \
		"the original is restored, and no other module is left"

	# A kernel whose directory has only files of dkms and depmod.
	kernel_machine
	module hello 1.0
	dkms install hello/1.0 -k $K > /dev/null
	rm -r "$tree"/{kernel,modules.order,modules.builtin}
	dkms_exits 0 "compat 6: the last module of a kernel without an image" uninstall hello/1.0 -k $K
	is "$(find "$tree" -name 'modules.*')" "" "compat 6: the files of depmod are removed"
}

# Other packages, and the kernel, have modules of the same name in the same place.
others()
{
	local victim how sum copy='STRIP[0]=no'

	machine
	kernel $K
	add good 1.0
	dkms install good/1.0 -k $K > /dev/null
	victim=$installtree/$K/$dest/good.ko
	sum=$(cksum < "$victim")
	module evil 1.0 'BUILT_MODULE_NAME[0]=good' "$copy" "MAKE='cp $victim good.ko'"
	for how in "remove evil/1.0 --all" "unbuild evil/1.0 -k $K"; do
		dkms_exits 0 "a package that copies another's module is built" build evil/1.0 -k $K
		# shellcheck disable=SC2086 # the words of the command
		dkms_exits 0 "$how" $how
		is "$(cksum < "$victim")" "$sum" "${how%% *}: the other's module is still there"
	done
	dkms build evil/1.0 -k $K > /dev/null
	touch "$dkmstree/.unfinished-$K"
	dkms_exits 0 "remove after a killed run" remove evil/1.0 --all
	is "$(cksum < "$victim")" "$sum" "remove after a killed run: the other's module is still there"
	dkms_exits 0 "the copy is installed" install evil/1.0 -k $K
	dkms_exits 0 "and removed" remove evil/1.0 --all
	is "$(cksum < "$victim")" "$sum" "the other's module is still there"

	# Without a rule of the distribution, the dkms.conf decides the directory.
	if private_etc; then
		cp -L /etc/os-release "$work/os-release"
		rm -f /etc/os-release
		echo ID=unknown > /etc/os-release
		victim=$installtree/$K/kernel/fs/ext9.ko
		sum=$(cksum < "$victim")
		module copy 1.0 'BUILT_MODULE_NAME[0]=ext9' "$copy" "MAKE='cp $victim ext9.ko'" 'DEST_MODULE_LOCATION[0]=/kernel/fs'
		dkms_exits 0 "a package that copies a module of the kernel is built" build copy/1.0 -k $K
		dkms_exits 0 "and removed" remove copy/1.0 --all
		is "$(cksum < "$victim")" "$sum" "the kernel's module is still there"
		dkms_exits 0 "it is installed" install copy/1.0 -k $K
		dkms_exits 0 "and removed" remove copy/1.0 --all
		is "$(cksum < "$victim")" "$sum" "the kernel's module is still there"
		cp "$work/os-release" /etc/os-release
	fi

	# One of two modules is not installed, because another package has a newer one.
	machine
	kernel $K
	module new 2.0 'BUILT_MODULE_NAME[0]=shared'
	write_sources "$sourcetree/new-2.0" 2.0 shared
	module two 1.0 'BUILT_MODULE_NAME[0]=own' 'BUILT_MODULE_NAME[1]=shared' 'DEST_MODULE_LOCATION[1]=/kernel/extra'
	write_sources "$sourcetree/two-1.0" 1.0 own shared
	dkms install new/2.0 -k $K > /dev/null
	victim=$installtree/$K/$dest/shared.ko
	sum=$(cksum < "$victim")
	dkms_exits 0 "a package with an older module" install two/1.0 -k $K
	like "$err" "is not newer" "it is not installed"
	dkms_exits 0 "is removed" remove two/1.0 --all
	is "$(cksum < "$victim")" "$sum" "the newer module is still there"
	dkms install two/1.0 -k $K --force > /dev/null
	sum=$(cksum < "$victim")
	dkms_exits 0 "the package whose module was replaced is removed" remove new/2.0 --all
	is "$(cksum < "$victim")" "$sum" "the module in its place is still there"
}

# Prints the modules of this name in the kernel's directory.
shared() { (cd "$installtree/$K" && find . -name 'shared*' -exec cksum {} +); }

# A package has replaced the module of another one, which has replaced the kernel's.
successors()
{
	local own place first second what

	for place in "$dest" kernel; do
		for first in older newer; do
			machine
			kernel $K
			kernel_module $K "$place/shared.ko" 0.1 old
			own=$(shared)
			module older 1.0 'BUILT_MODULE_NAME[0]=shared'
			write_sources "$sourcetree/older-1.0" 1.0 shared
			module newer 1.0 'BUILT_MODULE_NAME[0]=shared'
			write_sources "$sourcetree/newer-1.0" 2.0 shared
			dkms install older/1.0 -k $K > /dev/null
			dkms install newer/1.0 -k $K > /dev/null
			what="the kernel's module is in $place, $first is removed first"
			dkms_exits 0 "$what" remove $first/1.0 --all
			second=older
			[ $first = newer ] || second=newer
			ok "$what: the other's module is there" cmp "$installtree/$K/$dest/shared.ko" \
				"$dkmstree/$second/1.0/$K/$arch/module/shared.ko"
			dkms_exits 0 "$second is removed" remove $second/1.0 --all
			is "$(shared)" "$own" "$what: the kernel's module is there again, and no other"
			is "$(ls "$dkmstree")" "" "$what: no file is left"
		done
	done
}

places
version_check
same_names
originals
others
successors
hooks
depmods
finish
