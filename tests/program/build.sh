#!/bin/bash
# dkms build on a kernel of the fixture: dkms.conf and its overrides, patches, scripts, make
# commands, the resulting modules and exit statuses. Descriptions name the section of the contract
# (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Makes new trees. Sets $tree and $modules to regular expressions for the paths of the dkms tree and the
# install tree in a build: tests/program/places.sh tests which of both they are.
new_trees()
{
	machine
	tree="($dkmstree|/var/lib/dkms)"
	modules="($installtree|/lib/modules)"
}

# Prints the log of the last successful build of $NAME on $K.
log() { cat "$dkmstree/$NAME/1.0/$K/$arch/log/make.log"; }
# Prints the log of the last failed build.
failed_log() { cat "$dkmstree/$NAME/1.0/build/make.log"; }
# Prints the path of a module in the dkms tree.
built() { echo "$dkmstree/$NAME/1.0/$K/$arch/module/${1:-$NAME}.ko"; }

# Builds a new package NAME 1.0 whose dkms.conf has the LINEs.
build() # STATUS DESCRIPTION NAME [LINE...]
{
	local want=$1 description=$2

	NAME=$3
	shift 3
	module "$NAME" 1.0 "$@"
	dkms_exits "$want" "$description" build "$NAME/1.0" -k $K
}

again() # STATUS DESCRIPTION
{
	dkms_exits "$1" "$2" build "$NAME/1.0" -k $K --force
}

configurations()
{
	new_trees
	kernel $K
	build 0 "compat 4: what a conf prints on stdout is dropped" noisy 'echo nonsense' 'echo trouble >&2'
	is "$(printf '%s' "$out" | grep -c nonsense)" 0 "the output of dkms does not have it"
	like "$err" trouble "compat 4: what a conf prints on stderr is shown"
	build 8 "(a conf that reads a missing file)" busy \
		'i=0; for m in busy more; do BUILT_MODULE_NAME[$i]=$m; DEST_MODULE_LOCATION[$i]=/extra' \
		'i=$((i+1)); done' 'pushd . >/dev/null; popd >/dev/null' \
		'if grep -q CONFIG_SMP=y $kernel_config; then PRE_BUILD=pre.sh; fi' \
		'. "$kernel_source_dir/.config"; [ "$CONFIG_MODULES" = y ] && AUTOINSTALL=YES' \
		'here=$(dirname "$BASH_SOURCE"); [ -f "$here/busy.c" ] || PACKAGE_NAME=lost' \
		'read -r kind < "${BASH_SOURCE[0]%/*}/kind"; AUTOINSTALL=${kind-maybe}; STRIP=no'
	echo no > "$sourcetree/busy-1.0/kind"
	write_sources "$sourcetree/busy-1.0" 1.0 busy more
	write_script "$sourcetree/busy-1.0/pre.sh" 'echo pre-built'
	again 0 "compat 4: if, grep, pushd, arrays with i=\$((i+1)), the kernel's .config, BASH_SOURCE"
	like "$(log)" "^pre-built" "the condition in the conf is true"
	is "$(basename -a "$(built)" "$(built more)")" "$(ls -I 'Module.*' "$(dirname "$(built)")")" "both modules are built"

	build 0 "compat 4: the variables that a conf sees" vars 'for v in kernelver arch kernel_source_dir \
		kernel_config dkms_tree source_tree install_tree module module_version tmp_location parallel_jobs
		do all="$all$v=${!v} "; done' 'MAKE="echo \"$all\"; make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build"'
	all=$(log | grep '^kernelver=')
	for v in "kernelver=$K" "arch=$arch" "kernel_source_dir=$modules/$K/build" \
		"kernel_config=$modules/$K/build/include/config/auto.conf" "dkms_tree=$tree" \
		"source_tree=($sourcetree|/usr/src)" "install_tree=$modules" module=vars module_version=1.0; do
		like "$all" "(^| )$v " "compat 4: ${v%%=*}"
	done
	like "$all" "tmp_location=/" "compat 4: tmp_location"
	like "$all" "parallel_jobs=[1-9]" "compat 4: parallel_jobs"

	build 0 "(a package with CRLF)" crlf 'STRIP=no'
	sed -i 's/$/\r/' "$sourcetree/crlf-1.0/dkms.conf"
	again 0 "compat 4: carriage returns are dropped"
	ok "the file name has no carriage return" test -f "$(built)"
	build 8 "compat 4: AUTOINSTALL is yes or no" maybe 'AUTOINSTALL=maybe'
	like "$err" "$dkmstree/maybe/1.0/source/dkms.conf|$sourcetree/maybe-1.0/dkms.conf" "compat 4: the file is named"
	like "$err" AUTOINSTALL "compat 4: the directive is named"
	build 8 "compat 4: DEST_MODULE_LOCATION is required" nodest 'unset DEST_MODULE_LOCATION; BUILT_MODULE_NAME=nodest'
	build 8 "compat 4: DEST_MODULE_LOCATION begins with /kernel, /updates or /extra" dest 'DEST_MODULE_LOCATION=/usr'
	build 0 "compat 4: BUILT_MODULE_NAME of one module defaults to PACKAGE_NAME" alone
	is "$(basename "$(built)")" alone.ko "compat 4: DEST_MODULE_NAME defaults to BUILT_MODULE_NAME"
	build 8 "compat 4: BUILT_MODULE_NAME is required of two" pair 'DEST_MODULE_LOCATION=(/extra /extra)'
	build 8 "compat 4: a name with .ko" koko 'DEST_MODULE_NAME=koko.ko'
	build 8 "compat 4: a name with .o" suffix 'BUILT_MODULE_NAME=suffix.o'
	build 8 "compat 4: PACKAGE_VERSION is required" noversion 'unset PACKAGE_VERSION'
	build 8 "compat 4: duplicate destinations" dups 'BUILT_MODULE_NAME=(dups two)' \
		'DEST_MODULE_NAME=(x x)' 'DEST_MODULE_LOCATION=(/extra /extra)'
	build 0 "compat 4: sparse arrays" sparse 'BUILT_MODULE_NAME[0]=sparse' 'PATCH[7]=late.patch' \
		'PATCH_MATCH[7]=^5'
	for directive in CLEAN=x REMAKE_INITRD=yes MODULES_CONF_OBSOLETES=x; do
		build 0 "compat 4: $directive" "old${directive%%[_=]*}" "$directive"
		like "$err" "warning.*${directive%%=*} is deprecated" "compat 4: there is a warning that it is deprecated"
	done
}

