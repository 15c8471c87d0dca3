#!/bin/bash
# The commands and options on a kernel of the fixture: what they do, the output of status, and the
# exit statuses. Descriptions name the section of the contract (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
C5=5.10.0-1-cloud-amd64
running=$(uname -r)

usage_and_words()
{
	machine
	dkms_exits 0 "compat 11.2: no action prints the usage and exits 0"
	like "$out" "^Usage: dkms" "compat 11.2: the usage of no action"
	dkms_exits 0 "compat 11.2: an unknown action exits 0" frobnicate
	like "$out" "^Usage: dkms" "compat 11.2: it prints the usage"
	dkms_exits 2 "compat 11.2: an unknown option exits 2" status --frobnicate
	like "$err" "frobnicate" "the error names the option"
	dkms_exits 2 "compat 9: an unknown letter exits 2" status -Z
	exits 2 "an option without its argument" "$DKMS" status -k
	dkms_exits 4 "compat 9: two actions" add build hello/1.0
	dkms_exits 0 "compat 3: --version" --version
	like "$out" "^dkms-4\.0\.0$" "compat 3: the version's form"
	dkms_exits 0 "compat 3: -V" -V
	dkms_exits 0 "compat 3: --help" --help
	for action in add build install uninstall unbuild remove status autoinstall; do
		like "$out" "^  $action " "the help has $action"
	done
	dkms_exits 0 "compat 3: -h" build -h
	is "$(find "$dkmstree" "$installtree" "$sourcetree" -mindepth 1)" "" "no file was made"
}

adding()
{
	machine
	kernel $K
	module hello 1.0
	dkms_exits 0 "compat 2: add NAME/VERSION of the source tree" add hello/1.0
	is "$(state hello 1.0)" added "the version is added"
	is "$(readlink "$dkmstree/hello/1.0/source")" "$sourcetree/hello-1.0" "compat 1: the source link"
	dkms_exits 3 "compat 11.1: already added exits 3" add hello/1.0
	is "$err" "dkms: hello/1.0 is already added" "the error has one line"
	module hello 1.1
	dkms_exits 0 "compat 3: -m and -v" add -m hello -v 1.1
	module hello 1.2
	dkms_exits 0 "compat 3: -m NAME/VERSION" add -m hello/1.2
	module hello 1.3
	dkms_exits 0 "compat 3: --module=NAME" add --module=hello -v1.3
	is "$(ls "$dkmstree/hello")" "$(printf '1.%d\n' 0 1 2 3)" "compat 1: all four versions are there and nothing else"
	is "$(ls -I 'linux-*' "$sourcetree")" "$(printf 'hello-1.%d\n' 0 1 2 3)" "the source tree is unchanged"

	dkms_exits 2 "compat 9: no source directory" add nowhere/1.0
	like "$err" "$sourcetree/nowhere-1.0" "the error names the directory"
	module other 2.0
	mv "$sourcetree/other-2.0" "$sourcetree/mine-1.0"
	dkms_exits 0 "compat 2: add NAME/VERSION with another name in dkms.conf" add mine/1.0
	is "$(state mine 1.0) $(state other 2.0)" "added absent" "compat 2: the name of the command is used"
	is "$err" "dkms: warning: mine/1.0: $sourcetree/mine-1.0/dkms.conf calls it other/2.0" "there is a warning about the other name"
	dkms remove mine/1.0 --all > /dev/null
	mkdir -p "$dkmstree/odd/1.0/source"
	is "$(dkms status odd 2> /dev/null)" "odd/1.0: broken" "a source that is not a link makes it broken"
	module odd 1.0
	is "$(dkms status odd 2> /dev/null)" "odd/1.0: broken" "compat 1: it is broken if /usr/src has the source"
	dkms_exits 3 "compat 2: add does not replace it" add odd/1.0
	like "$err" "$dkmstree/odd/1.0/source is a directory" "the error says that it is a directory"
	rm -r "$dkmstree/odd" "$sourcetree/odd-1.0"
	for action in add install remove status; do
		dkms_exits 2 "$action of two modules" $action hello/1.0 hello/1.1
		like "$err" "one module: hello/1.0 or hello/1.1" "the error names both modules"
	done
	dkms_exits 3 "the same one twice" add hello/1.0 hello/1.0
	dkms_exits 0 "compat 11.2: two words without an action" frobnicate hello/1.0
	mkdir "$sourcetree/empty-1.0"
	dkms_exits 4 "compat 9: no dkms.conf" add empty/1.0
	dkms_exits 1 "compat 9: arguments missing" add
	dkms_exits 1 "compat 9: the version missing" add -m hello
	is "$(ls "$dkmstree")" hello "none of these was added"
}

