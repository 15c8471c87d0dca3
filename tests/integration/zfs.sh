#!/bin/bash
# Builds zfs for a real kernel, restores it from the cache, and loads it in a virtual machine. Its
# dkms.conf runs a configure script before make, and its POST_BUILD adds files to the built ones.
# Run by make check; alone: DKMS=./dkms top_srcdir=.. tests/integration/zfs.sh
set -eu
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
# shellcheck source=tests/lib/virtual-machine.sh
. "$top_srcdir/tests/lib/virtual-machine.sh"

fetch cloud-amd64:1 zfs
module=${modules[0]}
chmod 0755 "$work"

trees=(--dkmstree "$work/dkms" --sourcetree "$work/src" --installtree "$work/root/lib/modules"
	--cache-dir "$work/cache")
ours() { "$DKMS" "$@" "${trees[@]}" < /dev/null; }
mkdir -p "$work/dkms" "$work/src" "$work/root/lib/modules"
cp -a "$root/lib/modules/$kernel" "$work/root/lib/modules/"
cp -a "$root/usr/src/${module/\//-}" "$work/src/"
ours add "$module" > /dev/null
built=$work/dkms/$module/$kernel/$(uname -m)

ok "zfs is built and installed" ours install "$module" -k "$kernel"
is "$(ours status "$module")" "$module, $kernel, $(uname -m): installed" "its status"
for file in Module.symvers zfs_config.h; do
	ok "POST_BUILD has added $file" test -s "$built/$file"
	cp "$built/$file" "$work/$file"
done
like "$(cat "$work/Module.symvers")" "spl_panic" "it has the symbols of the modules"
mapfile -t names < <(cd "$built/module" && ls ./*.ko* | sed 's|^\./||; s/\.ko.*//')
is "${#names[@]}" "$(grep -c '^BUILT_MODULE_NAME' "$work/src/${module/\//-}/dkms.conf")" "all modules are built"

ours unbuild "$module" -k "$kernel" > /dev/null
like "$(ours install "$module" -k "$kernel")" "from the cache" "the second build is from the cache"
for file in Module.symvers zfs_config.h; do
	ok "the cache has $file" cmp "$built/$file" "$work/$file"
done
loads_all "from the cache"
finish