overrides()
{
	local file

	if ! private_etc; then
		skip "needs a mount namespace" "compat 4: overrides in /etc/dkms"
		return
	fi
	machine
	kernel $K
	build 0 "(a package)" over 'PRE_BUILD="say.sh dkms.conf"'
	write_script "$sourcetree/over-1.0/say.sh" 'echo "said by $1"'
	again 0 "(add a script)"
	like "$(log)" "^said by dkms.conf" "(the script runs)"
	for file in over over-1.0 "over-1.0-$K" "over-1.0-$K-$arch" "over--$K" "over--$K-$arch"; do
		echo "PRE_BUILD=\"say.sh \${PRE_BUILD##* }+$file\"" > "$etc/$file.conf"
	done
	echo 'PRE_BUILD="say.sh other"' | tee "$etc/over-2.0.conf" "$etc/over--5.10.0.conf" > "$etc/other.conf"
	again 0 "compat 4: overrides"
	is "$(log | grep '^said')" "said by dkms.conf+over+over-1.0+over-1.0-$K+over-1.0-$K-$arch+over--$K+over--$K-$arch" \
		"compat 4: overrides are read in this order, and those of others are not read"
	dkms_exits 0 "compat 4: --directive" build over/1.0 -k $K --force --directive 'PRE_BUILD=say.sh me'
	is "$(log | grep '^said')" "said by me" "compat 4: --directive wins over overrides"
	DKMS_DIRECTIVE_2='PRE_BUILD=say.sh two' DKMS_DIRECTIVE_1='PRE_BUILD=say.sh one=1' \
		again 0 "compat 4: variables DKMS_DIRECTIVE..."
	is "$(log | grep '^said')" "said by two" "compat 4: the last of the variables wins over overrides"
	DKMS_DIRECTIVE_1='PRE_BUILD=say.sh one=1' again 0 "one variable DKMS_DIRECTIVE_1"
	is "$(log | grep '^said')" "said by one=1" "its value may contain ="
	DKMS_DIRECTIVE='PRE_BUILD=say.sh one' dkms_exits 0 "a variable together with --directive" build over/1.0 -k $K --force \
		--directive 'PRE_BUILD=say.sh me'
	is "$(log | grep '^said')" "said by me" "compat 4: --directive wins over variables"
	DKMS_DIRECTIVE_X=nonsense again 8 "a variable without ="
	like "$err" '"nonsense"' "the error names it"
	rm "$etc"/*.conf
	write_script "$etc/over/say.sh" 'echo "the administrator says $1"'
	again 0 "compat 4: /etc/dkms/NAME/SCRIPT"
	like "$(log)" "^the administrator says dkms.conf" "compat 4: the administrator's script replaces the package's"
	echo 'AUTOINSTALL=perhaps' > "$etc/over.conf"
	again 8 "a bad override"
	like "$err" "$etc/over.conf" "is named"
	rm -r "$etc/over.conf" "$etc/over"

	echo 'export GREETING="hello world" CC=nothing' > "$etc/env"
	echo "build_environment=\"$etc/env\"" > "$etc/framework.conf"
	sed -i 's/^PRE_BUILD.*/PRE_BUILD=say.sh/; s/$1/$GREETING/' "$sourcetree/over-1.0/"{dkms.conf,say.sh}
	again 0 "compat 5.4: build_environment"
	like "$(log)" "^said by hello world" "compat 5.4: the file is sourced before make"
	rm "$etc/env"
	again 1 "a missing build_environment fails the build" || true
	rm "$etc/framework.conf"
}

