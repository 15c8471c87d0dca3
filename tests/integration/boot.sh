#!/bin/bash
# Boots a real kernel in a virtual machine without hardware support, and loads modules that dkms
# built for it: from a clean build, restored from the cache, and linked from objects of another
# kernel. A kernel that requires signatures refuses a module with an unknown key.
# Run by make check; alone: DKMS=./dkms top_srcdir=.. tests/integration/boot.sh
set -eu
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
# shellcheck source=tests/lib/read-conf.sh
. "${top_srcdir:?}/tests/lib/read-conf.sh"
# shellcheck source=tests/lib/virtual-machine.sh
. "$top_srcdir/tests/lib/virtual-machine.sh"

fetch cloud-amd64:pair-1/cloud-amd64:1,cloud-amd64:pair-2/cloud-amd64:twin acpi-call,nat-rtsp/vhba,langford
other=$(sed -n 's/^kernel //p' "$work/input" | tail -n 1)
chmod 0755 "$work"

# The complete tree of the kernel, since modules need modules of the kernel; of the other kernel
# only headers.
trees=(--dkmstree "$work/dkms" --sourcetree "$work/src" --installtree "$work/root/lib/modules"
	--cache-dir "$work/cache")
ours() { "$DKMS" "$@" "${trees[@]}" < /dev/null; }
mkdir -p "$work/dkms" "$work/src" "$work/root/lib/modules/$other"
cp -a "$root/lib/modules/$kernel" "$work/root/lib/modules/"
cp -a "$root/lib/modules/$other/"{build,source} "$work/root/lib/modules/$other/"
# Where tests run, a build makes no key of its own: process 1 may have another root directory.
ours generate_mok > /dev/null
for module in "${modules[@]}"; do
	cp -a "$root/usr/src/${module/\//-}" "$work/src/"
	ours add "$module" > /dev/null 2>&1
done
names=()
for module in "${modules[@]}"; do
	mapfile -t -O ${#names[@]} names < <(with_conf "$root/usr/src/${module/\//-}/dkms.conf" "$kernel" \
		"$root/lib/modules/$kernel/build" module_names)
done

keep() # NAME
{
	cp -r "$work/root/lib/modules/$kernel/updates/dkms" "$work/$1"
}

unbuild_all()
{
	local module

	for module in "${modules[@]}"; do
		ours unbuild "$module" -k "$kernel" > /dev/null
	done
}

ok "autoinstall" ours autoinstall -k "$kernel" --no-cache
is "$(ours status -k "$kernel" | grep -c ': installed$')" "${#modules[@]}" "all modules are installed"
keep built
loads_all "built"

ok "autoinstall for another kernel" ours autoinstall -k "$other"
unbuild_all
ours autoinstall -k "$kernel" > "$work/out" 2>&1 || true
is "$(grep -c "linked from $other" "$work/out")" "${#modules[@]}" "all modules are linked from objects of $other"
keep linked
ok "the linked modules are the same as the built ones, byte for byte" diff -r "$work/built" "$work/linked"
loads_all "linked"

unbuild_all
ours autoinstall -k "$kernel" > "$work/out" 2>&1 || true
is "$(grep -c 'from the cache' "$work/out")" "${#modules[@]}" "all modules are restored from the cache"
loads_all "restored"

# No kernel knows this key.
like "$(modinfo -F signer "$work/root/lib/modules/$kernel/updates/dkms/acpi_call.ko"*)" . "the modules are signed"
boot module.sig_enforce=1
is "$(grep ^kernel "$work/said")" "kernel $kernel" "signatures enforced: the kernel boots"
like "$(grep acpi_call "$work/said")" '^refused acpi_call: .*[Kk]ey was rejected' \
	"signatures enforced: a module with an unknown key is refused"
is "$(grep -c '^module acpi_call$' "$work/said")" 0 "signatures enforced: the module is not loaded"
finish
