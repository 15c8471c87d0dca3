#!/bin/bash
# The provenance of real modules names every file that strace sees their builds open, and no others; it
# is a valid statement, names the right packages, and is the same from the cache and in packages.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

packages=(acpi-call v4l2loopback evdi)

[ -n "$private" ] || skip_all "needs a mount namespace"
command -v apt-get > /dev/null && command -v dpkg > /dev/null || skip_all "kernels and modules come from Debian's packages"
for tool in python3 jq strace; do
	command -v $tool > /dev/null || skip_all "$tool is not installed"
done
fetch_input --kernels "$(dpkg --print-architecture):1" \
	--modules "$(IFS=, && echo "${packages[*]}")"
mapfile -t modules < <(sed -n 's/^module //p' "$work/input")
mapfile -t debs < <(sed -n 's/^deb //p' "$work/input")
kernel=$(sed -n 's/^kernel //p' "$work/input")
export ASAN_OPTIONS=detect_leaks=0 # its search for leaks does not work under strace
unset SOURCE_DATE_EPOCH

# Covers the system with layers, and unpacks the packages there, so that dpkg knows their files.
mount_layers /etc /usr /var/cache /var/lib /var/log 2> "$work/tap.out" ||
	skip_all "no overlays: $(tail -n 1 "$work/tap.out")"
forget_packages
rm -rf /etc/dkms
mount_empty /usr/lib/modules /usr/src /var/cache/dkms /var/lib/dkms
ok "the packages are unpacked" dpkg --force-depends --force-unsafe-io --force-bad-path --unpack "${debs[@]}"

# A build with a memo names the programs that have filled it, which it does not run itself.
mkdir -p /etc/dkms
echo compiler_memo=no > /etc/dkms/framework.conf

ours() { "${DKMS:?}" "$@" < /dev/null; }
check_statement() { python3 "$top_srcdir/tests/lib/check-statement.py" 2>&1; }

# Prints where the build sees the headers.
places()
{
	local headers=/usr/src/linux-headers-$kernel common kbuild

	common=$(sed -n 's|^include \(.*\)/Makefile$|\1|p' "$headers/Makefile")
	kbuild=$(realpath "$common/scripts")
	echo "$headers /usr/src/kernel/src/linux-headers"
	echo "$common /usr/src/kernel/src/linux-headers-common"
	echo "${kbuild%/scripts} /usr/src/kernel/lib/linux-kbuild"
}

# Prints how the statement differs from what strace has seen.
compare() # STATEMENT
{
	places | xargs python3 "$top_srcdir/tests/lib/compare-opened.py" "$1" "$work/trace/t" \
		"/var/lib/dkms/$module/build" 2> "$work/compared"
}

traced_build()
{
	rm -rf "$work/trace"
	mkdir "$work/trace"
	ok "$module: a build under strace" strace --seccomp-bpf -ff -y --decode-pids=pidns -s 256 -o "$work/trace/t" \
		-e trace=open,openat,openat2,execve,execveat,clone,clone3,fork,vfork \
		"$DKMS" build "$module" -k "$kernel" < /dev/null
	ours provenance "$module" -k "$kernel" > "$work/built"
	is "$(check_statement < "$work/built")" "" "$module: the statement is valid"
	is "$(jq .predicate.buildDefinition.internalParameters.complete "$work/built")" true \
		"$module: the statement is complete"
	is "$(compare "$work/built")" "" "$module: it names what strace has seen, and nothing else"
	note "$(cat "$work/compared")"
}

# The comparison would find a file that is missing and one that is too much.
comparison_works()
{
	local name list=.predicate.buildDefinition.resolvedDependencies

	for name in /usr/bin/make /usr/src/kernel/src/linux-headers/Makefile; do
		jq "del(${list}[] | select(.name == \"$name\"))" "$work/built" > "$work/less"
		is "$(compare "$work/less")" "$name was opened and is not named" "$name would be missed"
	done
	name=$(jq -r "[${list}[] | select(.annotations.kind == \"directory\") | .name][0]" "$work/built")
	jq "del(${list}[] | select(.name == \"$name\"))" "$work/built" > "$work/less"
	is "$(compare "$work/less")" "$name is a directory that was opened and is not named" "a directory would be missed"
	jq "$list += [{name: \"/etc/fstab\", uri: \"file:///etc/fstab\", annotations: {kind: \"file\"}, \
		digest: {sha256: \"$(sha256sum < /etc/fstab | cut -d' ' -f 1)\"}}]" "$work/built" > "$work/more"
	is "$(compare "$work/more")" "/etc/fstab is named and was not opened" "a file too much would be found"
	ok "several hundred files are compared" test "$(sed -n 's/.* \([0-9]*\) files.*/\1/p' "$work/compared")" -gt 300
}

# Checks that each file with a package is said to be of the one that dpkg -S names.
right_packages()
{
	local path

	jq -r '.predicate.buildDefinition.resolvedDependencies[] | select(.annotations.package) |
		(.uri | ltrimstr("file://")) + " " + .annotations.package' "$work/built" |
		sed 's/%2B/+/g; s|pkg:deb/[a-z]*/||; s/@.*//' | sort > "$work/packages"
	for path in "$(realpath /usr/bin/make)" "$(realpath "$(gcc -print-prog-name=cc1)")" \
		"$(realpath "$(gcc -print-file-name=libc.so.6)")" "/usr/src/linux-headers-$kernel/Makefile" \
		"/usr/src/${module/\//-}/dkms.conf"; do
		like "$(cat "$work/packages")" "^${path//[.+]/.} " "$module: $path has a package"
	done
	# dpkg knows some files by their names before /lib became a link. The first word is
	# PACKAGE:ARCHITECTURE, or several with commas.
	cut -d' ' -f 1 "$work/packages" | sed 'p; s|^/usr||' | xargs dpkg -S 2> /dev/null |
		sed 's/: / /; s/, /,/g; s/:[a-z0-9]*//g' |
		awk '{ sub("^(/usr)?", "/usr", $2); print $2, $1 }' | sort -u > "$work/owners" || true
	is "$(comm -23 "$work/packages" "$work/owners")" "" "$module: the packages are those that dpkg -S names"
	note "$(grep -c . "$work/packages") files of packages"
}

