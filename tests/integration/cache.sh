#!/bin/bash
# On real kernels and modules, the results are the same byte for byte, with the build-id: built
# without a cache, with an empty cache, linked from objects of another kernel, and restored from the
# cache. A change in between is noticed.
# Run by make check; alone: DKMS=./dkms top_srcdir=. tests/integration/cache.sh
# With more modules it takes about ten minutes (digimend needs a /lib/modules):
#	MODULES=acpi-call,v4l2loopback,evdi,gost-crypto,bbswitch,langford,dm-writeboost,nat-rtsp,\
#	digimend,dpdk-kmods DKMS=./dkms top_srcdir=. tests/integration/cache.sh
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/lib/same-headers.sh
. "${top_srcdir:?}/tests/lib/same-headers.sh"

command -v apt-get >/dev/null || skip_all "kernels and modules come from Debian's packages"
# Two kernels that mostly differ in little, another kernel, and another flavour.
fetch_input \
	--kernels amd64:pair-1/amd64:1,amd64:pair-2/amd64:twin,amd64:3/rt-amd64:1,cloud-amd64:1 \
	--modules "${MODULES:-v4l2loopback,acpi-call,bbswitch,dpdk-kmods}"
root=$(sed -n 's/^root //p' "$work/input")
mapfile -t kernels < <(sed -n 's/^kernel //p' "$work/input" | awk '!seen[$0]++')
mapfile -t modules < <(sed -n 's/^module //p' "$work/input")
[ -z "$private" ] || freeze_packages

trees=(--dkmstree "$work/dkms" --sourcetree "$work/src" --installtree "$work/lib/modules"
	--cache-dir "$work/cache")
ours() { "$DKMS" "$@" "${trees[@]}" < /dev/null; }

mkdir -p "$work/dkms" "$work/src" "$work/lib/modules"
options=()
for kernel in "${kernels[@]}"; do
	mkdir "$work/lib/modules/$kernel"
	cp -a "$root/lib/modules/$kernel/"{build,source} "$work/lib/modules/$kernel/"
	options+=(-k "$kernel")
done
for module in "${modules[@]}"; do
	cp -a "$root/usr/src/${module/\//-}" "$work/src/"
	ours add "$module" > /dev/null 2>&1
done

# Builds all modules for all kernels and keeps the results below $work/NAME.
build() # NAME [OPTION...]
{
	local name=$1 module start=${EPOCHREALTIME/./}

	shift
	for module in "${modules[@]}"; do
		ours unbuild "$module" --all > /dev/null 2>&1 || true
		ok "$name: $module" ours build "$module" "${options[@]}" "$@"
		mkdir -p "$work/$name/${module%/*}"
		cp -r "$work/dkms/$module/"*-*/ "$work/$name/${module%/*}/" 2>/dev/null || true
	done
	note "$name: $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
	# The headers and times in logs differ.
	find "$work/$name" -name log -type d -exec rm -r {} +
}

# Prints the numbers of linked and compiled objects.
objects() { ours cache stats | sed -n 's/^objects .* \([0-9]*\) linked *\([0-9]*\) compiled$/\1 \2/p'; }

counters() { ours cache stats | sed -n 's/^modules .* \([0-9]*\) hits *\([0-9]*\) misses *\([0-9]*\) stored.*/\1 \2 \3/p'; }

build none --no-cache
jobs=$(ours status | grep -c ": built") # some modules may be excluded
all=("${options[@]}")
options=(-k "${kernels[0]}")
build cold
read -r linked compiled <<< "$(objects)"
is "$linked" 0 "the first kernel: nothing is linked"
ok "objects are stored" test "$compiled" -ge ${#modules[@]}
options=("${all[@]:2:2}")
build cold
if same_headers "$root" "${kernels[0]}" "${kernels[1]}"; then
	is "$(objects)" "$compiled $compiled" "the second kernel: all objects are linked"
	like "$(cat "$work/tap.out")" "linked from ${kernels[0]//[.+]/.} in" "dkms says that they were linked"
else
	skip "${kernels[0]} and ${kernels[1]} differ in more than their names" "linking"
fi
options=("${all[@]:4}")
build cold
options=("${all[@]}")
is "$(counters)" "0 $jobs $jobs" "cold: all are misses, all are stored"
build warm
is "$(counters)" "$jobs $jobs $jobs" "warm: all are hits"
is "$(find "$work/none" -name '*.ko*' -type f | grep -c .)" \
	"$(find "$work/warm" -name '*.ko*' -type f | grep -c .)" "the same number of modules"
ok "there are some modules" test -n "$(find "$work/none" -name '*.ko*' -type f)"
ok "none = cold, byte for byte" diff -r "$work/none" "$work/cold"
ok "cold = warm, byte for byte" diff -r "$work/cold" "$work/warm"

module=${modules[0]}
source=$(find "$work/src/${module/\//-}" -name '*.c' | head -n 1)
echo '/* changed */ static const char changed[] __attribute__((used)) = "changed";' >> "$source"
modules=("$module")
build changed
is "$(counters)" "$jobs $((jobs + ${#kernels[@]})) $((jobs + ${#kernels[@]}))" \
	"a changed source: only its module is a miss"
build changed-none --no-cache
ok "changed: the result without a cache is the same" diff -r "$work/changed" "$work/changed-none"
ok "changed: the result is not the previous one" test -n "$(diff -rq "$work/changed/${module%/*}" "$work/none/${module%/*}")"
like "$(ours cache why "$module" -k "${kernels[0]}")" 'in the cache' "cache why: the module is in the cache"
ours cache verify > "$work/verify" 2>&1
is "$?" 0 "cache verify"

if same_headers "$root" "${kernels[0]}" "${kernels[1]}"; then
	ours cache clear > /dev/null
	ours unbuild "$module" --all > /dev/null
	ok "two kernels in one run" ours build "$module" -k "${kernels[0]}" -k "${kernels[1]}"
	like "$(cat "$work/tap.out")" "$module for ${kernels[1]//[.+]/.}: built, linked from ${kernels[0]//[.+]/.} in" \
		"the second one waits for the objects of the first"
fi
finish
