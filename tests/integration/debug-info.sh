#!/bin/bash
# Debug information that strip would throw away, with a real kernel: it is not made, unless something reads it or
# debug_info=keep. In each mode a module is the same without a cache, with an empty one, from the cache, linked from
# objects of another kernel, and with the compiler's answers known. All modes have the same code and data.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
command -v apt-get > /dev/null || skip_all "kernels come from Debian's packages"
[ -n "$private" ] && [ "$real_user" -eq 0 ] || skip_all "needs root and a mount namespace"
fetch_input --kernels amd64:pair-1/amd64:1,amd64:pair-2/amd64:twin --modules ""
root=$(sed -n 's/^root //p' "$work/input")
mapfile -t kernels < <(sed -n 's/^kernel //p' "$work/input")
freeze_packages
machine
trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$machine/modules" --cache-dir "$machine/cache")
ok "the settings are replaced" private_etc
mkdir -p /etc/dkms

# Headers of the kernel's own, without the vmlinux that makes kbuild add BTF.
for k in "${kernels[@]}"; do
	mkdir -p "$machine/modules/$k"
	ln -s "$root/usr/src/linux-headers-$k" "$machine/modules/$k/build"
done
k=${kernels[0]}
config=$root/usr/src/linux-headers-$k/.config
grep -q ^CONFIG_DEBUG_INFO=y "$config" || skip_all "$k is configured without debug information"
[ ! -e "$root/usr/src/linux-headers-$k/vmlinux" ] || skip_all "$k has a vmlinux, so that BTF is made"

# Makes a package of a C file and an assembler file. make.log has how many sections of debug information the object
# file and the assembled one have, and how often kbuild has recorded -g0. The arguments are lines of the Makefile.
package() # NAME [LINE...]
{
	local dir=$sourcetree/$1-1.0

	mkdir -p "$dir"
	printf 'PACKAGE_NAME=%s\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME=%s\nDEST_MODULE_LOCATION=/extra\n' "$1" "$1" \
		> "$dir/dkms.conf"
	# shellcheck disable=SC2016 # dkms expands it
	echo 'MAKE="make -C $kernel_source_dir M=$dkms_tree/$PACKAGE_NAME/$PACKAGE_VERSION/build && sh ./sections"' \
		>> "$dir/dkms.conf"
	cat > "$dir/sections" <<-'END'
		for name in main asm; do
			echo "$name: $(readelf -SW $name.o | grep -c ' \.debug_') $(grep -c -e -g0 .$name.o.cmd)"
		done
	END
	printf '%s\n' "obj-m := $1.o" "$1-y := main.o asm.o" "${@:2}" > "$dir/Makefile"
	printf '%s\n' '#include <linux/module.h>' '#include <linux/slab.h>' 'int asm_value(void);' \
		'int value(int a);' 'int value(int a) { return (int)ksize(NULL) + asm_value() + a; }' \
		'EXPORT_SYMBOL(value);' 'MODULE_LICENSE("GPL");' > "$dir/main.c"
	printf '%s\n' '#include <linux/linkage.h>' 'SYM_FUNC_START(asm_value)' 'ret' 'SYM_FUNC_END(asm_value)' > "$dir/asm.S"
	[ "$arch" = x86_64 ] || sed -i 's/^ret$/nop/' "$dir/asm.S"
	dkms add "$1/1.0" > /dev/null
}

# Builds NAME, and sets $made to "none", or to "main", "asm" or "main asm" for those with debug information, and $cache.
build() # NAME KERNEL [OPTION...]
{
	local log=$dkmstree/$1/1.0/$2/$arch/log/make.log

	dkms unbuild "$1/1.0" -k "$2" > /dev/null 2>&1 || true
	run_dkms build "$1/1.0" -k "$2" --json "${@:3}"
	cache=$(jq -r '.jobs[0] | [.cache, .linked_from // empty] | join(" ")' "$work/out")
	probes=$(jq '[.jobs[0].phases[] | select(.phase == "probe")] | length' "$work/out")
	[ "$status" -eq 0 ] || { note "$err $(tail -n 30 "$dkmstree/$1/1.0/build/make.log")"; return 0; }
	made=$(sed -nE 's/^(main|asm): [1-9][0-9]* .*/\1/p' "$log" | paste -sd' ')
	made=${made:-none}
	recorded=$(grep -cE '^(main|asm): [0-9]+ [^0]' "$log" || true)
	cp "$dkmstree/$1/1.0/$2/$arch/module/$1.ko" "$work/last.ko"
}
mode() { echo "debug_info=$1" > /etc/dkms/framework.conf; }
linked() { [ "$cache" = "linked ${kernels[0]}" ] || [ "$cache" = "miss ${kernels[0]}" ]; }

