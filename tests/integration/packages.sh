#!/bin/bash
# Debian's packages of modules, installed and removed by dpkg and apt in a private root where this
# dkms is the package dkms. Everything is done by maintainer scripts of these packages and of
# kernels. Before that, this dkms replaces Debian's dkms, and is replaced by it again.
# Run by make check; alone: DKMS=./dkms top_srcdir=.. top_builddir=. tests/integration/packages.sh
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/lib/read-conf.sh
. "${top_srcdir:?}/tests/lib/read-conf.sh"

packages=(acpi-call v4l2loopback ddcci jool dahdi evdi digimend)

command -v apt-get > /dev/null && command -v dpkg > /dev/null && [ -L /lib ] ||
	skip_all "the packages are Debian's"
[ -n "$private" ] || skip_all "needs a mount namespace"
fetch_input --image --modules "$(IFS=, && echo "${packages[*]}")" \
	--kernels "$(dpkg --print-architecture):1,cloud-$(dpkg --print-architecture):1" --peers
mapfile -t modules < <(sed -n 's/^module //p' "$work/input")
{ read -r kernel; read -r cloud; } < <(sed -n 's/^kernel //p' "$work/input")
theirs=$(sed -n 's/^peer bookworm [^ ]* //p' "$work/input")
theirs=$(readlink "$theirs")
theirs=$(sed -n 's|^root \(.*\)/root$|\1|p' "$work/input")/debs/${theirs%%/*}.deb

export HOME=$work # Debian's dkms calls rpm, which makes a database there

# Covers the system with layers, with empty directories where dkms works.
mount_layers /boot /etc /usr /var/cache /var/lib /var/log 2> "$work/tap.out" ||
	skip_all "no overlays: $(tail -n 1 "$work/tap.out")"
forget_packages
rm -rf /etc/dkms /etc/kernel
mount_empty /boot /usr/lib/modules /usr/src /var/cache/dkms /var/lib/dkms
# Programs that scripts of kernel packages and of digimend call, and that have nothing to do with
# modules.
for tool in linux-update-symlinks linux-check-removal udevadm; do
	write_script "/usr/bin/$tool" 'exit 0' # apt has a PATH of its own
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

# Makes a repository for apt with the packages and empty packages for all that they depend on.
fill_repository()
{
	local deb field choice choices found version

	mkdir -p "$work/repository" "$work/apt/partial" "$work/lists"
	sed -n 's/^deb //p' "$work/input" | xargs ln -sft "$work/repository"
	ln -sf "$work/dkms.deb" "$work/repository/"
	for deb in "$work"/repository/*.deb; do
		for field in Pre-Depends Depends; do
			dpkg-deb -f "$deb" $field
		done | tr ',' '\n'
	done | sed 's/:any//g; s/ //g' | sort -u | while IFS='|' read -r -a choices; do
		found=
		for choice in "${choices[@]%%(*}"; do
			[ "$choice" != dkms ] && [ -z "$(deb "$choice")" ] &&
				! dpkg-query -W -f '${db:Status-Status}\n' "$choice" 2> /dev/null | grep -qx installed ||
				found=yes
		done
		[ -z "$found" ] && [ ${#choices[@]} -gt 0 ] || continue
		# Since Debian 13 headers depend on the image of the same version.
		choice=${choices[0]%%(*}
		version=9999
		[[ ${choices[0]} != *"(="* ]] || version=$(sed 's/.*(=\(.*\))/\1/' <<< "${choices[0]}")
		empty_deb "$work/repository/$choice.deb" "$choice" "$version"
	done
	echo "deb [trusted=yes] file:$work/repository ./" > "$work/sources.list"
	refresh_repository
}

apt=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
	-o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/apt" -o APT::Sandbox::User=root
	-o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io --no-install-recommends -y)

refresh_repository()
{
	(cd "$work/repository" && dpkg-scanpackages -m . > Packages 2> /dev/null)
	apt-get "${apt[@]}" update > /dev/null
}

apt_does() # DESCRIPTION ARGUMENT...
{
	local description=$1

	shift
	ok "$description" env DEBIAN_FRONTEND=noninteractive apt-get "${apt[@]}" "$@" < /dev/null
	cp "$work/tap.out" "$work/said"
}

# Makes another version of DEB, with LINEs at the end of its dkms.conf.
repack() # DEB OLD NEW [LINE...]
{
	local dir=$work/repack file new=$3 old=$2

	rm -rf "$dir"
	dpkg-deb -R "$1" "$dir"
	shift 3
	for file in "$dir"/usr/src/*"-$old"; do
		mv "$file" "${file%"$old"}$new"
		[ $# -eq 0 ] || printf '%s\n' "$@" >> "${file%"$old"}$new/dkms.conf"
	done
	sed -i "s/^Version: .*/Version: $new-1/" "$dir/DEBIAN/control"
	sed -i "s/${old//./\\.}/$new/" "$dir"/DEBIAN/p* "$dir"/usr/src/*/dkms.conf
	rm "$dir/DEBIAN/md5sums"
	dpkg-deb -b "$dir" "$work/repacked-$new.deb" > /dev/null
}

package_state() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>&1; }

# Prints the states of a version, "STATE on KERNEL" for each kernel.
stands() # NAME/VERSION
{
	dkms status "$1" | sed "s|^$1, \\(.*\\), $arch: \\(.*\\)|\\2 on \\1|; s|^$1: ||" | paste -sd,
}

# Runs the installed program with the default trees.
dkms() { command dkms "$@" < /dev/null; }

# Checks that the modules are in their directory, belong to the kernel, and are known to depmod.
check_files() # NAME/VERSION KERNEL
{
	local name file bad='' count=0

	for name in $(with_conf "/usr/src/${1/\//-}/dkms.conf" "$2" "/lib/modules/$2/build" module_names); do
		file=$(echo "/lib/modules/$2/updates/dkms/$name.ko"*)
		count=$((count + 1))
		[[ $(modinfo -F vermagic "$file" 2>&1) == "$2 "* ]] || bad+=" vermagic of $file;"
		[ "$(modinfo -k "$2" -n "$name" 2>&1)" -ef "$file" ] || bad+=" modinfo finds no $name;"
		cmp -s "$file" "/var/lib/dkms/$1/$2/$arch/module/${file##*/}" || bad+=" $file is not the built one;"
	done
	[ $count -gt 0 ] || bad="none"
	is "$bad" "" "$1 on $2: its $count modules are installed"
}

