#!/bin/bash
# Debian's packages of modules, installed and removed by dpkg in a private root where our dkms is
# the package dkms: all is done by the packages' own maintainer scripts, and by those of kernels.
# Run by make check; alone: DKMS=./dkms top_srcdir=.. top_builddir=. tests/integration-packages.sh
set -eu
# shellcheck source=tests/fixture.sh
. "${top_srcdir:?}/tests/fixture.sh"
# shellcheck source=tests/opinion.sh
. "${top_srcdir:?}/tests/opinion.sh"

packages=(acpi-call v4l2loopback ddcci jool dahdi evdi digimend)

command -v apt-get > /dev/null && command -v dpkg > /dev/null && [ -L /lib ] ||
	skip_all "the packages are Debian's"
[ -n "$private" ] || skip_all "needs a mount namespace"
if ! "$top_srcdir/tests/real-input" --image --modules "$(IFS=, && echo "${packages[*]}")" \
	--kernels "$(dpkg --print-architecture):1,cloud-$(dpkg --print-architecture):1" \
	> "$work/input" 2> "$work/input.log"
then
	report 1 "real kernels and modules can be had"
	sed 's/^/# /' "$work/input.log"
	finish
fi
mapfile -t modules < <(sed -n 's/^module //p' "$work/input")
{ read -r kernel; read -r cloud; } < <(sed -n 's/^kernel //p' "$work/input")

# The system with a layer of our own over it, and nothing in the places that dkms works on.
for dir in boot etc usr var/cache var/lib var/log; do
	mkdir -p "$work/layer/$dir" "$work/layer.work/$dir"
	mount -t overlay -o "lowerdir=/$dir,upperdir=$work/layer/$dir,workdir=$work/layer.work/$dir" \
		dkms-test "/$dir" 2> "$work/tap.out" || skip_all "no overlays: $(tail -n 1 "$work/tap.out")"
done
rm -rf /etc/dkms /etc/kernel
for dir in /boot /usr/lib/modules /usr/src /var/cache/dkms /var/lib/dkms; do
	mkdir -p "$dir"
	mount -t tmpfs -o mode=0755 dkms-test "$dir"
done
# What a kernel's package calls beside its hooks, and digimend's: not about modules.
for tool in linux-update-symlinks linux-check-removal udevadm; do
	script "$work/bin/$tool" 'exit 0'
done

deb() # PACKAGE...
{
	local package

	for package; do
		sed -n "s|^deb \\(.*/${package}_[^/]*\\)|\\1|p" "$work/input"
	done
}

dpkg_does() # DESCRIPTION OPTION...
{
	local description=$1

	shift
	ok "$description" dpkg --force-depends --force-unsafe-io --force-bad-path "$@"
	cp "$work/tap.out" "$work/said"
}

# Where the module stands: "STATE on KERNEL" for each kernel.
stands() # NAME/VERSION
{
	dkms status "$1" | sed "s|^$1, \\(.*\\), $arch: \\(.*\\)|\\2 on \\1|; s|^$1: ||" | paste -sd,
}

# dpkg's program: no options, the system's places.
dkms() { command dkms "$@" < /dev/null; }

# All that is installed of a module is in its place, is for the kernel and known to depmod.
check_files() # NAME/VERSION KERNEL
{
	local name file bad='' count=0

	for name in $(opinion "/usr/src/${1/\//-}/dkms.conf" "$2" "/lib/modules/$2/build" names); do
		file=/lib/modules/$2/updates/dkms/$name.ko
		count=$((count + 1))
		[[ $(modinfo -F vermagic "$file" 2>&1) == "$2 "* ]] || bad+=" vermagic of $file;"
		[ "$(modinfo -k "$2" -n "$name" 2>&1)" -ef "$file" ] || bad+=" modinfo finds no $name;"
		cmp -s "$file" "/var/lib/dkms/$1/$2/$arch/module/$name.ko" || bad+=" $file is not the built one;"
	done
	is "$bad" "" "$1 on $2: its $count modules are installed"
}

# Everything in the places that dkms works on, but what depmod writes. The rest of /etc is that of
# the machine, and may change while this runs.
places() { snapshot /boot /etc/dkms /etc/kernel /lib/modules/ /usr/src /var/lib/dkms; }

ok "the Debian package is built" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "${top_builddir:?}" deb
deb=$(find "$top_builddir" -maxdepth 1 -name 'dkms_*.deb')
mv "$deb" "$work/dkms.deb"
rm -f "$top_builddir"/dkms-dbgsym_*.deb
if command -v lintian > /dev/null; then
	ok "lintian has nothing to say" lintian --allow-root --fail-on error,warning "$work/dkms.deb"
else
	skip "lintian is not installed" "lintian has nothing to say"