# Makes the same statement in other ways.
same_elsewhere()
{
	local file=$work/built.json

	cp "/var/lib/dkms/$module/$kernel/$arch/log/provenance.json" "$file"
	ours mktarball "$module" -k "$kernel" --archive "$work/m.tar.gz" > /dev/null 2>&1
	ours mkdeb "$module" -k "$kernel" --binaries-only --archive "$work/m.deb" > /dev/null 2>&1
	rm -rf "$work/deb"
	dpkg-deb -x "$work/m.deb" "$work/deb"
	ok "$module: the package has the same statement" cmp "$file" "$work/deb/usr/share/doc/${module%/*}-modules-$kernel/provenance.json"
	ours unbuild "$module" -k "$kernel" > /dev/null 2>&1
	like "$(ours build "$module" -k "$kernel" 2>&1)" "built from the cache" "$module: a build from the cache"
	ours provenance "$module" -k "$kernel" > "$work/hit"
	ok "$module: its statement is that of the build" cmp "$work/built" "$work/hit"
	ours remove "$module" --all > /dev/null 2>&1
	ours ldtarball "$work/m.tar.gz" --force > /dev/null 2>&1
	ours provenance "$module" -k "$kernel" > "$work/loaded"
	ok "$module: an archive brings it along" cmp "$work/built" "$work/loaded"
	is "$(jq -r '.subject[] | .digest.sha256' "$work/loaded" | sort)" \
		"$(sha256sum "/var/lib/dkms/$module/$kernel/$arch/module/"*.ko* | cut -d' ' -f 1 | sort)" "$module: its subjects are the modules"
}

# A build with all trees in other places, and headers that dpkg does not know.
in_other_trees()
{
	local root others=$work/others

	root=$(sed -n 's/^root //p' "$work/input")
	mkdir -p "$others/dkms" "$others/src" "$others/modules/$kernel"
	cp -a "$root/lib/modules/$kernel/"{build,source} "$others/modules/$kernel/"
	cp -a "$root/usr/src/${module/\//-}" "$others/src/"
	set -- "$module" -k "$kernel" --dkmstree "$others/dkms" --sourcetree "$others/src" --installtree "$others/modules"
	ok "$module: a build in other trees" ours build "$@" --force
	ours provenance "$@" > "$work/other"
	is "$(check_statement < "$work/other")" "" "$module: its statement is valid"
	is "$(jq '.predicate.buildDefinition | .internalParameters.complete, (.resolvedDependencies | length > 300)' "$work/other")" \
		"true"$'\n'"true" "$module: its statement is complete"
	is "$(grep -F -e "$others" -e "$root" "$work/other")" "" "$module: its statement does not say where the trees are"
	is "$(jq -r '.predicate.buildDefinition.resolvedDependencies[] | select(.annotations.package) | .name' "$work/other" |
		grep '^/usr/src/')" "" "$module: a file that is in no package is not said to be in one"
}

# A build sees each directory of the headers mounted once, as recording is slower for files with two
# paths. A link is at the real path.
one_path()
{
	local src=/usr/src/one-1.0 log=/var/lib/dkms/one/1.0/$kernel/$arch/log/make.log real place seen

	mkdir "$src"
	echo 'obj-m := one.o' > "$src/Makefile"
	printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' > "$src/one.c"
	printf '%s\n' PACKAGE_NAME=one PACKAGE_VERSION=1.0 BUILT_MODULE_NAME=one DEST_MODULE_LOCATION=/extra \
		PRE_BUILD=pre.sh > "$src/dkms.conf"
	write_script "$src/pre.sh" 'sed "s/^/mount /" /proc/self/mountinfo' \
		"for path in $(places | sed 's/ .*//' | paste -sd' ') $(realpath "$(places | sed -n '2s/ .*//p')/scripts"); do" \
		'	echo "real $path $(readlink -f "$path")"' 'done'
	ok "a build that looks at the mounts" ours build one/1.0 -k "$kernel"
	while read -r real place; do
		seen=$(awk -v name="/${real##*/}" '$1 == "mount" && index($5, name) { print $6 }' "$log")
		is "$seen" "$place" "$real is mounted once"
	done < <(places)
	real=$(realpath "$(places | sed -n '2s/ .*//p')/scripts")
	is "$(sed -n "s|^real $real ||p" "$log")" /usr/src/kernel/lib/linux-kbuild/scripts "a link leads to what kbuild runs"
	ours remove one/1.0 --all > /dev/null 2>&1
}

if ours build "${modules[0]}" -k "$kernel" --verbose 2>&1 | grep -q 'cannot be recorded'; then
	skip_all "builds cannot be traced here"
fi
ours remove "${modules[0]}" --all > /dev/null 2>&1
ours cache clear > /dev/null
for module in "${modules[@]}"; do
	traced_build
	[ "$module" != "${modules[0]}" ] || comparison_works
	right_packages
	same_elsewhere
done
in_other_trees
one_path
finish