adding_directories()
{
	machine
	module hello 1.0
	mv "$sourcetree/hello-1.0" "$machine/unpacked"
	dkms_exits 0 "compat 2: add a directory" add "$machine/unpacked"
	is "$(state hello 1.0)" added "the version of the directory is added"
	ok "compat 2: the directory is copied to the source tree" diff -r "$machine/unpacked" "$sourcetree/hello-1.0"
	is "$(readlink "$dkmstree/hello/1.0/source")" "$sourcetree/hello-1.0" "the copy is the source"
	dkms_exits 3 "compat 11.1: the same directory again exits 3" add "$machine/unpacked"

	sed -i s/1.0/2.0/ "$machine/unpacked/dkms.conf"
	dkms_exits 0 "compat 2: add a path to a dkms.conf" add "$machine/unpacked/dkms.conf"
	is "$(state hello 2.0)" added "the version of that dkms.conf is added"
	cd "$machine/unpacked"
	sed -i s/2.0/3.0/ dkms.conf
	dkms_exits 0 "compat 2: a bare dkms.conf" add dkms.conf
	sed -i s/3.0/4.0/ dkms.conf
	dkms_exits 0 "compat 2: a relative directory" add ../unpacked
	sed -i s/4.0/5.0/ dkms.conf
	dkms_exits 0 "compat 2: the current directory" add .
	cd "$work"
	is "$(ls "$sourcetree")" "$(printf 'hello-%d.0\n' 1 2 3 4 5)" "the source tree has a copy of each"

	module there 1.0
	inode=$(stat -c %i "$sourcetree/there-1.0")
	dkms_exits 0 "compat 2: a directory of the source tree" add "$sourcetree/there-1.0"
	is "$(stat -c %i "$sourcetree/there-1.0")" "$inode" "compat 2: it is not copied"
	cp "$sourcetree/there-1.0/"* "$machine"
	sed -i s/there/around/ "$machine/dkms.conf"
	dkms_exits 1 "a directory that contains the source tree" add "$machine"
	like "$err" "$machine into itself" "the error says that it cannot be copied into itself"
	is "$(find "$sourcetree" -maxdepth 1 -name '*around*' -o -maxdepth 1 -name '.*')" "" "no copy is left"
	mkdir "$machine/nothing"
	dkms_exits 1 "compat 11.2: an absolute directory without dkms.conf" add "$machine/nothing"
	cd "$machine"
	dkms_exits 2 "compat 11.2: a relative directory is read as NAME/VERSION" add nothing/at-all
	dkms_exits 2 "compat 11.2: also with ./ before it" add ./nothing
	dkms_exits 2 "compat 11.2: also with more slashes" add nothing/at/all
	cd "$work"
	module conf 1.0
	mkdir "$machine/confs"
	sed 's/1\.0/1.5/' "$sourcetree/conf-1.0/dkms.conf" > "$machine/confs/other.conf"
	cp -r "$sourcetree/conf-1.0" "$sourcetree/conf-1.5"
	dkms_exits 0 "compat 3: -c FILE" add conf/1.5 -c "$machine/confs/other.conf"
}