# Lists all files in the directories of dkms except for those of depmod. The rest of /etc belongs to
# the machine and may change during the test.
places() { snapshot /boot /etc/dkms /etc/kernel /lib/modules/ /usr/src /var/lib/dkms; }

ok "the Debian package is built" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "${top_builddir:?}" deb
deb=$(find "$top_builddir" -maxdepth 1 -name 'dkms_*.deb')
mv "$deb" "$work/dkms.deb"
rm -f "$top_builddir"/dkms-dbgsym_*.deb
if command -v lintian > /dev/null; then
	ok "lintian finds nothing" lintian --allow-root --fail-on error,warning "$work/dkms.deb"
else
	skip "lintian is not installed" "lintian finds nothing"
fi
fill_repository
apt_does "the headers of $kernel are installed" install "linux-headers-$kernel"
# An image contains these; since Debian 13 also the link to the headers.
mkdir -p "/lib/modules/$kernel/kernel"
[ -e "/lib/modules/$kernel/build" ] || ln -s "/usr/src/linux-headers-$kernel" "/lib/modules/$kernel/build"
: > "/lib/modules/$kernel/modules.order"
: > "/lib/modules/$kernel/modules.builtin"
depmod "$kernel" 2> /dev/null

# Lists conffiles that are obsolete, or that dpkg has saved under other names.
odd_conffiles()
{
	dpkg-query -W -f '${Conffiles}\n' dkms | sed -n 's/^ \(.*\) [0-9a-f]* obsolete$/\1/p'
	find /etc/dkms /etc/kernel /etc/modprobe.d -name '*.dpkg-*'
}

