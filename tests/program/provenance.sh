#!/bin/bash
# The provenance of modules: the statement is valid, the same from a build and from the cache, names
# what is known, and is in archives and packages.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"
command -v python3 > /dev/null || skip_all "python3 is not installed"

# Writes the statement of m/1.0 to $work/NAME, and checks it.
states() # NAME
{
	dkms_exits 0 "$1: dkms provenance" provenance m/1.0 -k $K
	cp "$work/out" "$work/$1"
	is "$err$(python3 "$top_srcdir/tests/lib/check-statement.py" < "$work/$1" 2>&1)" "" "$1: the statement is valid"
	is "$(jq -r '.subject[] | .name + " " + .digest.sha256' "$work/$1")" \
		"$(cd "$dkmstree/m/1.0/$K/$arch/module" && sha256sum ./*.ko* | awk '{ print substr($2, 3), $1 }')" \
		"$1: its subjects are the modules in the tree"
}

get() { jq -r "$2" "$work/$1"; }

checker()
{
	local change

	for change in 'del(.subject)' '.subject[0].digest.sha256 = "x"' 'del(.predicate.runDetails.builder.id)' \
		'.predicate.buildDefinition.resolvedDependencies += [{"name": "x"}]' '._type = "x"' \
		'.predicate.runDetails.metadata.startedOn = 1'; do
		ok "the check refuses $change" test -n "$(jq "$change" "$work/built" | python3 "$top_srcdir/tests/lib/check-statement.py" 2>&1)"
	done
}

statement()
{
	new_module
	echo '#' >> "$sourcetree/m-1.0/Makefile"
	unset SOURCE_DATE_EPOCH
	export KBUILD_MODFLAG=one KBUILD_TOKEN=hunter2 SECRET_TOKEN=hidden
	dkms_exits 0 "a build" build m/1.0 -k $K
	states built
	checker
	is "$(get built '.predicate.buildDefinition.externalParameters | .module + " " + .version + " " + .kernel + " " + .arch')" \
		"m 1.0 $K $arch" "the module and the kernel"
	like "$(get built .predicate.buildDefinition.externalParameters.make)" "^make KERNELRELEASE=$K " "the make command"
	is "$(get built .predicate.buildDefinition.externalParameters.patches[])" fix.patch "the patches"
	is "$(get built .predicate.runDetails.builder.version.dkms)" "$(dkms --version | awk '{ print $NF }' | sed 's/dkms-//')" "the version of dkms"
	is "$(get built .predicate.buildDefinition.internalParameters.environment.kernelver)" $K "a variable"
	like "$(get built '.predicate.buildDefinition.internalParameters.otherVariables[]')" KBUILD_TOKEN "another variable is named"
	is "$(grep -c 'hunter2\|SECRET_TOKEN' "$work/built")" 0 "without its value, and none that the build has not seen"
	is "$(get built '.predicate.runDetails.metadata | keys[]' | paste -sd' ')" "finishedOn startedOn" "the times"
	is "$(get built '.predicate.runDetails.byproducts[].digest.sha256')" "$(get built '.subject[].digest.sha256')" \
		"a module that is neither signed nor compressed is the same before"
	if [ "$(get built .predicate.buildDefinition.internalParameters.complete)" = false ]; then
		like "$(get built '.predicate.buildDefinition.resolvedDependencies[] | select(.annotations.kind == "key-part") | .name' | paste -sd' ')" \
			"headers .*source .*tools" "what is known of a build that was not traced"
	else
		like "$(get built '.predicate.buildDefinition.resolvedDependencies[].name')" "/m\.c$" "the source"
		like "$(get built '.predicate.buildDefinition.resolvedDependencies[].name')" "^/usr/bin/make$" "a program"
	fi
}

from_cache()
{
	dkms unbuild m/1.0 -k $K > /dev/null
	counted build m/1.0 -k $K
	is "$status $moved" "0 $hit" "a build from the cache"
	states hit
	ok "its statement is that of the build" cmp "$work/built" "$work/hit"
	ok "the file in the tree is the statement" diff <(jq -S . "$dkmstree/m/1.0/$K/$arch/log/provenance.json") <(jq -S . "$work/hit")
	export SOURCE_DATE_EPOCH=1600000000
	counted build m/1.0 -k $K --force
	states dated
	is "$(get dated '.predicate.runDetails.metadata | length')" 0 "with SOURCE_DATE_EPOCH, there are no times"
	counted build m/1.0 -k $K --force
	states again
	ok "two builds state the same" cmp "$work/dated" "$work/again"
	unset SOURCE_DATE_EPOCH
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms_exits 0 "a build without a cache" build m/1.0 -k $K --no-cache
	states uncached
	is "$(get uncached .predicate.buildDefinition.internalParameters.complete)" false "it is known not to be complete"
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms_exits 0 "a build without a sandbox" build m/1.0 -k $K --sandbox=off
	states unconfined
	is "$(get unconfined '.predicate.runDetails.builder.id, .predicate.buildDefinition.internalParameters.sandbox')" \
		"urn:dkms:builder:none"$'\nnone' "the builder is another one"
}