adding_bad_ones()
{
	machine
	kernel $K
	module bad 1.0 'BUILT_MODULE_NAME[0]=bad.ko'
	mv "$sourcetree/bad-1.0" "$machine/bad"
	dkms_exits 8 "compat 11.3: a bad conf" add "$machine/bad"
	is "$(ls -I 'linux-*' "$sourcetree")" "" "compat 11.3: the source is not copied"
	like "$err" "$machine/bad/dkms.conf.*BUILT_MODULE_NAME" "compat 4: the error names file and directive"
	module twice 1.0 'BUILT_MODULE_NAME[0]=twice' 'BUILT_MODULE_NAME[1]=twice' \
		'DEST_MODULE_LOCATION[1]=/extra'
	mv "$sourcetree/twice-1.0" "$machine/twice"
	dkms_exits 8 "compat 11.3: a duplicate module" add "$machine/twice"
	is "$(ls -I 'linux-*' "$sourcetree")" twice-1.0 "compat 11.3: the copy is kept"
	is "$(ls "$dkmstree")" "" "compat 11.3: no version is registered"
	module none 1.0
	sed -i '/DEST_/d' "$sourcetree/none-1.0/dkms.conf"
	dkms_exits 0 "compat 11.3: zero modules are valid" install none/1.0 -k $K
	like "$err" "warning.*no modules" "compat 4: there is a warning"
	is "$(state none 1.0 $K)" installed "compat 11.3: it can be installed"
	module bare 1.0
	rm "$sourcetree/bare-1.0/Makefile" "$sourcetree/bare-1.0/bare.c"
	dkms_exits 0 "compat 11.3: a source of one file can be added" add bare/1.0
	dkms_exits 8 "compat 11.3: building it exits 8" build bare/1.0 -k $K
	is "$(state bare 1.0 $K)" added "it is still added"
}

building()
{
	machine
	kernel $K
	kernel $K7
	module hello 1.0
	dkms_exits 0 "compat 2: build adds first" build hello/1.0 -k $K
	is "$(state hello 1.0 $K)" built "the version is built"
	built=$dkmstree/hello/1.0/$K/$arch
	is "$(ls "$built" "$built/module" "$built/log")" \
		"$(printf '%s\n' "$built:" log module "" "$built/log:" inputs make.log provenance.json "" \
			"$built/module:" Module.symvers hello.ko)" "compat 1: the files of a build"
	is "$(ls -A "$dkmstree/hello/1.0")" "$(printf '%s\n' $K build source)" "no other file is left"
	is "$(module_field vermagic "$built/module/hello.ko")" "$K SMP mod_unload modversions " "the module is for that kernel"
	inode=$(stat -c %i "$built")
	dkms_exits 0 "compat 11.1: already built exits 0" build hello/1.0 -k $K
	is "$(stat -c %i "$built")" "$inode" "it is not built again"
	dkms_exits 0 "compat 2: --force" build hello/1.0 -k $K --force
	ok "compat 2: --force builds again" test "$(stat -c %i "$built")" != "$inode"
	is "$(state hello 1.0 $K7)" added "other kernels are left alone"
	is "$(find "$installtree" -name 'hello*')" "" "no module is installed"

	dkms_exits 0 "compat 2: install builds first" install hello/1.0 -k $K7
	is "$(state hello 1.0 $K7)" installed "the version is installed"
	is "$(readlink "$dkmstree/hello/kernel-$K7-$arch")" "1.0/$K7/$arch" "compat 1: the kernel link"
	ok "the module is in the kernel's tree" cmp "$installtree/$K7/$dest/hello.ko" "$dkmstree/hello/1.0/$K7/$arch/module/hello.ko"
	inode=$(stat -c %i "$installtree/$K7/$dest/hello.ko")
	dkms_exits 0 "compat 11.1: already installed exits 0" install hello/1.0 -k $K7
	is "$(stat -c %i "$installtree/$K7/$dest/hello.ko")" "$inode" "it is not installed again"
	dkms_exits 0 "compat 11.1: building an installed version exits 0" build hello/1.0 -k $K7
	dkms_exits 0 "compat 2: install --force" install hello/1.0 -k $K7 --force
	is "$(state hello 1.0 $K7)" installed "it is still installed"

	module fresh 2.0
	mv "$sourcetree/fresh-2.0" "$machine/fresh"
	dkms_exits 0 "compat 2: install a directory" install "$machine/fresh" -k $K
	is "$(state fresh 2.0 $K)" installed "the directory is added, built and installed"
	dkms_exits 0 "a second install of the directory" install "$machine/fresh" -k $K
	dkms_exits 2 "compat 9: build without a source" build nowhere/1.0 -k $K
	dkms_exits 2 "compat 9: install without a source" install nowhere/1.0 -k $K
	is "$(ls "$dkmstree")" "$(printf '%s\n' fresh hello)" "none of these was added"
}