# Prints a unified diff that changes the version of a module of that name.
diff_of() # NAME FROM TO
{
	printf '%s\n' "--- a/$1.c" "+++ b/$1.c" '@@ -1,2 +1,2 @@' "-MODULE_VERSION(\"$2\");" \
		"+MODULE_VERSION(\"$3\");" " MODULE_INFO(srcversion, \"$1-1.0\");"
}

patches()
{
	local source

	machine
	kernel $K
	build 5 "compat 9: a missing patch" fix 'PATCH=("one.patch" "two.patch")'
	like "$err" "patches/one.patch is missing" "the error names the missing patch"
	source=$sourcetree/fix-1.0
	mkdir "$source/patches"
	diff_of fix 1.0 one > "$source/patches/one.patch"
	diff_of fix one two > "$source/patches/two.patch"
	before=$(snapshot "$source")
	again 0 "compat 4: patches"
	is "$(module_field version "$(built)")" two "compat 4: patches are applied in order"
	is "$(snapshot "$source")" "$before" "the source is unchanged, since patches are applied to a copy"
	again 0 "compat 4: each build patches a new copy"
	sed -i 's/^PATCH=.*/PATCH=(two.patch one.patch)/' "$source/dkms.conf"
	again 6 "compat 9: a patch that fails"
	like "$err" "two.patch" "the error names the patch"
	like "$(failed_log)" "^# command: patch -p1.*two.patch" "the log has the patch command"
	is "$(state fix 1.0 $K)" built "the version that was built before is kept"
	sed -i 's/^PATCH=.*/PATCH=one.patch/' "$source/dkms.conf"
	again 0 "compat 11.15: PATCH as a scalar"
	is "$(module_field version "$(built)")" one "the patch of a scalar is applied"
	printf '%s\n' 'PATCH_MATCH=^5\.' 'PATCH[1]=other.patch' 'PATCH_MATCH[1]=^4\.19\.0-6' >> "$source/dkms.conf"
	diff_of fix 1.0 other > "$source/patches/other.patch"
	again 0 "compat 4: PATCH_MATCH"
	is "$(module_field version "$(built)")" other "compat 4: PATCH_MATCH chooses the patch"
	for bad in ../one.patch sub/../one.patch sub/.. ..; do
		sed -i "s!^PATCH\[1\]=.*!PATCH[1]='$bad'!" "$source/dkms.conf"
		again 5 "compat 4: PATCH $bad"
	done
	sed -i "s!^PATCH\[1\]=.*!PATCH[1]='sub/one..two.patch'!" "$source/dkms.conf"
	mkdir "$source/patches/sub"
	cp "$source/patches/one.patch" "$source/patches/sub/one..two.patch"
	again 0 "two dots inside of a name are valid"
	if private_etc; then
		mkdir -p "$etc/fix/patches/sub"
		diff_of fix 1.0 admin > "$etc/fix/patches/sub/one..two.patch"
		again 0 "compat 4: /etc/dkms/NAME/patches"
		is "$(module_field version "$(built)")" admin "compat 4: it replaces the package's patch"
		rm -r "$source/patches"
		again 0 "compat 4: the package has no patches directory"
		is "$(module_field version "$(built)")" admin "the administrator's patch is applied"
	else
		skip "needs a mount namespace" "compat 4: /etc/dkms/NAME/patches"
	fi
}