# Modules are compressed if those of the kernel are.
compressed()
{
	kernel_module $K kernel/fs/ext9.ko.xz
	rm -f "$installtree/$K/kernel/fs/ext9.ko"
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms build m/1.0 -k $K > /dev/null
	states compressed
	is "$(get compressed '.subject[].name, .predicate.runDetails.byproducts[].name' | paste -sd' ')" "m.ko.xz m.ko" \
		"the module and the one before it was compressed"
	is "$(get compressed '.predicate.runDetails.byproducts[].digest.sha256')" \
		"$(xz -dc "$dkmstree/m/1.0/$K/$arch/module/m.ko.xz" | sha256sum | cut -d' ' -f 1)" "its digest"
}

packed()
{
	local file=$dkmstree/m/1.0/$K/$arch/log/provenance.json

	# One that only root may read, because it has digests of what only root may read, goes nowhere.
	chmod 0600 "$file"
	dkms_exits 0 "mktarball, where only root may read it" mktarball m/1.0 -k $K --archive "$work/private.tar"
	is "$(tar -tf "$work/private.tar" | grep -c provenance)" 0 "it is not in the archive"
	is "$(tar -tf "$work/private.tar" | grep -c 'log/make.log')" 1 "the log is"
	if command -v dpkg-deb > /dev/null; then
		dkms_exits 0 "mkdeb, where only root may read it" mkdeb m/1.0 -k $K --binaries-only --archive "$work/private.deb"
		is "$(dpkg-deb -c "$work/private.deb" | grep -c provenance)" 0 "it is not in the package"
	fi
	chmod 0644 "$file"
	dkms mktarball m/1.0 -k $K --archive "$work/m.tar.gz" > /dev/null
	ok "it is in an archive" cmp "$file" <(tar -xOf "$work/m.tar.gz" "./dkms_main_tree/$K/$arch/log/provenance.json")
	if command -v dpkg-deb > /dev/null; then
		dkms mkdeb m/1.0 -k $K --binaries-only --archive "$work/m.deb" > /dev/null
		ok "it is in a Debian package" cmp "$file" <(dpkg-deb --fsys-tarfile "$work/m.deb" |
			tar -xOf - "./usr/share/doc/m-modules-$K/provenance.json")
	fi
	if command -v rpmbuild > /dev/null && command -v rpm2cpio > /dev/null && command -v cpio > /dev/null; then
		dkms mkrpm m/1.0 -k $K --binaries-only --archive "$work/m.rpm" > /dev/null
		mkdir "$work/rpm"
		(cd "$work/rpm" && rpm2cpio "$work/m.rpm" | cpio -id --quiet)
		ok "it is in an RPM package" cmp "$file" "$work/rpm/usr/share/doc/kmod-m-$K/provenance.json"
	fi
	dkms remove m/1.0 --all > /dev/null
	dkms ldtarball "$work/m.tar.gz" --force > /dev/null
	run_dkms provenance m/1.0 -k $K
	like "$err" "warning: m/1.0 for $K .*came with an archive, and so did this statement: dkms has not verified it" \
		"provenance that came with an archive: it says so"
	cp "$work/out" "$work/loaded"
	ok "an archive brings it along" cmp "$work/compressed" "$work/loaded"
}

errors()
{
	dkms_exits 1 "without a module" provenance
	dkms_exits 3 "a module that is not there" provenance none/1.0
	dkms_exits 2 "two kernels" provenance m/1.0 -k $K -k $K7
	dkms_exits 6 "a kernel for which nothing is built" provenance m/1.0 -k $K7
	like "$err" "not built for $K7" "the error names the kernel"
	dkms_exits 6 "an architecture for which nothing is built" provenance m/1.0 -k $K -a none
	echo '{' > "$dkmstree/m/1.0/$K/$arch/log/provenance.json"
	dkms_exits 1 "a damaged file" provenance m/1.0 -k $K
	like "$err" "provenance.json is damaged" "the error names it"
	rm "$dkmstree/m/1.0/$K/$arch/log/provenance.json"
	dkms_exits 6 "a build of an earlier version" provenance m/1.0 -k $K
	like "$err" "it is not recorded" "the error says so"
	like "$err" "dkms build m/1.0 -k $K/$arch --force" "and what helps"
}

cached_machine
export HOME=$work/home # rpm has a database of packages there
mkdir "$HOME"
statement
from_cache
compressed
packed
errors
finish