taking_away()
{
	machine
	kernel $K
	kernel $K7
	kernel "$running"
	module hello 1.0
	before=$(snapshot "$machine")
	dkms install hello/1.0 -k $K -k $K7 -k "$running" > /dev/null
	dkms_exits 0 "compat 2: uninstall" uninstall hello/1.0 -k $K
	is "$(state hello 1.0 $K)" built "compat 2: the version is still built"
	is "$(state hello 1.0 $K7)" installed "it is still installed on the other kernel"
	ok "compat 6: empty directories are removed" test ! -e "$installtree/$K/${dest%%/*}"
	ok "the kernel's own directory is kept" test -d "$installtree/$K/kernel"
	dkms_exits 0 "compat 2: uninstall of a version that is not installed" uninstall hello/1.0 -k $K
	dkms_exits 0 "compat 2: unbuild uninstalls" unbuild hello/1.0 -k $K7
	is "$(state hello 1.0 $K7)" added "compat 2: the built modules are removed"
	ok "compat 2: no file is left" test ! -e "$dkmstree/hello/1.0/$K7" -a \
		! -e "$installtree/$K7/${dest%%/*}"
	for action in unbuild uninstall remove; do
		dkms_exits 0 "compat 11.1: $action for a kernel where nothing was built" \
			$action hello/1.0 -k $K7
	done
	is "$(state hello 1.0)" added "compat 11.1: remove -k keeps the builds for other kernels"
	dkms_exits 0 "compat 11.1: without -k" unbuild hello/1.0
	is "$(state hello 1.0 "$running") $(state hello 1.0 $K)" "added built" \
		"compat 11.1: only the build for the running kernel is removed"
	dkms_exits 0 "compat 2: remove -k of the last built kernel" remove hello/1.0 -k $K
	is "$(state hello 1.0)" absent "compat 2: the version is forgotten"
	is "$(snapshot "$machine")" "$before" "compat 2: all files are as before"

	module hello 1.1
	dkms install hello/1.0 -k $K -k $K7 > /dev/null
	dkms build hello/1.1 -k $K > /dev/null
	dkms_exits 0 "compat 3: remove --all" remove hello/1.0 --all
	is "$(state hello 1.0) $(state hello 1.1 $K)" "absent built" "only that version is removed"
	is "$(find "$installtree" -name 'hello*')" "" "its modules are removed from all kernels"
	dkms_exits 0 "remove the other version" remove hello/1.1 --all
	is "$(ls "$dkmstree")" "" "compat 2: NAME is forgotten when empty"
	ok "the source is kept" test -d "$sourcetree/hello-1.0"

	dkms install hello/1.0 -k $K -k $K7 > /dev/null
	dkms_exits 0 "compat 3: uninstall --all" uninstall hello/1.0 --all
	is "$(state hello 1.0 $K) $(state hello 1.0 $K7)" "built built" "it is uninstalled from every kernel"
	dkms_exits 0 "compat 3: unbuild --all" unbuild hello/1.0 --all
	is "$(state hello 1.0 $K) $(state hello 1.0 $K7)" "added added" "it is unbuilt for every kernel"
	dkms_exits 0 "unbuild --all of a version that is not built" unbuild hello/1.0 --all
	is "$(state hello 1.0)" added "it is still added"
	dkms_exits 0 "remove of a version that is only added" remove hello/1.0
	is "$(state hello 1.0)" absent "the version is forgotten"
	for action in uninstall unbuild remove; do
		dkms_exits 3 "compat 9: $action of an unknown version" $action hello/1.0 -k $K
		dkms_exits 1 "compat 9: $action without a version" $action -m hello -k $K
	done

	# A kernel that was purged, except for the files of dkms.
	module hello 1.2
	dkms install hello/1.2 -k $K > /dev/null
	rm -r "${installtree:?}/$K" "$sourcetree/hello-1.2/Makefile"
	dkms_exits 0 "compat 11.11: uninstall after the kernel was removed" uninstall hello/1.2 -k $K
	dkms_exits 6 "compat 11.11: install without a kernel directory" install hello/1.2 -k $K
	is "$(state hello 1.2 $K)" built "it is still built"
}

