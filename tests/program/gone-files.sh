#!/bin/bash
# autoinstall where modules count as installed, but are gone from the kernel's directory: after the
# kernel was installed again. On kernels of the fixture.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Prints the files of the packages in a kernel's directory.
installed() # RELEASE
{
	(cd "$installtree/$1" && find . -name '*.ko*' ! -name 'ext9*' | sort | paste -sd' ')
}

gone()
{
	local file inode

	for suffix in '' .xz; do
		machine
		kernel $K $suffix
		kernel $K7 $suffix
		kernel_module $K kernel/drivers/one.ko$suffix 0.1
		add one 1.0
		add two 1.0 'BUILT_MODULE_NAME[0]=two' 'BUILT_MODULE_NAME[1]=more' 'DEST_MODULE_LOCATION[1]=/extra'
		write_sources "$sourcetree/two-1.0" 1.0 two more
		dkms autoinstall -k $K -k $K7 > /dev/null
		file=$(installed $K)
		inode=$(stat -c %i "$dkmstree/two/1.0/$K/$arch")
		dkms_exits 0 "autoinstall" autoinstall -k $K -k $K7
		is "$out$err" "" "there is nothing to do"
		rm "$installtree/$K/$dest/more.ko$suffix"
		dkms_exits 0 "autoinstall --explain --dry-run after one of two files was removed" autoinstall -k $K --dry-run --explain
		like "$out" "^two/1.0 for $K: install \(installed, but files are gone" "says why"
		like "$out" "^one/1.0 for $K: nothing, installed" "another package is left alone"
		dkms_exits 0 "autoinstall" autoinstall -k $K -k $K7
		is "$out" "dkms: two/1.0 for $K: installed" "puts it back"
		is "$(installed $K)" "$file" "all files are there"
		is "$(stat -c %i "$dkmstree/two/1.0/$K/$arch")" "$inode" "without building it"
		# The kernel is installed again.
		rm -r "${installtree:?}/$K/$dest"
		kernel_module $K kernel/drivers/one.ko$suffix 0.2
		dkms_exits 0 "kernel_postinst after the kernel was installed again" kernel_postinst -k $K
		is "$(installed $K)" "$file" "puts all back, and moves the kernel's own module away"
		like "$(cat "$installtree/$K/modules.dep")" "one.ko" "depmod has run"
		dkms_exits 0 "autoinstall" autoinstall -k $K
		is "$out$err" "" "then there is nothing to do"
		dkms_exits 0 "uninstall" uninstall one/1.0 -k $K
		plain=$installtree/$K/kernel/drivers/one.ko$suffix
		is "$(module_field version "$plain")" 0.2 "the kernel's new own module comes back"
	done
}

# What is not gone.
others()
{
	machine
	kernel $K
	add one 1.0
	dkms autoinstall -k $K > /dev/null
	echo changed > "$installtree/$K/$dest/one.ko"
	dkms_exits 0 "a file that was changed by hand" autoinstall -k $K
	is "$out$(cat "$installtree/$K/$dest/one.ko")" changed "is left alone"
	dkms install one/1.0 -k $K --force > /dev/null
	dkms uninstall one/1.0 -k $K > /dev/null
	is "$(cat "$installtree/$K/$dest/one.ko")" changed "and comes back from under a module that was installed over it"
	rm "$installtree/$K/$dest/one.ko"
	dkms install one/1.0 -k $K > /dev/null
	local suffix tool
	for suffix in gz xz zst; do
		tool=${suffix/gz/gzip}
		tool=${tool/zst/zstd}
		command -v "$tool" > /dev/null || continue
		"$tool" < "$installtree/$K/$dest/one.ko" > "$work/compressed"
		mv "$work/compressed" "$installtree/$K/$dest/one.ko.$suffix"
		mv "$installtree/$K/$dest/one.ko" "$work/one.ko"
		dkms_exits 0 "a file that an administrator compressed with $tool" autoinstall -k $K
		is "$out$(installed $K)" "./$dest/one.ko.$suffix" "is left alone"
		ok "it is not kept as the kernel's own" test ! -e "$dkmstree/one/original_module"
		rm "$installtree/$K/$dest/one.ko.$suffix"
		mv "$work/one.ko" "$installtree/$K/$dest"
	done
	# A file with another suffix elsewhere does not stand for it.
	mv "$installtree/$K/$dest/one.ko" "$work/one.ko"
	mkdir -p "$installtree/$K/kernel/drivers"
	gzip < "$work/one.ko" > "$installtree/$K/kernel/drivers/one-more.ko.gz"
	dkms_exits 0 "another module in the kernel's directory" autoinstall -k $K
	ok "is no reason to leave the file out" test -e "$installtree/$K/$dest/one.ko"
	rm "$installtree/$K/kernel/drivers/one-more.ko.gz"
	mkdir "$installtree/$K/weak-updates"
	mv "$installtree/$K/$dest/one.ko" "$installtree/$K/weak-updates"
	dkms_exits 0 "a file that was moved" autoinstall -k $K
	is "$out" "" "is left alone"
	rm -r "${installtree:?}/$K"
	dkms_exits 0 "a kernel that was removed" autoinstall -k $K
	is "$out$err" "" "is left alone"
	kernel $K7
	dkms install one/1.0 -k $K7 > /dev/null
	rm "$installtree/$K7/$dest/one.ko"
	echo AUTOINSTALL=no >> "$sourcetree/one-1.0/dkms.conf"
	dkms_exits 0 "a package without AUTOINSTALL" autoinstall -k $K7
	is "$out$(installed $K7)" "" "is left alone"
	sed -i /AUTOINSTALL=no/d "$sourcetree/one-1.0/dkms.conf"
	if private_etc; then
		echo rebuild_stale=no > "$etc/framework.conf"
		dkms_exits 0 "rebuild_stale=no" autoinstall -k $K7
		is "$out$(installed $K7)" "" "nothing is put back"
		echo rebuild_stale=never > "$etc/framework.conf"
		dkms_exits 8 "another value" autoinstall -k $K7
		echo rebuild_stale=yes > "$etc/framework.conf"
		dkms_exits 0 "rebuild_stale=yes" autoinstall -k $K7
		is "$(installed $K7)" "./$dest/one.ko" "it is put back"
	fi
}

gone
others
finish
