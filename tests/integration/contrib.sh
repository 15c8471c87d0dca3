#!/bin/bash
# Drivers of Debian's contrib and non-free, whose makefiles and scripts look around on the machine.
# Each is built and installed for a real kernel, and restored from the cache.
#
#	tests/integration/contrib.sh [NAME...]
#
# NAME is the package NAME-dkms. Without any it takes r8168, because make check has no time for the others:
# nvidia-kernel, broadcom-sta and openafs-modules. zfs.sh builds zfs.
#
# Last seen on 2026-11-30, for 6.1.0-57-amd64, on two busy cores: nvidia-kernel 535.261.03 (621 s),
# broadcom-sta 6.30.223.271 (23 s). openafs-modules 1.8.9 was built in 21 minutes by hand: its
# configure compiles some 170 modules, one after the other. Each takes 1.5 s of CPU time, and the same
# by make alone.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
[ $# -gt 0 ] || set -- r8168

command -v apt-get > /dev/null && command -v dpkg > /dev/null && [ -L /lib ] ||
	skip_all "the packages are Debian's"
[ "$(uname -m)" = x86_64 ] || skip_all "the drivers are for x86_64"
[ -n "$private" ] || skip_all "needs a mount namespace"
fetch_input --kernels amd64:1 --modules "$(IFS=, && echo "$*")"
mapfile -t modules < <(sed -n 's/^module //p' "$work/input")
mapfile -t debs < <(sed -n 's/^deb //p' "$work/input")
kernel=$(sed -n 's/^kernel //p' "$work/input")

# Covers the system with layers, and unpacks the packages there.
mount_layers /etc /usr /var/cache /var/lib /var/log 2> "$work/tap.out" ||
	skip_all "no overlays: $(tail -n 1 "$work/tap.out")"
forget_packages
rm -rf /etc/dkms
mount_empty /usr/lib/modules /usr/src /var/cache/dkms /var/lib/dkms
ok "the packages are unpacked" dpkg --force-depends --force-unsafe-io --force-bad-path --unpack "${debs[@]}"
is "${#modules[@]}" $# "the packages have modules"

ours() { "${DKMS:?}" "$@" < /dev/null; }
installed=/lib/modules/$kernel/updates/dkms

# Prints the names of the modules that the package installs.
names() # NAME/VERSION
{
	(
		set +eu # as dkms evaluates a dkms.conf
		# shellcheck disable=SC2034 # dkms.conf reads it
		kernelver=$kernel
		# shellcheck disable=SC1090
		. "/usr/src/${1/\//-}/dkms.conf" > /dev/null 2>&1
		# shellcheck disable=SC2154 # dkms.conf sets them
		for i in "${!BUILT_MODULE_NAME[@]}"; do
			echo "${DEST_MODULE_NAME[i]:-${BUILT_MODULE_NAME[i]}}"
		done
	)
}

for module in "${modules[@]}"; do
	ours add "$module" > /dev/null 2>&1
	start=$SECONDS
	ok "$module is built and installed" ours install "$module" -k "$kernel"
	note "built in $((SECONDS - start)) s"
	is "$(ours status "$module")" "$module, $kernel, $(uname -m): installed" "$module: its status"
	mapfile -t names < <(names "$module")
	ok "$module: dkms.conf names modules" test ${#names[@]} -gt 0
	for name in "${names[@]}"; do
		like "$(module_field vermagic "$installed/$name.ko")" "^$kernel " "$module: $name is for the kernel"
	done
	before=$(cksum "$installed"/*)
	ours unbuild "$module" -k "$kernel" > /dev/null
	like "$(ours install "$module" -k "$kernel")" "from the cache" "$module: the second build is from the cache"
	is "$(cksum "$installed"/*)" "$before" "$module: it is the same"
done
finish