several_kernels()
{
	machine
	kernel $K
	kernel $K7
	kernel $C5
	mkdir -p "$installtree/5.10.0-2-no-headers/kernel"
	module hello 1.0
	module other 1.0
	dkms_exits 0 "compat 12: build with several -k" build hello/1.0 -k $K --kernelver=$C5 -k $K
	is "$(state hello 1.0 $K) $(state hello 1.0 $C5) $(state hello 1.0 $K7)" "built built added" \
		"only these kernels are built"
	dkms_exits 0 "compat 12: install --all" install hello/1.0 --all
	for k in $K $K7 $C5; do
		is "$(state hello 1.0 $k)" installed "the version is installed for $k"
		is "$(module_field vermagic "$installtree/$k/$dest/hello.ko" | cut -d' ' -f1)" $k "each kernel has its own module"
	done
	ok "kernels without headers are left alone" test ! -e "$installtree/5.10.0-2-no-headers/updates"
	dkms_exits 0 "compat 12: build --all" build other/1.0 --all
	is "$(state other 1.0 $K) $(state other 1.0 $K7) $(state other 1.0 $C5)" "built built built" \
		"compat 12: build --all builds for every kernel with headers"
	dkms_exits 0 "compat 12: add --all" remove other/1.0 --all
	dkms_exits 0 "compat 12: add --all" add other/1.0 --all
	dkms_exits 0 "compat 2: unbuild with several -k" unbuild hello/1.0 -k $K -k $K7
	is "$(state hello 1.0 $K) $(state hello 1.0 $K7) $(state hello 1.0 $C5)" "added added installed" \
		"only these kernels are unbuilt"

	dkms_exits 2 "compat 3: --all with -k" install hello/1.0 --all -k $K
	dkms_exits 3 "compat 3: --all with -a" install hello/1.0 --all -a "$arch"
	dkms_exits 1 "compat 3: two -a for one -k" build hello/1.0 -k $K -a x86_64 -a i686
	dkms_exits 1 "compat 3: two -a for three -k" build hello/1.0 -k $K -k $K7 -k $C5 -a x86_64 -a i686
	dkms_exits 16 "compat 9: an empty kernel" build hello/1.0 -k ""
	dkms_exits 12 "compat 9: an empty architecture" build hello/1.0 -k $K -a ""
	# Architectures that dkms knows no compiler of: it takes that of this machine.
	dkms_exits 0 "compat 3: -k KVER/ARCH" build hello/1.0 -k $K/sparc64
	ok "the dkms tree has that architecture" test -d "$dkmstree/hello/1.0/$K/sparc64/module"
	dkms_exits 0 "compat 3: one -a for all" build hello/1.0 -k $K -k $K7 -a alpha
	ok "the dkms tree has both kernels with that architecture" test -d "$dkmstree/hello/1.0/$K/alpha/module" -a \
		-d "$dkmstree/hello/1.0/$K7/alpha/module"
	dkms_exits 0 "compat 3: -a pairs with -k" build hello/1.0 -k $K -k $K7 -a hppa -a ia64
	ok "the dkms tree has these pairs" test -d "$dkmstree/hello/1.0/$K/hppa" -a -d "$dkmstree/hello/1.0/$K7/ia64" \
		-a ! -e "$dkmstree/hello/1.0/$K/ia64"
}