make_commands()
{
	local at

	new_trees
	kernel $K
	at='-C $kernel_source_dir M=$dkms_tree/$PACKAGE_NAME/$PACKAGE_VERSION/build'
	build 0 "compat 4: no MAKE" plain
	like "$(log)" "^# command: make .*-C $modules/$K/build M=$tree/plain/1.0/build" \
		"compat 4: the default command is make -C HEADERS M=BUILD"
	like "$(log)" "^# command: make .*KERNELRELEASE=$K" "compat 5.4: KERNELRELEASE is added"
	build 0 "compat 5.4: a bare make" bare "MAKE=\"make $at\""
	like "$(log)" "^# command: make .*KERNELRELEASE=$K" "compat 5.4: KERNELRELEASE is added to it"
	build 0 "compat 5.4: a quoted make" quoted "MAKE=\"'make' $at\""
	is "$(log | grep -c KERNELRELEASE)" 0 "compat 5.4: KERNELRELEASE is not added to it"
	build 0 "compat 5.4: a shell command line" shell "MAKE=\"(cd / && echo a; echo 'b c') && make $at || false\""
	is "$(log | sed -n '/^a$/,/^b c$/p')" "$(printf 'a\nb c')" "compat 5.4: ; && parentheses and quotes"
	build 10 "compat 5.6: an && that fails" fails "MAKE=\"make $at && false\""
	is "$(state fails 1.0 $K)" added "no module is built"
	build 0 "compat 4: MAKE_MATCH" choice "MAKE[0]=\"echo zero; make $at\"" 'MAKE_MATCH[0]=^5' \
		"MAKE[1]=\"echo one; make $at\"" 'MAKE_MATCH[1]=^4' "MAKE[2]=\"echo two; make $at\"" \
		'MAKE_MATCH[2]="(amd64|x86)$"' "MAKE[3]=\"echo three; make $at\"" 'MAKE_MATCH[3]=^6'
	is "$(log | grep -xE 'zero|one|two|three')" two "compat 4: the last matching MAKE is used"
	build 0 "compat 4: MAKE[0] without MAKE_MATCH[0]" first "MAKE[0]=\"echo zero; make $at\"" \
		"MAKE[1]=\"echo one; make $at\"" 'MAKE_MATCH[1]=^5'
	like "$(log)" '^zero$' "compat 4: it is used if no other matches"
	build 0 "compat 4: none matches" last 'MAKE[0]="false"' 'MAKE_MATCH[0]=^5'
	like "$(log)" "^# command: make .*-C $installtree/$K/build" "compat 4: the default make command is used"

	build 0 "(a package whose make prints its environment)" environ "MAKE=\"env | sort; make $at\""
	export CC=cc1 CXX=cxx1 CFLAGS=-c1 CXXFLAGS=-c2 LDFLAGS=-l1 MAKEFLAGS=-k MFLAGS=-k MAKELEVEL=7 \
		sub_make_done=1 BASH_ENV=/nowhere
	again 0 "compat 5.4: the caller's environment"
	unset CC CXX CFLAGS CXXFLAGS LDFLAGS MAKEFLAGS MFLAGS MAKELEVEL sub_make_done BASH_ENV
	is "$(log | grep -E '^(CC|CXX|CFLAGS|CXXFLAGS|LDFLAGS|MFLAGS|MAKELEVEL|sub_make_done|BASH_ENV)=')" "" \
		"compat 5.4: CC and the like, MAKEFLAGS and sub_make_done do not reach make"
	is "$(log | grep -c '^MAKEFLAGS=.*-k')" 0 "compat 5.4: MAKEFLAGS of the caller does not reach make"
	like "$(log)" "^kernelver=$K" "the variables of dkms reach make"
	like "$(log)" '^MAKEFLAGS=.*--jobserver' "the job slots reach make"
	is "$(log | grep -ci 'jobserver.*unavailable\|disabling jobserver')" 0 "make can use the job slots"

	build 0 "(a package)" broken
	echo '#error "no such thing"' >> "$sourcetree/broken-1.0/broken.c"
	again 10 "compat 9: make fails"
	like "$err" "broken.c:3:2: error: #error \"no such thing\"" "the error has the compiler's error"
	build 10 "make is killed" killed 'MAKE="kill -9 $$"'
	like "$err" "signal 9" "the error names the signal"
	build 10 "a make command that does not exist" nocommand 'MAKE="no-such-command --at-all"'
	like "$err" "no-such-command" "the error names the command"
}