package_files() { dpkg-deb --fsys-tarfile "$1" | tar -t | sed -n 's/^\.\(.*[^/]\)$/\1/p' | sort; }

# Installs Debian's dkms and this dkms in turn, with modules that Debian's has built.
take_over()
{
	local good bad=(acpi-call-dkms v4l2loopback-dkms) before at_theirs

	# The first file is a hook, which this dkms has in another directory. The second runs tests
	# of Debian.
	is "$(diff <(package_files "$theirs") <(package_files "$work/dkms.deb") | sed -n 's/^< //p')" \
		"/etc/kernel/install.d/dkms
/usr/lib/dkms/dkms-autopkgtest
/usr/share/doc/dkms/HOWTO.Debian
/usr/share/doc/dkms/changelog.Debian.gz" "of the files in Debian's dkms ours lacks these only"
	dpkg_does "Debian's dkms is installed" -i "$theirs"
	mapfile -t good < <(deb "${bad[@]}")
	dpkg_does "modules are installed with it" -i "${good[@]}"
	before=$(dkms status)
	is "$(echo "$before" | grep -c ": installed$")" 2 "the modules are installed"
	places | grep "/var/lib/dkms\|/lib/modules" > "$work/theirs"
	dpkg_does "this dkms replaces Debian's" -i "$work/dkms.deb"
	is "$(dkms --version)" "dkms-$(dpkg-deb -f "$work/dkms.deb" Version)" "the program is this dkms"
	is "$(odd_conffiles)" "" "all conffiles are of this dkms, and no others are left"
	is "$(dpkg --verify dkms)" "" "dpkg --verify finds no changed file"
	is "$(dkms status)" "$before" "the status is the same"
	is "$(bash -euc 'source /usr/share/bash-completion/completions/dkms; complete -p dkms')" \
		"complete -F _dkms dkms" "bash has the completion"
	ok "modules and keys are the same" diff "$work/theirs" <(places | grep "/var/lib/dkms\|/lib/modules")
	dkms autoinstall -k "$kernel" > "$work/out" 2>&1
	is "$(cat "$work/out")" "" "autoinstall has nothing to do"

	echo "# by hand" >> /etc/dkms/framework.conf
	dpkg_does "Debian's dkms is installed again" --force-confold -i "$theirs"
	is "$(dkms status)" "$before" "the status is the same again"
	is "$(tail -n 1 /etc/dkms/framework.conf)" "# by hand" "an edited conffile is kept"
	is "$(/etc/kernel/preinst.d/dkms "$kernel" 2>&1)" "" "the hook that only this dkms has does nothing"
	is "$(find /etc/systemd /var/lib/systemd -name 'dkms.service*')" "" "the service is removed"
	repack "${good[0]}" 1.2.2 9.0 'MAKE[0]="echo no way; false"'
	dpkg --force-unsafe-io --force-depends -i "$work/repacked-9.0.deb" > "$work/out" 2>&1 || at_theirs=$?
	at_theirs+=" $(package_state acpi-call-dkms)"
	dpkg_does "the module that failed is removed" -r acpi-call-dkms

	rm /etc/dkms/framework.conf
	dpkg_does "this dkms is installed again" --force-confmiss -i "$work/dkms.deb"
	is "$(dkms status)" "$(echo "$before" | grep v4l2loopback)" "the other module is still installed"
	dpkg --force-unsafe-io --force-depends -i "$work/repacked-9.0.deb" > "$work/out" 2>&1 || status=$?
	is "$status $(package_state acpi-call-dkms)" "$at_theirs" "a failing module has the same state in dpkg as with Debian's dkms"
	like "$(cat "$work/out")" "acpi-call/9.0 for ${kernel//[.+]/.}: FAILED" "the failure is printed"
	like "$(cat "$work/out")" "^ +no way" "its cause is printed"
	dpkg_does "the module that failed is purged" -P acpi-call-dkms

	dpkg_does "dkms is removed and a module is kept" -r dkms
	is "$(ls -d /var/lib/dkms/v4l2loopback /etc/dkms/framework.conf /lib/modules/"$kernel"/updates/dkms/v4l2loopback.ko)" \
		"/etc/dkms/framework.conf
/lib/modules/$kernel/updates/dkms/v4l2loopback.ko
/var/lib/dkms/v4l2loopback" "conffiles and modules are kept"
	dpkg_does "dkms is purged" -P dkms
	is "$(find /etc -path '*dkms*')" "" "conffiles are removed"
	ok "the modules of a package are kept" test -d /var/lib/dkms/v4l2loopback
	dpkg_does "dkms is installed again" -i "$work/dkms.deb"
	is "$(dkms status)" "$(echo "$before" | grep v4l2loopback)" "dkms knows the module again"
	dpkg_does "dkms and the module are purged" -P v4l2loopback-dkms dkms
	is "$(find /etc -path '*dkms*'; ls -d /var/lib/dkms/* /var/cache/dkms/* /usr/src/*loop* 2> /dev/null)" "" "no file is left"
}