options()
{
	machine
	kernel $K
	module hello 1.0
	mv "$installtree/$K/build" "$machine/headers"
	dkms_exits 21 "the headers are not in their place" build hello/1.0 -k $K
	dkms_exits 0 "compat 1: --kernelsourcedir" build hello/1.0 -k $K --kernelsourcedir "$machine/headers"
	dkms_exits 0 "compat 1: --kernelsourcedir=DIRECTORY" build hello/1.0 -k $K --force \
		"--kernelsourcedir=$machine/headers"
	mv "$machine/headers" "$installtree/$K/build"
	dkms_exits 0 "compat 3: --directive" build hello/1.0 -k $K --force --directive 'PRE_BUILD=pre.sh' \
		--directive=AUTOINSTALL=no
	like "$err" "PRE_BUILD.*pre\.sh" "compat 3: it overrides dkms.conf"
	dkms_exits 8 "--directive without a directive" build hello/1.0 -k $K --force --directive nonsense
	for option in --no-initrd --no-clean-kernel --no-prepare-kernel; do
		dkms_exits 0 "compat 3: $option is accepted" status $option
		like "$err" "warning: $option" "compat 3: there is a warning"
	done
	dkms_exits 0 "compat 3: -q" install hello/1.0 -k $K -q
	is "$out$err" "" "-q prints nothing"
	dkms_exits 0 "compat 3: --quiet" remove hello/1.0 --all --quiet
	is "$out$err" "" "--quiet prints nothing"
	dkms_exits 0 "compat 3: --verbose" install hello/1.0 -k $K --verbose
	dkms_exits 0 "compat 3: -j" install hello/1.0 -k $K --force -j 3
	dkms_exits 0 "compat 3: -j 0: no limit" build hello/1.0 -k $K --force -j0
	for n in x -1 3x 99999 ""; do
		dkms_exits 2 "-j '$n' is no number" build hello/1.0 -k $K -j "$n"
	done
	dkms_exits 2 "--sandbox=maybe" build hello/1.0 -k $K --sandbox=maybe
	cd "$machine"
	exits 0 "trees by relative paths" "$DKMS" install hello/1.0 -k $K --dkmstree var/lib/dkms \
		--sourcetree ./usr/src --installtree lib/modules
	is "$(state hello 1.0 $K)" installed "relative paths are found after dkms changes its directory"
	cd "$work"
	exits 0 "trees with slashes at the end" "$DKMS" remove hello/1.0 --all --dkmstree "$dkmstree//" \
		--sourcetree "$sourcetree/" --installtree "$installtree/"
	is "$(find "$machine/lib" "$machine/var" -name '*hello*')" "" "the slashes do not matter"
	(umask 077 && dkms install hello/1.0 -k $K > /dev/null)
	is "$(find "$dkmstree" "$installtree" ! -type l ! -perm -444)" "" "everybody can read the files, in spite of the umask"
	dkms install hello/1.0 -k $K --force 2> "$work/err" | true
	is "${PIPESTATUS[0]} $(state hello 1.0 $K)" "0 installed" "a closed pipe does not stop dkms"
	# Options may come first, and -- ends them.
	dkms_exits 0 "options before the command" -k $K --force build hello/1.0
	exits 0 "arguments after --" "$DKMS" build -k $K "${trees[@]}" -- hello/1.0
}

