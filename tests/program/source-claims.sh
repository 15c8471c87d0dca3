#!/bin/bash
# NAME-VERSION in the source tree can be the directory of another module, or of a kernel's headers.
# An archive or a directory that is added must not replace those: root runs what is in them.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Writes a source and an archive of it: $work/NAME-VERSION and $work/NAME-VERSION.tgz.
hostile() # NAME VERSION [LINE...]
{
	local sourcetree=$work dir=$work/$1-$2

	rm -rf "$dir"
	module "$@"
	echo hostile > "$dir/hostile"
	tar -czf "$dir.tgz" -C "$dir" .
}

# Checks that dkms refuses it, and that both trees stay as they are.
refused() # DESCRIPTION DIRECTORY ARGUMENT...
{
	local what=$1 dir=$2 before

	shift 2
	before=$(snapshot "$dkmstree" "$sourcetree" | grep -v "$dkmstree/.locks")
	run_dkms "$@"
	ok "$what: is refused" test "$status" -ne 0
	like "$err" "$sourcetree/$dir" "$what: the error names the directory"
	is "$(snapshot "$dkmstree" "$sourcetree" | grep -v "$dkmstree/.locks")" "$before" "$what: nothing changes"
}


machine
kernel $K
module a-b 1.0
dkms_exits 0 "adds a-b/1.0" add a-b/1.0
hostile a b-1.0
hostile linux headers-$K
hostile linux-headers $K
hostile linux headers-9.9.9
hostile mine 1.0
for how in ldtarball "ldtarball --force" add build "build --force" "install -k $K"; do
	for suffix in .tgz ""; do
		[[ $suffix || $how != ldtarball* ]] || continue
		# shellcheck disable=SC2086
		{
			refused "$how a/b-1.0$suffix" a-b-1.0 $how "$work/a-b-1.0$suffix"
			refused "$how linux/headers-$K$suffix" linux-headers-$K $how "$work/linux-headers-$K$suffix"
		}
	done
done
hostile linux headers-$K
refused "the headers with another cut" linux-headers-$K add "$work/linux-headers-$K"
refused "headers that are not there" linux-headers-9.9.9 add "$work/linux-headers-9.9.9"
refused "headers that are not there, as an archive" linux-headers-9.9.9 ldtarball "$work/linux-headers-9.9.9.tgz"
like "$err" "move it away" "the error has a remedy"

# openSUSE's headers of a kernel are below linux-RELEASE-obj, Gentoo's in linux-RELEASE-gentoo, Mageia's
# in kernel-VERSION-FLAVOUR-RELEASE.
hostile linux-6.4.0-150600.23 obj
hostile linux-6.6.1 gentoo
hostile linux-7 1
hostile kernel-6.6.28-desktop 1.mga9
hostile kernel 6.6
for how in ldtarball add "build -k $K"; do
	for source in linux-6.4.0-150600.23-obj linux-6.6.1-gentoo linux-7-1 kernel-6.6.28-desktop-1.mga9 kernel-6.6; do
		refused "$how $source" $source $how "$work/$source.tgz"
	done
done
mkdir "$sourcetree/linux-6.4.0-150600.23-obj"
refused "an empty directory for headers" linux-6.4.0-150600.23-obj add "$work/linux-6.4.0-150600.23-obj"
rmdir "$sourcetree/linux-6.4.0-150600.23-obj"
hostile kernel-module 1
dkms_exits 0 "a module can be called kernel-module" add "$work/kernel-module-1.tgz"
dkms_exits 0 "removes it" remove kernel-module/1 --all
rm -r "$sourcetree/kernel-module-1"
hostile linux-gpib 4.3.6
dkms_exits 0 "a module can be called linux-gpib" add "$work/linux-gpib-4.3.6.tgz"
dkms_exits 0 "removes it" remove linux-gpib/4.3.6 --all
rm -r "$sourcetree/linux-gpib-4.3.6"

# A kernel's link leads below the directory, which may be missing.
mv "$installtree/$K/build" "$work/build"
mkdir -p "$work/links"
ln -s "$sourcetree/mine-1.0/x86_64" "$work/links/first"
for target in "$sourcetree/mine-1.0/x86_64/default" "$sourcetree/./mine-1.0//x86_64" \
	"$(realpath --relative-to="$installtree/$K" "$sourcetree")/mine-1.0/x86_64"
