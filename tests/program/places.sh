#!/bin/bash
# Where a build sees the trees: at the same paths, whatever the options say. So a build in other trees
# has the same key and the same result. The Makefiles of the headers here print CURDIR, $(M) and the
# variables of dkms, and write them into the module.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"
bwrap --ro-bind / / --unshare-all true 2>/dev/null || skip_all "needs bubblewrap"
private_modules || skip_all "needs an overlay"
chmod 0755 "$work"

# Makes a package that writes into its module what it sees.
package() # NAME [LINE...]
{
	module "$1" 1.0 'PRE_BUILD="pre.sh $source_tree"' 'STRIP=no' "${@:2}"
	write_script "$sourcetree/$1-1.0/pre.sh" 'cd "$(dirname "$0")" || exit' \
		'for text in "here $(pwd -P)" "script $0" "source tree $1" "dkms tree $dkms_tree" \
			"install tree $install_tree" "headers $kernel_source_dir" "config $kernel_config" \
			"source $(readlink "$dkms_tree/$module/1.0/source")" "kernels $(echo "$install_tree"/*)" \
			"builds $(echo "$dkms_tree"/*/*/*)" "sources $(echo "$source_tree"/*-1.0)" \
			"temporary $tmp_location" "usual $(cd "/lib/modules/$kernelver/build" && pwd -P)" \
			"chosen $(cd "$kernel_source_dir" && pwd -P)"; do' \
		'	echo "MODULE_INFO(saw, \"$text\");" >> "$module.c"' 'done'
}

# Makes new trees with the kernel $K and the package "seen", and builds it.
machine_with() # DESCRIPTION OPTION...
{
	local description=$1

	shift
	machine
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
		--cache-dir "$work/cache")
	kernel $K
	package seen
	dkms_exits 0 "$description" build seen/1.0 -k $K "$@"
	built=$dkmstree/seen/1.0/$K/$arch/module/seen.ko
}

# Prints what the package has seen.
saw() # [MODULE]
{
	modinfo -F saw "${1:-$built}" 2>/dev/null
}

# Prints all lines of the log of a successful build as one.
log_of() # NAME
{
	paste -sd' ' "$dkmstree/$1/1.0/$K/$arch/log/make.log"
}

other_trees()
{
	local first wanted

	machine_with "a build in trees that options name"
	wanted="here /var/lib/dkms/seen/1.0/build
script /var/lib/dkms/seen/1.0/build/pre.sh
source tree /usr/src
dkms tree /var/lib/dkms
install tree /lib/modules
headers /lib/modules/$K/build
config /lib/modules/$K/build/include/config/auto.conf
source /usr/src/seen-1.0
kernels /lib/modules/$K
builds /var/lib/dkms/seen/1.0/build /var/lib/dkms/seen/1.0/source
sources /usr/src/seen-1.0
temporary /tmp
usual $modules/$K/build
chosen $modules/$K/build"
	is "$(saw)" "$wanted" "it sees the trees at their usual paths"
	is "$(grep -v '^# seen at ' "$dkmstree/seen/1.0/$K/$arch/log/make.log" | grep -c "$machine")" 0 \
		"the commands in the log have no other path"
	is "$(sed -n 's/^# seen at //p' "$dkmstree/seen/1.0/$K/$arch/log/make.log" | sort)" \
		"/lib/modules/$K/build: $machine/usr/src/linux-headers-$K
/lib/modules: $installtree
/usr/src: $sourcetree
/var/lib/dkms: $dkmstree" "the log says which paths these are"
	is "$(ls -A "$dkmstree/seen/1.0/build")" "" "nothing is left in the build directory"
	first=$built
	machine_with "the same in other trees"
	like "$out" "from the cache" "it is restored from the cache"
	ok "it is the same file" cmp "$first" "$built"
	like "$(dkms cache why seen/1.0 -k $K)" "in the cache" "dkms cache why says so, too"
	dkms_exits 0 "a build there without the cache" build seen/1.0 -k $K --no-cache --force
	ok "it is the same file as well" cmp "$first" "$built"
	machine_with "a link leads to the trees" # and now a spelling with links
	ln -s "$machine" "$work/spelled"
	dkms_exits 0 "a build in trees that a link leads to" build seen/1.0 -k $K --force --no-cache \
		--dkmstree "$work/spelled/var/lib/dkms" --sourcetree "$work/spelled/usr/src" \
		--installtree "$work/spelled/lib/modules"
	ok "it is the same file as well" cmp "$first" "$built"
	mkdir "$machine/copy"
	cp -a "$installtree" "$machine/copy/"
	dkms unbuild seen/1.0 -k $K > /dev/null
	run_dkms build seen/1.0 -k $K --installtree "$machine/copy/modules"
	like "$status $out" "^0 .*from the cache" "a copy of the kernel: restored from the cache"
	dkms unbuild seen/1.0 -k $K > /dev/null
	run_dkms build seen/1.0 -k $K --kernelsourcedir "$machine/usr/src/linux-headers-$K"
	like "$status $out" "^0 .*from the cache" "--kernelsourcedir: restored from the cache"
	cp -a "$machine/usr/src/linux-headers-$K" "$machine/headers"
	dkms unbuild seen/1.0 -k $K > /dev/null
	run_dkms build seen/1.0 -k $K --kernelsourcedir "$machine/headers"
	like "$status $out" "^0 .*from the cache" "a copy of the headers: restored from the cache"
	echo '# changed' >> "$machine/headers/Makefile"
	dkms unbuild seen/1.0 -k $K > /dev/null
	run_dkms build seen/1.0 -k $K --kernelsourcedir "$machine/headers"
	is "$status $(printf '%s' "$out" | grep -c "from the cache")" "0 0" "changed headers: built"
	is "$(saw)" "$wanted" "they are seen at the same place"
}