# In each mode: none = cold = warm = linked, and with a memo.
for name in auto keep; do
	mode $name
	[ $name = auto ] && wanted=none || wanted="main asm"
	dkms cache clear > /dev/null
	rm -rf "${sourcetree:?}"/* "${dkmstree:?}"/*
	package p
	build p "$k" --no-cache
	is "$status $made $recorded" "0 $wanted 0" "$name: debug information, and what kbuild has recorded"
	cp "$work/last.ko" "$work/$name.ko"
	build p "$k"
	is "$made $cache" "$wanted miss" "$name: an empty cache"
	ok "$name: the module is the same" cmp "$work/last.ko" "$work/$name.ko"
	build p "$k"
	is "$cache" hit "$name: from the cache"
	ok "$name: the module is the same from it" cmp "$work/last.ko" "$work/$name.ko"
	build p "${kernels[1]}"
	ok "$name: linked from objects of the other kernel" linked
	is "$probes" 1 "$name: the second build makes the memo, although it is for another release"
	[ "$name" != auto ] || is "$made" none "$name: the objects have no debug information"
	cp "$work/last.ko" "$work/linked.ko"
	build p "${kernels[1]}" --no-cache
	ok "$name: the module is the same when it is built" cmp "$work/last.ko" "$work/linked.ko"
	package q
	build q "$k"
	is "$probes" 0 "$name: both kernels have one memo"
	echo "# another" >> "$sourcetree/p-1.0/sections"
	build p "$k"
	is "$made" "$wanted" "$name: with the compiler's answers known"
	ok "$name: the module is the same with them" cmp "$work/last.ko" "$work/$name.ko"
done

# Both modes in one cache, and what differs between them.
dkms cache clear > /dev/null
mode auto; build p "$k"; mode keep; build p "$k"
is "$made $cache" "main asm miss" "what is built in one mode is not found in the other"
mode auto; build p "$k"
is "$cache" hit "what was built in it is"
code() { for s in .text .data .rodata .modinfo __ksymtab .gnu.linkonce.this_module; do
	objcopy -O binary -j "$s" --set-section-flags "$s=alloc" "$1" "$work/section" 2> /dev/null; echo "$s $(cksum < "$work/section")"
done; readelf -sW "$1"; readelf -SW "$1"; }
is "$(code "$work/auto.ko")" "$(code "$work/keep.ko")" "the same code, data and symbols"

# Who reads it gets it.
with() # DESCRIPTION NAME [OPTION...]
{
	build "$2" "$k" --no-cache "${@:3}"
	is "$status $made" "0 main asm" "$1: there is debug information"
}
with "STRIP=no" p --directive STRIP=no
with "without a sandbox" p --sandbox=off
echo debug_info=keep > /etc/dkms/p.conf
with "debug_info in NAME.conf" p
mode keep; echo debug_info=auto > /etc/dkms/p.conf
build p "$k" --no-cache
is "$status $made" "0 none" "NAME.conf overrides framework.conf"
rm /etc/dkms/p.conf; mode auto
package reads 'ifneq ($(KERNELRELEASE),)' 'x := $(shell pahole --version)' endif
with "a makefile that names pahole" reads
package patched
mkdir -p "$sourcetree/patched-1.0/patches"
printf 'PATCH[0]=d.patch\n' >> "$sourcetree/patched-1.0/dkms.conf"
printf '%s\n' '--- a/sections' '+++ b/sections' '@@ -1,1 +1,2 @@' '+: objdump --dwarf=info main.o' ' for name in main asm; do' \
	> "$sourcetree/patched-1.0/patches/d.patch"
with "a patch that names dwarf" patched
package asks 'ccflags-y := -O2 -g'
build asks "$k" --no-cache
is "$status $made" "0 main" "an own option -g: there is debug information of what it is for"
echo 'debug_info=perhaps' > /etc/dkms/framework.conf
run_dkms build p/1.0 -k "$k" --no-cache --force
is "$status" 8 "another value is an error"
like "$err" 'debug_info is "perhaps", but must be auto or keep' "and is named"
mode auto
echo 'debug_info=perhaps' > /etc/dkms/p.conf
run_dkms build p/1.0 -k "$k" --no-cache --force
is "$status" 8 "so it is in NAME.conf"
like "$err" '/etc/dkms/p.conf: debug_info is "perhaps"' "with its file"
rm /etc/dkms/p.conf

# The versions of symbols by gendwarfksyms, and BTF, are made of it.
for what in gendwarfksyms vmlinux none; do
	headers=$machine/headers-$what
	mkdir -p "$headers"
	cp -a "$root/usr/src/linux-headers-$k/." "$headers/"
	for link in scripts tools; do ln -sfn "$(realpath "$root/usr/src/linux-headers-$k/$link")" "$headers/$link"; done
	ln -sfn "$headers" "$machine/modules/$k/build"
	case $what in
	gendwarfksyms) find "$headers/" -maxdepth 3 \( -name .config -o -name auto.conf \) -exec sed -i '$aCONFIG_GENDWARFKSYMS=y' {} + ;;
	vmlinux) touch "$headers/vmlinux" ;;
	esac
	run_dkms build p/1.0 -k "$k" --no-cache --force --debug
	[[ $err == *dkms-probes* ]] && made=none || made=all
	[ $what = none ] && wanted=none || wanted=all
	is "$made" "$wanted" "headers with $what"
	rm -rf "$headers"
done
finish