do
	for link in build source; do
		ln -s "$target" "$installtree/$K/$link"
		refused "what $link leads below, $target" mine-1.0 add "$work/mine-1.0"
		rm "$installtree/$K/$link"
	done
done
mkdir -p "$sourcetree/mine-1.0/x86_64/default"
ln -s "$work/links/first/default" "$installtree/$K/build"
cp "$work/mine-1.0/dkms.conf" "$sourcetree/mine-1.0"
refused "what a link leads below through another" mine-1.0 add "$work/mine-1.0"
rm -r "$sourcetree/mine-1.0" "$installtree/$K/build"
mv "$work/build" "$installtree/$K/build"

ln -s "$sourcetree/mine-1.0" "$installtree/$K/source"
refused "what a kernel's link names, without a directory" mine-1.0 add "$work/mine-1.0"
rm "$installtree/$K/source"

# An archive of binaries only leaves the source as it is, but would make it another module's, too.
mkdir -p "$work/binaries/dkms_binaries_only"
cp "$work/a-b-1.0/dkms.conf" "$work/binaries/dkms_binaries_only"
echo a > "$work/binaries/dkms_binaries_only/PACKAGE_NAME"
echo b-1.0 > "$work/binaries/dkms_binaries_only/PACKAGE_VERSION"
mkdir "$work/binaries/dkms_main_tree"
tar -cf "$work/binaries.tar" -C "$work/binaries" .
refused "an archive of binaries" a-b-1.0 ldtarball "$work/binaries.tar"

mv "$sourcetree/a-b-1.0" "$work/away"
refused "the missing source of a broken version" a-b-1.0 add "$work/a-b-1.0"
mv "$work/away" "$sourcetree/a-b-1.0"
rm -rf "${dkmstree:?}/a-b"
refused "a source that is not added" a-b-1.0 add "$work/a-b-1.0"

mkdir "$sourcetree/mine-1.0"
dkms_exits 0 "an empty directory is free" add "$work/mine-1.0"
echo changed > "$work/mine-1.0/hostile"
dkms_exits 0 "a source of the same name and version is replaced" build "$work/mine-1.0" -k $K
is "$(cat "$sourcetree/mine-1.0/hostile")" changed "the directory was copied again"
dkms_exits 0 "removes it" remove mine/1.0 --all
tar -czf "$work/mine-1.0.tgz" -C "$work/mine-1.0" .
dkms_exits 0 "an archive replaces its own source" ldtarball "$work/mine-1.0.tgz"
dkms_exits 0 "--force does so again" ldtarball --force "$work/mine-1.0.tgz"
dkms_exits 0 "removes it again" remove mine/1.0 --all
rm "$sourcetree/mine-1.0/dkms.conf"
refused "a directory without a dkms.conf" mine-1.0 add "$work/mine-1.0"

# Where bash has to be asked for the version, the same dkms.conf is that of the same source.
hostile late 2.0
# shellcheck disable=SC2016
sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION=$(echo 2.0)/' "$work/late-2.0/dkms.conf"
dkms_exits 0 "adds a version that bash computes" add "$work/late-2.0"
dkms_exits 0 "removes it, which leaves the source" remove late/2.0 --all
dkms_exits 0 "adds it again" add "$work/late-2.0"
dkms_exits 0 "and removes it again" remove late/2.0 --all
echo '# other' >> "$work/late-2.0/dkms.conf"
refused "another dkms.conf with such a version" late-2.0 add "$work/late-2.0"

# With the headers of a kernel goes the program that root runs to sign modules.
machine
kernel $K
module innocent 1.0
dkms_exits 0 "adds a module" add innocent/1.0
cp -a "$sourcetree/linux-headers-$K" "$work/headers"
printf '%s\n' PACKAGE_NAME=linux "PACKAGE_VERSION=headers-$K" BUILT_MODULE_NAME=x DEST_MODULE_LOCATION=/extra > "$work/headers/dkms.conf"
write_script "$work/headers/scripts/sign-file" "touch '$work/owned'"
tar -czf "$work/headers.tgz" -C "$work/headers" .
refused "headers with a program" linux-headers-$K ldtarball "$work/headers.tgz"
dkms_exits 0 "another module is built" build innocent/1.0 -k $K
ok "the program has not run" test ! -e "$work/owned"

finish