take_over
apt_does "dkms is installed" install dkms
places > "$work/before"

# Prints the module of a package as NAME/VERSION.
module_of() # PACKAGE
{
	printf '%s\n' "${modules[@]}" | grep -E "^$1(-dkms)?/"
}

# Not all modules of unstable compile for its newest kernel. The large module is not tried, to save
# time.
input_root=$(sed -n 's/^root //p' "$work/input")
good=()
for package in "${packages[@]}"; do
	module=$(module_of "$package")
	if [ "$package" = dahdi ] || plain_make "$module" "$input_root/usr/src/${module/\//-}" "$kernel" \
		"/lib/modules/$kernel/build"
	then
		good+=("$package")
	else
		note "$module does not compile for $kernel: $(grep -m 1 "rror: \|ERROR" "$work/plain-make.log")"
	fi
done
packages=("${good[@]}")

# All packages in one call of apt.
start=$SECONDS
apt_does "apt installs modules" install "${packages[@]/%/-dkms}"
note "took $((SECONDS - start)) s"
for i in "${!packages[@]}"; do
	package=${packages[i]}
	module=$(module_of "$package")
	of[i]=$module
	is "$(stands "$module")" "installed on $kernel" "$package: installed by its postinst"
	check_files "$module" "$kernel"
done
is "$(dkms status | wc -l)" "${#packages[@]}" "status: there are no other modules"

# Install it again: this calls prerm upgrade and postinst configure VERSION, and the cache has the
# module.
package=${packages[0]} module=${of[0]}
dpkg_does "$package: upgraded" -i "$(deb "$package-dkms")"
like "$(cat "$work/said")" "$module.*remove" "$package: its prerm removed the module"
is "$(stands "$module")" "installed on $kernel" "$package: installed again"
check_files "$module" "$kernel"