broken_ones()
{
	machine
	kernel $K
	module hello 1.0
	module well 1.0
	dkms add hello/1.0 > /dev/null
	dkms install well/1.0 -k $K > /dev/null
	mv "$sourcetree/hello-1.0" "$machine/away"
	is "$(state hello 1.0)" broken "compat 1: broken, since the link leads nowhere"
	dkms_exits 0 "compat 11.10: status of a broken one exits 0" status
	is "$out" "hello/1.0: broken
well/1.0, $K, $arch: installed" "compat 8, 11.10: its line is on stdout"
	like "$err" "hello" "compat 11.10: the explanation is on stderr"
	for action in build install uninstall unbuild remove; do
		dkms_exits 4 "compat 11.10: $action of a broken one" $action hello/1.0 -k $K
		like "$err" "hello/1.0 is broken" "the error says that it is broken"
	done
	dkms_exits 0 "compat 11.10: autoinstall skips it with 0" autoinstall -k $K
	like "$err" "hello/1.0" "compat 11.10: stderr names the broken version"
	is "$out" "" "nothing is printed on stdout"
	mv "$machine/away" "$sourcetree/hello-1.0"
	is "$(state hello 1.0)" added "the version is added again when its source is back"
	rm "$dkmstree/hello/1.0/source"
	is "$(state hello 1.0)" broken "compat 1: broken, since there is no link"
	dkms_exits 0 "compat 8: status" status hello/1.0
	is "$out" "hello/1.0: broken" "status says that it is broken"
	dkms_exits 0 "compat 11.10: add repairs a missing source link" add hello/1.0
	is "$(state hello 1.0)" added "the version is added again"
	is "$(readlink "$dkmstree/hello/1.0/source")" "$sourcetree/hello-1.0" "the link is the same as before"
	mv "$sourcetree/hello-1.0" "$machine/hello"
	echo POST_ADD=post.sh >> "$machine/hello/dkms.conf"
	write_script "$machine/hello/post.sh" "echo >> '$machine/post'"
	dkms_exits 0 "add of a directory puts a missing source back" add "$machine/hello"
	is "$(state hello 1.0) $(wc -l < "$machine/post")" "added 1" "and runs POST_ADD"
	is "$(find "$dkmstree/hello/1.0" -name '.*')" "" "no mark of POST_ADD stays"
	mkdir -p "$sourcetree/.dkms-add-killed/new"
	dkms_exits 3 "add of an added version" add "$machine/hello"
	ok "removes what a killed one has left" test ! -e "$sourcetree/.dkms-add-killed"
}

statuses()
{
	machine
	dkms_exits 0 "compat 8: status without modules exits 0" status
	is "$out$err" "" "compat 8: nothing is printed"
	rmdir "$dkmstree"
	dkms_exits 0 "compat 8: status without a tree" status
	is "$out$err" "" "compat 8: nothing is printed without a tree"
	ok "the tree is not made" test ! -e "$dkmstree"
	kernel $K
	kernel $K7
	module hello 1.0
	module hello 1.10
	module hello 1.9
	module abc 3
	dkms add hello/1.10 > /dev/null
	dkms build hello/1.9 -k $K > /dev/null
	dkms install hello/1.0 -k $K -k $K7 > /dev/null
	dkms add abc/3 > /dev/null
	all="abc/3: added
hello/1.0, $K, $arch: installed
hello/1.0, $K7, $arch: installed
hello/1.9, $K, $arch: built
hello/1.10: added"
	dkms_exits 0 "compat 8: status" status
	is "$out" "$all" "compat 8: one line for each, sorted, without a header"
	is "$err" "" "compat 11.11: nothing on stderr"
	dkms_exits 0 "compat 8: status -m" status -m abc
	is "$out" "abc/3: added" "compat 8: one module"
	dkms_exits 0 "compat 8: status NAME" status hello
	is "$out" "$(printf '%s\n' "$all" | grep hello)" "all versions of the module"
	dkms_exits 0 "compat 8: status NAME/VERSION" status hello/1.9
	is "$out" "hello/1.9, $K, $arch: built" "one version by NAME/VERSION"
	dkms_exits 0 "compat 8: status -v" status -m hello -v 1.0
	is "$out" "$(printf '%s\n' "$all" | grep hello/1.0,)" "one version by -m and -v"
	dkms_exits 0 "compat 8: status -k" status -k $K7
	is "$out" "abc/3: added
hello/1.0, $K7, $arch: installed
hello/1.9: added
hello/1.10: added" "compat 11.11: modules not built for it are listed as added"
	dkms_exits 0 "compat 8: status -k -a" status hello/1.0 -k $K -a "$arch"
	is "$out" "hello/1.0, $K, $arch: installed" "one kernel and architecture"
	dkms_exits 0 "compat 8: status of an unknown version" status nothing/1.0
	is "$out$err" "" "nothing is printed"

	rm "$installtree/$K7/$dest/hello.ko"
	dkms_exits 0 "compat 8: status when an installed file is missing" status hello/1.0 -k $K7
	is "$out" "hello/1.0, $K7, $arch: installed (Differences between built and installed modules)" \
		"compat 8: status says that the installed module differs"
	echo tail >> "$installtree/$K/$dest/hello.ko"
	dkms_exits 0 "compat 8: status when an installed file was changed" status hello/1.0 -k $K
	is "$out" "hello/1.0, $K, $arch: installed (Differences between built and installed modules)" \
		"compat 8: status says that the changed module differs"
	is "$err" "" "compat 11.11: nothing on stderr"
	dkms_exits 0 "compat 11.11: uninstall when the file is missing" uninstall hello/1.0 -k $K7
	is "$(state hello 1.0 $K7)" built "it is still built"
	rm "$dkmstree/hello/1.0/$K7/$arch/module/hello.ko"
	dkms_exits 0 "compat 8: status when a built file is missing" status hello/1.0 -k $K7
	is "$out" "hello/1.0, $K7, $arch: built (Built modules are missing in the kernel modules folder)" \
		"compat 8: status says that a built module is missing"
	dkms_exits 6 "compat 11.11: install when a built file is missing" install hello/1.0 -k $K7
	is "$(state hello 1.0 $K7)" built "it is not installed"
	dkms_exits 0 "compat 12: status --json" status --json
	like "$out" '"hello"' "status --json names the module"
}