fi
dpkg_does "dkms is installed" -i "$work/dkms.deb"
mapfile -t debs < <(deb "linux-kbuild-[^/]*" "linux-headers-[^/]*-common" "linux-headers-$kernel")
dpkg_does "the headers of $kernel are installed" -i "${debs[@]}"
# An image comes with these.
mkdir -p "/lib/modules/$kernel/kernel"
: > "/lib/modules/$kernel/modules.order"
: > "/lib/modules/$kernel/modules.builtin"
depmod "$kernel" 2> /dev/null
places > "$work/before"

# One package after the other, as dpkg does it.
for i in "${!packages[@]}"; do
	package=${packages[i]}
	module=$(printf '%s\n' "${modules[@]}" | grep -E "^$package(-dkms)?/")
	of[i]=$module
	start=$SECONDS
	dpkg_does "$package: unpacked" --unpack "$(deb "$package-dkms")"
	dpkg_does "$package: configured" --configure "$package-dkms"
	note "took $((SECONDS - start)) s"
	is "$(stands "$module")" "installed on $kernel" "$package: installed by its postinst"
	check_files "$module" "$kernel"
done
is "$(dkms status | wc -l)" "${#packages[@]}" "status: nothing but these"
places > "$work/installed"

# Once more: prerm upgrade and postinst configure VERSION, and the cache has it.
package=${packages[0]} module=${of[0]}
dpkg_does "$package: upgraded" -i "$(deb "$package-dkms")"
like "$(cat "$work/said")" "$module.*remove" "$package: its prerm has removed it"
is "$(stands "$module")" "installed on $kernel" "$package: installed again"
check_files "$module" "$kernel"

# Uninstalled and installed by hand, all of them.
for i in "${!packages[@]}"; do
	package=${packages[i]} module=${of[i]}
	dkms_exits 0 "$package: uninstall" uninstall "$module" -k "$kernel"
	is "$(stands "$module")" "built on $kernel" "$package: built still"
done
is "$(find /lib/modules/ -name '*.ko')" "" "no module is left in the kernel's directory"
for i in "${!packages[@]}"; do
	package=${packages[i]} module=${of[i]}
	dkms_exits 0 "$package: install" install "$module" -k "$kernel"
	is "$(stands "$module")" "installed on $kernel" "$package: installed"
done
places | grep -v '/log/\|mok\.' > "$work/again"
ok "everything is as it was" diff <(grep -v '/log/\|mok\.' "$work/installed") "$work/again"

# Removed before the next kernel comes: these two take a minute and a half to build.
for package in dahdi jool; do
	dpkg_does "$package: removed" -r "$package-dkms"
	is "$(dkms status | grep "^$package"; ls -d /usr/src/$package* /var/lib/dkms/$package* 2> /dev/null)" "" \
		"$package: nothing is left of it"
done

# A kernel's image and headers: their scripts call our hooks.
mapfile -t debs < <(deb "linux-headers-$cloud" "linux-image-$cloud")
dpkg_does "$cloud is installed, image and headers" -i "${debs[@]}"
built=0
for i in "${!packages[@]}"; do
	package=${packages[i]} module=${of[i]}
	[ -n "$(stands "$module")" ] || continue
	if opinion "/usr/src/${module/\//-}/dkms.conf" "$cloud" "/lib/modules/$cloud/build" excluded; then
		is "$(stands "$module")" "installed on $kernel" "$package: excluded on $cloud"
		continue
	fi
	built=$((built + 1))
	is "$(stands "$module")" "installed on $kernel,installed on $cloud" "$package: installed by the kernel's postinst"
	check_files "$module" "$cloud"
done
ok "something was built for $cloud" test "$built" -gt 0
dpkg_does "$cloud: the image is removed" -r "linux-image-$cloud"
is "$(dkms status -k "$cloud" | grep -v ': added')" "" "$cloud: unbuilt by the kernel's prerm"
is "$(find "/lib/modules/$cloud/" ! -name 'modules.*' ! -name build ! -name source ! -path "*/$cloud/")" "" \
	"$cloud: nothing is left of modules"
dpkg_does "$cloud: all of it is purged" -P "linux-image-$cloud" "linux-headers-$cloud"
is "$(find /lib/modules/ -path "*$cloud*")" "" "$cloud: nothing is left at all"

for i in "${!packages[@]}"; do
	package=${packages[i]} module=${of[i]}
	dpkg_does "$package: purged" -P "$package-dkms"
	is "$(ls -d "/usr/src/${module/\//-}" "/var/lib/dkms/${module%/*}" 2>/dev/null)" "" \
		"$package: nothing is left of it"
done
is "$(dkms status)" "" "status: nothing"
places | grep -v /mok\\. > "$work/after"
ok "everything is as it was before the packages" diff "$work/before" "$work/after"

dpkg_does "dkms is purged" -P dkms
is "$(find /etc -path '*dkms*'; ls -d /var/lib/dkms/* /var/cache/dkms/* 2>/dev/null)" "" \
	"dkms: nothing is left of it"

finish
