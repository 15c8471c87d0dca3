#!/bin/bash
# A module package that is given by its directory: every command finds out which one it is, and a
# directory that was edited is built as it is now, or not at all.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Makes a machine with the source of mine/1.0 in $machine/mine, a directory of its owner, and goes
# there. LINEs are added to its dkms.conf.
own_source() # [LINE...]
{
	machine
	kernel $K
	kernel $K7
	module mine 1.0 "$@"
	mv "$sourcetree/mine-1.0" "$machine/mine"
	cd "$machine/mine"
}

# Makes another module of the source.
edit() # VERSION-OF-MODULE
{
	sed -i "s/^MODULE_VERSION.*/MODULE_VERSION(\"$1\");/" mine.c
}

# Prints the version of the installed module.
installed_version() # [KERNEL]
{
	module_field version "$installtree/${1:-$K}/$dest/mine.ko"
}

every_command()
{
	own_source
	module other 1.0
	dkms install other/1.0 -k $K > /dev/null
	dkms_exits 3 "uninstall . of what is not added" uninstall . -k $K
	like "$err" "^dkms: mine/1\.0 is not in the tree" "the error names the version"
	dkms_exits 0 "install ." install . -k $K
	is "$(state mine 1.0 $K)" installed "the directory's module is installed"
	dkms_exits 0 "status ." status .
	is "$out" "mine/1.0, $K, $arch: installed" "status shows the directory's module alone"
	dkms_exits 0 "status dkms.conf" status dkms.conf
	is "$out" "mine/1.0, $K, $arch: installed" "the same for a path to the dkms.conf"
	dkms_exits 0 "mktarball ." mktarball . -k $K --archive "$work/mine.tar.gz"
	ok "the archive has the source" tar -tzf "$work/mine.tar.gz" ./dkms_source_tree/dkms.conf
	if command -v dpkg-deb > /dev/null; then
		dkms_exits 0 "mkdeb ." mkdeb . --archive "$work/mine.deb"
		like "$(dpkg-deb -f "$work/mine.deb" Package)" mine-dkms "the package has the name of the module"
	else
		skip "no dpkg-deb" "mkdeb ."
	fi
	dkms_exits 0 "provenance ." provenance . -k $K
	dkms_exits 0 "match" match --templatekernel $K -k $K7 .
	is "$(state mine 1.0 $K7) $(state other 1.0 $K7)" "installed added" "match takes the directory's module alone"
	cd /
	dkms_exits 0 "uninstall DIRECTORY" uninstall "$machine/mine" -k $K
	is "$(state mine 1.0 $K)" built "the directory's module is uninstalled"
	dkms_exits 0 "unbuild DIRECTORY/" unbuild "$machine/mine/" -k $K
	is "$(state mine 1.0 $K)" added "it is unbuilt"
	dkms_exits 0 "remove --all DIRECTORY/dkms.conf" remove "$machine/mine/dkms.conf" --all
	is "$(state mine 1.0) $(state other 1.0 $K)" "absent installed" "it is removed, and nothing else"
	cd "$machine/mine"
	echo 'PACKAGE_VERSION=' >> dkms.conf
	for action in remove uninstall unbuild status mktarball; do
		dkms_exits 8 "$action . with a bad dkms.conf" $action .
		like "$err" "PACKAGE_VERSION" "the error says what is bad"
	done
	is "$(grep -c null "$work/out" "$work/err" | cut -d: -f2 | paste -sd' ')" "0 0" "no message has a (null)"
}