# Runs dkms as a user who owns no files here. $nobody is the reason if that is not possible.
nobody=
[ "$(id -u)" -ne 0 ] || setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null ||
	nobody="root of this namespace cannot become another user"
as_nobody()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$work/bin/dkms" "$@"
	else
		"$work/bin/dkms" "$@"
	fi
}

users()
{
	machine
	kernel $K
	module hello 1.0
	dkms install hello/1.0 -k $K > /dev/null
	if [ -n "$nobody" ]; then
		skip "$nobody" "commands of a user who is not root"
		return
	fi
	cp "$DKMS" "$work/bin/dkms"
	exits 0 "compat 8: status for a user" as_nobody status "${trees[@]}"
	is "$(cat "$work/tap.out")" "hello/1.0, $K, $arch: installed" "compat 8: the output is the same as for root"
	for action in add build install remove unbuild; do
		exits 1 "compat 9: $action in a tree that cannot be written" \
			as_nobody $action hello/1.0 -k $K "${trees[@]}" --dkmstree /var/lib
		like "$(cat "$work/tap.out")" "cannot write to" "the error says so"
	done
	exits 1 "compat 9: autoinstall in trees that cannot be written" as_nobody autoinstall -k $K "${trees[@]}"
	machine
	kernel $K
	module hello 1.0
	chmod 0777 "$dkmstree"
	exits 0 "compat 9: build needs a writable tree, not root" as_nobody build hello/1.0 -k $K "${trees[@]}"
	is "$(state hello 1.0 $K)" built "the version is built"
	exits 1 "compat 9: install needs an install tree" as_nobody install hello/1.0 -k $K "${trees[@]}"
	chmod -R a+w "$installtree"
	exits 0 "compat 9: an option may give an install tree" as_nobody install hello/1.0 -k $K "${trees[@]}"
	is "$(state hello 1.0 $K)" installed "the version is installed"
	exits 0 "compat 9: the user can remove it" as_nobody remove hello/1.0 --all "${trees[@]}"
	is "$(ls -A "$dkmstree")" "" "no file is left"
}

usage_and_words
adding
adding_directories
adding_bad_ones
building
taking_away
several_kernels
options
broken_ones
statuses
users
finish