# Makefiles that know a real path from elsewhere.
real_paths()
{
	machine_with "trees whose real paths are written in a package"
	package knows "MAKE=\"make -C $installtree/$K/build M=$dkmstree/knows/1.0/build -I$sourcetree/x 'A=$sourcetree-b $machine/usr'\""
	{
		echo "\$(shell cat $dkmstree/knows/1.0/build/Makefile > $dkmstree/knows/1.0/build/copy)"
		echo "\$(shell cat $sourcetree/knows-1.0/Makefile $dkmstree/knows/1.0/source/Makefile > $dkmstree/knows/1.0/build/two)"
		echo "\$(if \$(wildcard $installtree/$K/modules.order $installtree/$K/build/Makefile),,\$(error no kernel))"
	} >> "$sourcetree/knows-1.0/Makefile"
	write_script "$sourcetree/knows-1.0/post.sh" 'cmp copy Makefile && [ $(wc -l < two) -eq $(($(wc -l < copy) * 2)) ]'
	echo 'POST_BUILD=post.sh' >> "$sourcetree/knows-1.0/dkms.conf"
	dkms_exits 0 "they lead to the right places" build knows/1.0 -k $K
	like "$(cat "$dkmstree/knows/1.0/$K/$arch/log/make.log")" \
		"command: make KERNELRELEASE=$K -C /lib/modules/$K/build M=/var/lib/dkms/knows/1.0/build -I/usr/src/x 'A=$sourcetree-b $machine/usr'" \
		"the paths of the trees in the make command are replaced, and no others"
	run_dkms build knows/1.0 -k $K --force --no-cache --sandbox=off
	is "$status" 0 "without a sandbox"
	like "$(cat "$dkmstree/knows/1.0/$K/$arch/log/make.log")" "-C $installtree/$K/build M=$dkmstree/knows/1.0/build" \
		"the real paths are used"
	dkms_exits 0 "the package that looks, without a sandbox" build seen/1.0 -k $K --force --no-cache --sandbox=off
	like "$(saw | paste -sd' ')" "here $dkmstree/seen/1.0/build.*dkms tree $dkmstree.*headers $installtree/$K/build" \
		"it sees the real paths"
}

# A package that needs the symbols of another one.
depends()
{
	machine_with "trees for two packages"
	module below 1.0
	package above 'BUILD_DEPENDS=below' 'MAKE="cat $dkms_tree/below/kernel-$kernelver-$arch/module/Module.symvers \
		'"$dkmstree"'/below/kernel-$kernelver-$arch/module/Module.symvers \
		$dkms_tree/below/1.0/source/below.c && make -C $kernel_source_dir M=$dkms_tree/above/1.0/build"'
	echo 'EXPORT_SYMBOL(below_it);' >> "$sourcetree/below-1.0/below.c"
	dkms_exits 0 "a package that others need" install below/1.0 -k $K
	dkms_exits 0 "a package that reads its symbols and its source" build above/1.0 -k $K
	like "$(log_of above)" "0x1234.*0x1234.*EXPORT_SYMBOL[(]below_it" "it has read both"
	like "$(saw "$dkmstree/above/1.0/$K/$arch/module/above.ko" | grep ^sources)" \
		"^sources /usr/src/above-1.0 /usr/src/below-1.0" "both sources are in one tree"
}

# Headers that lead to other directories keep their places, because their links would lead elsewhere.
linked_headers()
{
	machine_with "trees for headers of several directories"
	mkdir -p "$machine/usr/lib/kbuild/scripts"
	echo shared > "$machine/usr/lib/kbuild/scripts/text"
	ln -s ../../lib/kbuild/scripts "$machine/usr/src/linux-headers-$K/scripts"
	sed -i 's|^modules all: .*|&\n\t@cat $(headers)/scripts/text|' "$machine/usr/src/linux-headers-$K/Makefile"
	run_dkms build seen/1.0 -k $K --force
	is "$status" 0 "headers with a relative link to another directory"
	like "$(cat "$dkmstree/seen/1.0/$K/$arch/log/make.log")" "^shared$" "the link leads there"
	like "$(saw | paste -sd' ')" "headers /lib/modules/$K/build.*usual $machine/usr/src/linux-headers-$K" \
		"/lib/modules leads to the headers"
}

# One tree in another, and a tree at the top of the file system.
odd_trees()
{
	machine_with "trees that are in one another"
	mkdir -p "$machine/all/dkms"
	cp -a "$sourcetree/seen-1.0" "$machine/all/"
	cp -a "$installtree/$K" "$machine/all/"
	trees=(--dkmstree "$machine/all/dkms" --sourcetree "$machine/all" --installtree "$machine/all" --no-cache)
	dkms_exits 0 "a build with all in one directory" build seen/1.0 -k $K
	like "$(saw "$machine/all/dkms/seen/1.0/$K/$arch/module/seen.ko" | paste -sd' ')" \
		"here /var/lib/dkms/seen/1.0/build.*chosen $modules/$K/build" "it sees the trees at their usual paths"
	mkdir /opt/dkms
	trees=(--dkmstree /opt --sourcetree "$sourcetree" --installtree "$installtree" --no-cache)
	run_dkms build seen/1.0 -k $K
	is "$status" 0 "a dkms tree in /"
	like "$(saw "/opt/seen/1.0/$K/$arch/module/seen.ko" | paste -sd' ')" \
		"here /opt/seen/1.0/build.*source tree /usr/src.*source /usr/src/seen-1.0" \
		"it keeps its path"
}

modules=$(realpath /lib/modules)
other_trees
real_paths
depends
linked_headers
odd_trees
finish