made() # writes the makefile of $NAME from standard input
{
	cat > "$sourcetree/$NAME-1.0/Makefile"
}

modules()
{
	machine
	kernel $K
	build 7 "compat 5.6: a module missing after make" lost 'BUILT_MODULE_NAME=elsewhere'
	like "$err" "elsewhere" "compat 5.6: the error names the module"
	is "$(state lost 1.0 $K)" added "no module is built"
	build 7 "(two modules, in a directory)" two 'BUILT_MODULE_NAME=(a b)' \
		'BUILT_MODULE_LOCATION=(sub sub/)' 'DEST_MODULE_NAME[1]=renamed' \
		'DEST_MODULE_LOCATION=(/kernel/x /updates/)' 'STRIP=(no yes)'
	write_sources "$sourcetree/two-1.0" 1.0 a b
	mkdir "$sourcetree/two-1.0/sub"
	mv "$sourcetree/two-1.0"/*.c "$sourcetree/two-1.0/sub"
	made <<< 'obj-m := sub/a.o sub/b.o'
	again 0 "compat 4: BUILT_MODULE_LOCATION, a missing / is added"
	is "$(ls "$(dirname "$(built)")")" "$(printf '%s\n' Module.symvers a.ko renamed.ko)" \
		"compat 5.7: the modules are in module/ under their destination names"
	has_debug() { readelf -SW "$1" | grep -q '\.debug_info'; }
	ok "compat 4: STRIP no" has_debug "$(built a)"
	ok "compat 4: STRIP yes" eval '! has_debug "$(built renamed)"'
	sed -i 's/^STRIP=.*/STRIP[0]=nope/' "$sourcetree/two-1.0/dkms.conf"
	again 0 "compat 4: STRIP[0] alone"
	ok "compat 4: it is used for all modules" has_debug "$(built renamed)"
	sed -i 's/^STRIP.*/STRIP[1]=Nein/' "$sourcetree/two-1.0/dkms.conf"
	again 0 "compat 4: no STRIP[0]"
	ok "compat 4: modules are stripped by default" eval '! has_debug "$(built a)"'
	ok "compat 4: only the first letter matters" has_debug "$(built renamed)"

	build 0 "a module that needs symbols" needy
	printf '%s\n' 'extern int printk;' 'extern int frobnicate;' >> "$sourcetree/needy-1.0/needy.c"
	again 0 "a module needs a symbol that does not exist"
	like "$err" "warning.*needy.ko.*frobnicate" "there is a warning about the symbol"
	is "$(printf '%s' "$err" | grep -c printk)" 0 "there is no warning about a symbol of the kernel"
	module base 1.0
	echo 'EXPORT_SYMBOL(frobnicate);' >> "$sourcetree/base-1.0/base.c"
	dkms install base/1.0 -k $K > /dev/null
	echo BUILD_DEPENDS=base >> "$sourcetree/needy-1.0/dkms.conf"
	again 0 "compat 4: BUILD_DEPENDS"
	is "$err" "" "compat 4: the symbols of BUILD_DEPENDS are known"
	build 0 "a module for another kernel" wrong "MAKE='awk -v release=5.5.5 -f \$kernel_source_dir/compile.awk wrong.c | as -o wrong.ko -'"
	like "$err" "warning.*wrong.ko.*5\.5\.5" "there is a warning about the other kernel"
	build 7 "a link instead of a module" linked 'MAKE="ln -s /etc/passwd linked.ko"'
	ok "the link is not followed" test ! -e "$(built)"
}

