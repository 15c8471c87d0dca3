# shellcheck shell=bash disable=SC2034,SC2154
# Two kernels with real headers that differ in their names only, a package m of three objects, and
# functions that build it and count the objects that were linked and compiled. To be sourced after
# lib/fixture.sh; skips the test if that is not possible here.

command -v apt-get >/dev/null || skip_all "kernels come from Debian's packages"
"$DKMS" --version > /dev/null
[ -n "$private" ] || skip_all "no mount namespace"
fetch_input --kernels amd64:1 --modules ""
grep '^needs ' "$work/input" && skip_all "the kernel's compiler is not installed"
root=$(sed -n 's/^root //p' "$work/input")
real=$(sed -n 's/^kernel //p' "$work/input")
headers=$(realpath "$root/lib/modules/$real/build")
common=$(sed -n 's|^include \(.*\)/Makefile$|\1|p' "$headers/Makefile")
kbuild=$(realpath "$headers/scripts/..")
compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$headers/.config")

freeze_packages
machine
cache=$machine/cache
trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
	--cache-dir "$cache")
src=$machine/usr/src
mkdir -p "$machine/usr/lib"
kbuild_copy=$machine/usr/lib/${kbuild##*/}
cp -a "$kbuild" "$kbuild_copy"
mount -t tmpfs tools /opt
tools=/opt/tools
mkdir $tools
PATH=$tools:$PATH

# Makes a copy of the real kernel with another name.
kernel_named() # RELEASE
{
	local file

	cp -a "$headers" "$src/linux-headers-$1"
	cp -a "$common" "$src/linux-headers-$1-common"
	sed -i "s|$common|$src/linux-headers-$1-common|; s|=$headers\$|=$src/linux-headers-$1|" \
		"$src/linux-headers-$1/Makefile"
	for file in .config .kernelvariables include/config/auto.conf include/config/kernel.release \
		include/generated/autoconf.h include/generated/utsrelease.h; do
		file=$src/linux-headers-$1/$file
		[ ! -f "$file" ] || sed -i "s/$real/$1/g" "$file"
	done
	mkdir -p "$installtree/$1"
	ln -sfn "$src/linux-headers-$1" "$installtree/$1/build"
	ln -sfn "$src/linux-headers-$1-common" "$installtree/$1/source"
}

A=6.1.0-1-test
B=6.1.0-2-test
kernel_named $A
kernel_named $B
common_b=$src/linux-headers-$B-common

# Makes a package m of two objects and an assembler file. a.c reads more files than the others.
new_module() # [LINE OF MAKEFILE...]
{
	dkms remove m/1.0 --all > /dev/null 2>&1 || true
	rm -rf "$sourcetree/m-1.0"
	mkdir -p "$sourcetree/m-1.0/sub"
	printf '%s\n' 'PACKAGE_NAME=m' 'PACKAGE_VERSION=1.0' 'BUILT_MODULE_NAME=m' \
		'DEST_MODULE_LOCATION=/kernel/extra' > "$sourcetree/m-1.0/dkms.conf"
	cat > "$sourcetree/m-1.0/sub/a.c" <<'END'
#include <linux/module.h>
#include <linux/fifo-of-m.h>
#include "../local.h"
int b(int);
static int __init start(void) { return b(LOCAL + FIFO_OF_M + CONFIG_NR_CPUS); }
module_init(start);
MODULE_LICENSE("GPL");
END
	echo '#define LOCAL 1' > "$sourcetree/m-1.0/local.h"
	printf '%s\n' '#include <linux/types.h>' 'int b(int);' 'int c(void);' \
		'int b(int x) { return x + (c != 0); }' > "$sourcetree/m-1.0/b.c"
	printf '%s\n' '#include <linux/linkage.h>' 'SYM_FUNC_START(c)' '	RET' 'SYM_FUNC_END(c)' \
		> "$sourcetree/m-1.0/c.S"
	printf '%s\n' 'obj-m := m.o' 'm-y := sub/a.o b.o c.o' "$@" > "$sourcetree/m-1.0/Makefile"
	dkms add m/1.0 > /dev/null
}

# A header of the kernels that only a.c reads.
for k in $A $B; do
	echo '#define FIFO_OF_M 1' > "$src/linux-headers-$k-common/include/linux/fifo-of-m.h"
done

# Prints the numbers of linked and compiled objects.
counters()
{
	dkms cache stats | sed -n 's/^objects .* \([0-9]*\) linked *\([0-9]*\) compiled$/\1 \2/p' | grep . || echo 0 0
}

# Builds m for a kernel and checks the numbers of linked and compiled objects.
counted() # RELEASE COUNTERS DESCRIPTION
{
	local before after k=$1

	read -r -a before <<< "$(counters)"
	run_dkms build m/1.0 -k "$k" --directive STRIP=no
	read -r -a after <<< "$(counters)"
	is "$status $((after[0] - before[0])) $((after[1] - before[1]))" "0 $2" "$3"
	[ "$status" -eq 0 ] || note "$out$err"
}

# Builds m, and builds it again without the cache, with the same result.
builds() # RELEASE COUNTERS DESCRIPTION
{
	local k=$1

	counted "$@"
	said=$out
	rm -rf "$work/first"
	cp -r "$dkmstree/m/1.0/$k/$arch/module" "$work/first"
	cp "$dkmstree/m/1.0/$k/$arch/log/make.log" "$work/first.log"
	run_dkms build m/1.0 -k "$k" --directive STRIP=no --no-cache --force
	ok "$3: the result without a cache is the same" diff -r "$work/first" "$dkmstree/m/1.0/$k/$arch/module"
	dkms unbuild m/1.0 -k "$k" > /dev/null
}