# A newer version replaces it.
old=${module#*/}
repack "$(deb "$package-dkms")" "$old" 8.0
mv "$work/repacked-8.0.deb" "$work/repository/"
refresh_repository
apt_does "$package: apt upgrades it" upgrade
of[0]=${module%/*}/8.0 module=${of[0]}
is "$(dkms status | grep "^$package")" "$module, $kernel, $arch: installed" "$package: the new version is installed, the old one gone"
check_files "$module" "$kernel"
is "$(ls -d "/usr/src/$package"*)" "/usr/src/${module/\//-}" "$package: only the new source is left"
places > "$work/installed"

# Uninstall and install all modules by commands of dkms.
for i in "${!packages[@]}"; do
	package=${packages[i]} module=${of[i]}
	dkms_exits 0 "$package: uninstall" uninstall "$module" -k "$kernel"
	is "$(stands "$module")" "built on $kernel" "$package: still built"
done
is "$(find /lib/modules/ -name '*.ko')" "" "no module is left in the kernel's directory"
for i in "${!packages[@]}"; do
	package=${packages[i]} module=${of[i]}
	dkms_exits 0 "$package: install" install "$module" -k "$kernel"
	is "$(stands "$module")" "installed on $kernel" "$package: installed"
done
places | grep -v '/log/\|mok\.' > "$work/again"
ok "all files are as before" diff <(grep -v '/log/\|mok\.' "$work/installed") "$work/again"

# These are removed before the next kernel is installed, since they take a minute and a half to
# build.
for package in dahdi jool; do
	[[ " ${packages[*]} " == *" $package "* ]] || continue
	dpkg_does "$package: removed" -r "$package-dkms"
	is "$(dkms status | grep "^$package"; ls -d /usr/src/$package* /var/lib/dkms/$package* 2> /dev/null)" "" \
		"$package: nothing is left of it"
done

# The scripts of a kernel's image and headers call the hooks of this dkms.
apt_does "$cloud is installed, image and headers" install "linux-headers-$cloud" "linux-image-$cloud"
built=0
for i in "${!packages[@]}"; do
	package=${packages[i]} module=${of[i]}
	[ -n "$(stands "$module")" ] || continue
	if with_conf "/usr/src/${module/\//-}/dkms.conf" "$cloud" "/lib/modules/$cloud/build" is_excluded; then
		is "$(stands "$module")" "installed on $kernel" "$package: excluded on $cloud"
		continue
	fi
	built=$((built + 1))
	is "$(stands "$module")" "installed on $kernel,installed on $cloud" "$package: installed by the kernel's postinst"
	check_files "$module" "$cloud"
done
ok "something was built for $cloud" test "$built" -gt 0

# A package that does not build for one of the kernels.
package=${packages[0]}
repack "$(deb "$package-dkms")" "$old" 8.1 'case $kernelver in *-cloud-*) MAKE[0]="echo no way; false" ;; esac'
exits 1 "$package: fails for one kernel" dpkg --force-unsafe-io -i "$work/repacked-8.1.deb"
cp "$work/tap.out" "$work/said"
is "$(package_state "$package-dkms")" half-configured "$package: is not configured"
like "$(cat "$work/said")" "$package/8.1 for ${cloud//[.+]/.}: FAILED" "$package: the failure is printed"
is "$(stands "$package/8.1")" "installed on $kernel" "$package: installed on the other kernel"
repack "$(deb "$package-dkms")" "$old" 8.2
dpkg_does "$package: a version that builds" -i "$work/repacked-8.2.deb"
of[0]=$package/8.2
is "$(stands "$package/8.2")" "installed on $kernel,installed on $cloud" "$package: installed on both kernels"
is "$(dkms status | grep -c "^$package/8.[01]")" 0 "$package: no older version is left"

apt_does "$cloud: the image is removed" remove "linux-image-$cloud"
is "$(dkms status -k "$cloud" | grep -v ': added')" "" "$cloud: unbuilt by the kernel's prerm"
is "$(find "/lib/modules/$cloud/updates" 2> /dev/null)" "" "$cloud: no module is left"
mapfile -t parts < <(dpkg-query -W -f '${Package}\n' "linux-*-$cloud")
apt_does "$cloud: all of it is purged" purge "${parts[@]}"
is "$(find /lib/modules/ -path "*$cloud*")" "" "$cloud: no file is left"

for i in "${!packages[@]}"; do
	package=${packages[i]} module=${of[i]}
	dpkg_does "$package: purged" -P "$package-dkms"
	is "$(ls -d "/usr/src/${module/\//-}" "/var/lib/dkms/${module%/*}" 2>/dev/null)" "" \
		"$package: nothing is left of it"
done
is "$(dkms status)" "" "status: no module is left"
places | grep -v /mok\\. > "$work/after"
ok "all files are as before the packages" diff "$work/before" "$work/after"

dpkg_does "dkms is purged" -P dkms
is "$(find /etc -path '*dkms*'; ls -d /var/lib/dkms/* /var/cache/dkms/* 2>/dev/null)" "" \
	"dkms: no file of it is left"

finish