compressed_kernels()
{
	local suffix k

	machine
	kernel 5.1-gz .gz
	kernel 5.2-xz .xz
	kernel 5.3-zst .zst
	kernel 5.4-plain
	module hello 1.0
	dkms_exits 0 "a build for kernels of each compression" install hello/1.0 --all
	for k in 5.1-gz 5.2-xz 5.3-zst; do
		suffix=${k#*-}
		is "$(find "$dkmstree/hello/1.0/$k" "$installtree/$k" -name 'hello*')" \
			"$dkmstree/hello/1.0/$k/$arch/module/hello.ko.$suffix
$installtree/$k/$dest/hello.ko.$suffix" "compat 5.7, 11.13: as the kernel's own: .$suffix"
	done
	is "$(ls "$installtree/5.4-plain/$dest")" hello.ko "compat 11.13: no compression for an uncompressed kernel"
	gzip -dc "$installtree/5.1-gz/$dest/hello.ko.gz" > "$work/hello.ko"
	is "$(module_field version "$work/hello.ko")" 1.0 "gzip can read the .gz file"
	is "$(module_field version "$installtree/5.2-xz/$dest/hello.ko.xz")" 1.0 "libkmod can read the .xz file"
	is "$(module_field version "$installtree/5.3-zst/$dest/hello.ko.zst")" 1.0 "libkmod can read the .zst file"
	like "$(xz -lv "$installtree/5.2-xz/$dest/hello.ko.xz")" CRC32 "the kernel can read the .xz file"
	dkms_exits 0 "uninstall" uninstall hello/1.0 --all
	is "$(find "$installtree" -name 'hello*')" "" "uninstall finds compressed modules"
}

exclusions()
{
	local n=0 line

	machine
	kernel $K
	mkdir -p "$installtree/4.19.0-9-amd64"
	for line in BUILD_EXCLUSIVE_KERNEL=^5 BUILD_EXCLUSIVE_KERNEL_MIN=4.20 BUILD_EXCLUSIVE_KERNEL_MAX=4.18 \
		BUILD_EXCLUSIVE_ARCH=^mips 'BUILD_EXCLUSIVE_CONFIG="CONFIG_SMP CONFIG_NOTHING"' \
		'BUILD_EXCLUSIVE_CONFIG=!CONFIG_SMP' OBSOLETE_BY=4.18; do
		n=$((n + 1))
		build 77 "compat 4: $line" "never$n" "$line"
		like "$out" "skipped" "compat 4: it is printed as skipped"
		is "$(state "never$n" 1.0 $K)" added "the module is not built"
	done
	for line in "BUILD_EXCLUSIVE_KERNEL='^4\.(19|20)'" BUILD_EXCLUSIVE_KERNEL_MIN=4.19 \
		BUILD_EXCLUSIVE_KERNEL_MAX=4.19.0-6-amd64 "BUILD_EXCLUSIVE_ARCH=$arch" \
		'BUILD_EXCLUSIVE_CONFIG="CONFIG_SMP !CONFIG_NOTHING"'; do
		n=$((n + 1))
		build 0 "compat 4: $line" "ever$n" "$line"
	done
	dkms_exits 77 "compat 11.4: 77 is decided before headers" install never1/1.0 -k 4.19.0-9-amd64
	dkms_exits 21 "(otherwise missing headers are an error)" install ever8/1.0 -k 4.19.0-9-amd64
	build 77 "compat 11.4: record 0 excluded, record 1 would match" zero 'BUILT_MODULE_NAME=(zero one)' \
		'DEST_MODULE_LOCATION=(/extra /extra)' 'BUILD_EXCLUSIVE_KERNEL=(^5 ^4)'
	build 0 "compat 11.4: record 1 excluded" one 'BUILT_MODULE_NAME=(one two)' \
		'DEST_MODULE_LOCATION=(/extra /extra)' 'BUILD_EXCLUSIVE_KERNEL=(^4 ^5)'
	is "$(ls "$(dirname "$(built)")")" "$(printf '%s\n' Module.symvers one.ko)" "compat 11.4: the other module is built"
	dkms_exits 0 "the other module can be installed" install one/1.0 -k $K
	is "$(ls "$installtree/$K/$dest")" one.ko "only the other module is installed"
	dkms_exits 77 "several kernels, all excluded" build never1/1.0 -k $K -k 4.19.0-9-amd64
	build 13 "compat 9: BUILD_DEPENDS missing" child BUILD_DEPENDS=parent
	like "$err" "parent" "the error names the dependency"
	again 0 "compat 4: --force builds without the dependency"
}

scripts()
{
	local source

	new_trees
	kernel $K
	build 0 "(a package)" hooks 'PRE_BUILD="pre.sh one  two"' 'POST_BUILD=sub/post.sh' 'POST_ADD=added.sh'
	like "$err" "warning.*PRE_BUILD.*pre\.sh" "compat 4: a missing script gives a warning"
	source=$sourcetree/hooks-1.0
	rm -r "$dkmstree/hooks"
	write_script "$source/pre.sh" 'echo "$# arguments: $1-$2 in $PWD"' "sed -i s/1.0/$K/ hooks.c"
	write_script "$source/sub/post.sh" 'echo post: $(ls *.ko) $kernelver'
	write_script "$source/added.sh" 'echo added: $PWD' 'exit 3'
	dkms_exits 0 "compat 4: scripts" build hooks/1.0 -k $K
	like "$(log)" "^2 arguments: one-two in $tree/hooks/1.0/build" \
		"compat 4: PRE_BUILD runs with its arguments in the build directory"
	is "$(module_field version "$(built)")" $K "PRE_BUILD runs before make"
	like "$(log)" "^post: hooks.ko $K" "compat 4: POST_BUILD runs after make"
	is "$(printf '%s' "$out$err" | grep -c 'arguments\|post:')" 0 "compat 11.15: their output goes to make.log only"
	like "$out" "^added: ($dkmstree/hooks/1.0/source|$source)$" "compat 11.15: the output of POST_ADD goes to stdout"
	like "$err" "warning.*POST_ADD.*exited 3" "a failing POST_ADD gives a warning"
	write_script "$source/pre.sh" 'echo cannot' 'exit 42'
	again 42 "compat 4: a failing PRE_BUILD ends the build with its status"
	like "$err" "PRE_BUILD exited 42" "the error names PRE_BUILD and its status"
	write_script "$source/pre.sh" 'exit 0'
	write_script "$source/sub/post.sh" 'echo too late >&2' 'exit 43'
	before=$(snapshot "$dkmstree/hooks/1.0/$K")
	again 43 "compat 4: a failing POST_BUILD ends the build as well"
	is "$(snapshot "$dkmstree/hooks/1.0/$K")" "$before" "the version that was built before is kept"
	chmod -x "$source/pre.sh" "$source/sub/post.sh"
	again 0 "compat 4: scripts that are not executable"
	like "$err" "warning.*PRE_BUILD.*not executable" "compat 4: there is a warning for PRE_BUILD"
	like "$err" "warning.*POST_BUILD.*not executable" "compat 4: there is a warning for POST_BUILD"
}

logs()
{
	machine
	kernel $K
	build 0 "(a package)" hello 'MAKE="make -C $kernel_source_dir M=$dkms_tree/hello/1.0/build && echo done"'
	log=$(log)
	like "$(printf '%s' "$log" | head -n 1)" "^DKMS.*hello/1\.0.*$K.*$arch" \
		"compat 5.3: the log begins with dkms, module, kernel and architecture"
	like "$(printf '%s' "$log" | sed -n 2p)" "[0-9]{2}:[0-9]{2}:[0-9]{2}.*20[0-9]{2}" "compat 5.3: the header has the date"
	is "$(printf '%s\n' "$log" | sed -n '/^# command: make/,/^$/p' | grep -v directory | cut -d' ' -f -3)" \
		"$(printf '%s\n' '# command: make' '  LD' 'done')" "compat 5.3: the log has the command and its output"
	is "$(printf '%s\n' "$log" | grep -c '^# exit code: 0')" "$(printf '%s\n' "$log" | grep -c '^# command:')" \
		"compat 5.3: the log has the exit code of each command"
	is "$(printf '%s\n' "$log" | grep -c '^# elapsed time: [0-9.]* s')" \
		"$(printf '%s\n' "$log" | grep -c '^# command:')" "compat 5.3: the log has the time of each command"
}

configurations
overrides
patches
make_commands
modules
compressed_kernels
exclusions
scripts
logs
finish
