#!/bin/bash
# BTF: for a kernel whose headers have a vmlinux, modules have the same bytes each time, because
# pahole runs with one thread. A script on PATH stands in for pahole.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"

# Builds, and prints what pahole was called with.
called() # [OPTION...]
{
	dkms build m/1.0 -k $K --force --no-cache "$@" > /dev/null
	module_field pahole "$dkmstree/m/1.0/$K/$arch/module/m.ko"
}

cached_machine
headers=$machine/usr/src/linux-headers-$K
# As kbuild does it: the arguments go to a shell, which finds pahole on PATH.
sed -i 's|^	@as -o.*|	@echo ".section .modinfo,\\"a\\"" >> $@.s; echo ".asciz \\"pahole=$$(pahole $(PAHOLE_FLAGS))\\"" >> $@.s\n&|' \
	"$headers/Makefile"
# Like pahole, it has other results with several threads. It has no output of its own in a module.
write_script "$tools/pahole" 'echo "$# $*"'
module m 1.0
touch "$headers/vmlinux"
echo 'PAHOLE_FLAGS = -J -j --btf_gen_floats "a  b" --btf_base vmlinux $@' > "$headers/flags"
cat "$headers/flags" "$headers/Makefile" > "$headers/Makefile.new" && mv "$headers/Makefile.new" "$headers/Makefile"
ko=$(readlink -f "$dkmstree")/m/1.0/build/m.ko

is "$(called)" "7 -J -j1 --btf_gen_floats a  b --btf_base vmlinux /var/lib/dkms/m/1.0/build/m.ko" "pahole gets one thread and its other arguments"
is "$(called --sandbox=off)" "7 -J -j1 --btf_gen_floats a  b --btf_base vmlinux $ko" "without a sandbox, too"
is "$(ls -A "$dkmstree/m/1.0")" "$K
build
source" "nothing is left"
for flag in -j8 --jobs=2 --jobs; do
	sed -i "s/^PAHOLE_FLAGS.*/PAHOLE_FLAGS = $flag -J/" "$headers/Makefile"
	is "$(called)" "2 -j1 -J" "$flag is replaced"
done
for flag in --json -J -M; do
	sed -i "s/^PAHOLE_FLAGS.*/PAHOLE_FLAGS = $flag/" "$headers/Makefile"
	is "$(called)" "1 $flag" "$flag is not"
done
sed -i "s/^PAHOLE_FLAGS.*/PAHOLE_FLAGS = -j/" "$headers/Makefile"
builds "$miss" "a build with pahole"
builds_cached "$hit" "its result is found again"
rm "$headers/vmlinux"
is "$(called)" "1 -j" "without a vmlinux, pahole is not changed"
rm "$tools/pahole"
touch "$headers/vmlinux"
dkms_exits 0 "without pahole, the build does what the kernel's makefiles do" build m/1.0 -k $K --force --no-cache
finish