edited()
{
	own_source
	dkms_exits 0 "install ." install . -k $K
	dkms_exits 0 "install . again, unchanged" install . -k $K
	like "$out" "already installed" "there is nothing to do"
	mkdir .git
	echo ref > .git/HEAD
	dkms_exits 0 "install . after a commit that changes no file" install . -k $K --quiet
	edit 1.5
	mkdir sub
	echo new > sub/new.c
	dkms_exits 3 "install . after an edit" install . -k $K
	like "$err" "mine/1\.0 is built from $sourcetree/mine-1\.0, which differs from \.: mine\.c, sub" "the error names the files"
	like "$err" "\-\-force" "it says what to do"
	is "$(installed_version)" 1.0 "the installed module stays"
	dkms_exits 3 "build . for another kernel after an edit" build . -k $K7
	is "$(state mine 1.0 $K7)" added "nothing is built of the old source"
	dkms_exits 0 "install . --force" install . -k $K --force
	is "$(installed_version)" 1.5 "the edited source is built and installed"
	like "$out" "source copied again" "it says that the source was copied again"
	ok "the copy is complete" test -e "$sourcetree/mine-1.0/sub/new.c"
	dkms_exits 0 "install . for another kernel, unchanged" install . -k $K7
	is "$(installed_version $K7)" 1.5 "it is the same source"
	edit 1.6
	dkms_exits 0 "install . --force for one kernel" install . -k $K --force
	is "$(installed_version) $(installed_version $K7)" "1.6 1.5" "the other kernel is left alone"
	dkms_exits 3 "install . for the other one" install . -k $K7
	like "$err" "is built for $K7 from an older copy of \." "the error says that it is old"
	dkms_exits 3 "build . for both" build . -k $K -k $K7
	dkms_exits 0 "install mine/1.0, without the directory" install mine/1.0 -k $K7
	dkms_exits 0 "install . --force for the other one" install . -k $K7 --force
	is "$(installed_version $K7)" 1.6 "it has the edited source now"
	dkms_exits 0 "install . for both" install . -k $K -k $K7
	# A missing file and a mode count, too.
	rm sub/new.c
	dkms_exits 3 "a removed file" install . -k $K
	like "$err" "sub/new\.c" "the error names it"
	dkms install . -k $K --force > /dev/null
	chmod +x Makefile
	dkms_exits 3 "a file that is executable now" install . -k $K
	for i in 1 2 3 4 5 6 7; do
		echo > "file$i.h"
	done
	dkms_exits 3 "many files" install . -k $K
	like "$err" "Makefile, file1.h, file2.h, file3.h, file4.h and 3 more" "the error names some of them"
	rm file*
	chmod -x Makefile
	ln -s Makefile link
	dkms_exits 3 "a new link" install "$machine/mine/dkms.conf" -k $K
	dkms uninstall . -k $K > /dev/null
	dkms unbuild . --all > /dev/null
	edit 1.6
	dkms_exits 0 "install . after an edit, with nothing built" install . -k $K
	is "$(installed_version)" 1.6 "the edited source is installed without --force"
}

# What a script adds to the copy is no difference.
post_add()
{
	own_source 'POST_ADD=generate'
	write_script ./generate 'echo "#define A" > generated.h'
	dkms_exits 0 "install . with POST_ADD" install . -k $K
	ok "(POST_ADD has run in the copy)" test -e "$sourcetree/mine-1.0/generated.h" -a ! -e generated.h
	dkms_exits 0 "install . again, unchanged" install . -k $K
	edit 1.5
	dkms_exits 3 "install . after an edit" install . -k $K
	dkms_exits 0 "install . --force" install . -k $K --force
	is "$(installed_version)" 1.5 "the edited source is installed"
	ok "POST_ADD has run in the new copy" test -e "$sourcetree/mine-1.0/generated.h"
}

# The directory of the source tree itself has no copy.
in_place()
{
	own_source
	mv "$machine/mine" "$sourcetree/mine-1.0"
	cd "$sourcetree/mine-1.0"
	dkms_exits 0 "install . in the source tree" install . -k $K
	dkms_exits 0 "install . again" install . -k $K
	is "$err" "" "there is no warning"
	edit 1.5
	dkms_exits 0 "install . in the source tree, after an edit" install . -k $K
	like "$err" "warning: mine/1\.0 for $K is older than \./mine\.c" "a warning says that the module is older"
	dkms_exits 0 "install . --force in the source tree, after an edit" install . -k $K --force
	is "$(installed_version)" 1.5 "the edited source is installed"
	ok "the source is still there" test -e "$sourcetree/mine-1.0/mine.c"
	# A link to it is the same.
	ln -s "$sourcetree/mine-1.0" "$machine/link"
	dkms_exits 0 "install LINK" install "$machine/link" -k $K
	like "$out" "already installed" "there is nothing to do"
	cd /
}

every_command
edited
post_add
in_place
finish
