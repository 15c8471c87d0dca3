#!/bin/bash
# What a dkms.conf does while it is read: it writes files, asks git, looks at $0 and calls functions
# of dkms. Nothing of that may change the machine.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Makes a package whose dkms.conf consists of the lines. $PACKAGE_VERSION of a line is taken from it.
conf() # NAME VERSION LINE...
{
	local dir=$sourcetree/$1-$2

	module "$1" "$2"
	{
		printf '%s\n' "PACKAGE_NAME=$1" 'DEST_MODULE_LOCATION=/kernel/extra'
		printf '%s\n' "${@:3}"
	} > "$dir/dkms.conf"
}

# Checks that the package can be added and built, and that its directory stays as it is.
builds() # NAME VERSION DESCRIPTION
{
	local before

	before=$(snapshot "$sourcetree/$1-$2")
	dkms_exits 0 "$3: it is added" add "$1/$2"
	is "$(grep -c "calls it" "$work/err")" 0 "$3: it has the version that the dkms.conf finds"
	dkms_exits 0 "$3: it is built" build "$1/$2" -k $K
	is "$err" "" "$3: it says nothing"
	is "$(snapshot "$sourcetree/$1-$2")" "$before" "$3: its directory is as it was"
}

# shellcheck disable=SC2016
write_beside()
{
	# As Jool does it.
	conf jool 4.1 'h=${BASH_SOURCE%/*}; [ -e $h/v ] || echo PACKAGE_VERSION=4.1 > $h/v; . $h/v'
	builds jool 4.1 "it sources a file that it writes"

	conf working 1.0 'echo PACKAGE_VERSION=1.0 > version.tmp' 'mv version.tmp version; . ./version'
	builds working 1.0 "it writes to its working directory and renames"

	conf replaces 1.0 'echo "PACKAGE_VERSION=1.0" > "${BASH_SOURCE[0]%/*}/version"' '. ./version'
	echo 'PACKAGE_VERSION=@VERSION@' > "$sourcetree/replaces-1.0/version"
	builds replaces 1.0 "it replaces a file"

	conf appends 1.0 'echo PACKAGE_VERSION=1.0 >> version' '. ./version'
	: > "$sourcetree/appends-1.0/version"
	builds appends 1.0 "it appends to a file"

	conf edits 1.0 'sed -i s/@VERSION@/1.0/ version' '. ./version'
	echo 'PACKAGE_VERSION=@VERSION@' > "$sourcetree/edits-1.0/version"
	builds edits 1.0 "it edits a file with sed"

	conf silent 1.0 'PACKAGE_VERSION=0' '{ echo PACKAGE_VERSION=1.0 > version; } 2>/dev/null' \
		'[ ! -e version ] || . ./version'
	builds silent 1.0 "it hides that it cannot write"

	conf tests 1.0 'PACKAGE_VERSION=0' 'if [ -w . ]; then' 'PACKAGE_VERSION=1.0' 'fi'
	builds tests 1.0 "it asks whether it may write"

	conf below 1.0 'mkdir -p gen/a && echo PACKAGE_VERSION=1.0 > gen/a/v && . gen/a/v' \
		'echo x > sub/existing'
	mkdir "$sourcetree/below-1.0/sub"
	builds below 1.0 "it writes to directories below"

	conf script 1.0 'PACKAGE_VERSION=$(./print-version)'
	write_script "$sourcetree/script-1.0/print-version" 'echo 1.0 > cached || exit' 'cat cached'
	builds script 1.0 "a script that it runs writes"

	# A dkms.conf for FPGAs does this.
	conf tree 1.0 'local dir=$dkms_tree/$PACKAGE_NAME/1.0' 'PACKAGE_VERSION=1.0' \
		'if [ -L $dir/source ]; then' \
		'	[ -f $dir/dkms-$kernelver.conf ] || echo BUILT_MODULE_NAME=tree > $dir/dkms-$kernelver.conf' \
		'	. $dir/dkms-$kernelver.conf || PACKAGE_VERSION=2.0' 'fi'
	builds tree 1.0 "it writes beside the link to its directory"
	ok "nothing of that is in the dkms tree" test ! -e "$dkmstree/tree/1.0/dkms-$K.conf"

	# Only its owner may read the source.
	conf closed 1.0 'echo PACKAGE_VERSION=1.0 > v; . ./v'
	chmod -R go= "$sourcetree/closed-1.0"
	builds closed 1.0 "only the owner may read its directory"

	# A link to a directory elsewhere.
	conf linked 1.0 'echo PACKAGE_VERSION=1.0 > v; . ./v'
	mkdir "$work/elsewhere"
	mv "$sourcetree/linked-1.0" "$work/elsewhere/driver"
	ln -s "$work/elsewhere/driver" "$sourcetree/linked-1.0"
	builds linked 1.0 "its directory is a link"
	ok "nothing was written behind the link" test ! -e "$work/elsewhere/driver/v"
}

# What the copy does not give: files of others, other directories, and files that only root can read.
write_elsewhere()
{
	local secret=$sourcetree/secret-1.0/secret

	conf other 1.0 'PACKAGE_VERSION=1.0' "echo x > $sourcetree/jool-4.1/dkms.conf" \
		"echo x > $work/stray; echo x > $installtree/stray"
	dkms_exits 0 "a dkms.conf that writes elsewhere is added" add other/1.0
	ok "nothing is written there" test ! -e "$work/stray" -a ! -e "$installtree/stray"
	ok "and no other package is changed" grep -q jool "$sourcetree/jool-4.1/dkms.conf"

	conf secret 1.0 'PACKAGE_VERSION=1.0; echo x > v' 'cat secret >&2'
	echo topsecret > "$secret"
	chmod 0600 "$secret"
	dkms_exits 0 "a dkms.conf that reads a file of root's is added" add secret/1.0
	[ "$real_user" -ne 0 ] ||
		is "$(grep -c topsecret "$work/err")" 0 "it cannot read the file in the copy either"
}

# shellcheck disable=SC2016
ask_git()
{
	local dir

	command -v git > /dev/null || { note "git is not installed"; return 0; }
	conf gits 1.0-7 'PACKAGE_VERSION=$(git -C ${BASH_SOURCE%/*} describe --tags)' \
		'PACKAGE_VERSION=${PACKAGE_VERSION#v}'
	dir=$sourcetree/gits-1.0-7
	git -C "$dir" init -q
	git -C "$dir" -c user.name=x -c user.email=x@example.org commit -q --allow-empty -m x
	git -C "$dir" tag v1.0-7
	chown -R 4242:4242 "$dir" 2>/dev/null || true
	builds gits 1.0-7 "git tells its version"

	conf dirty 1.0-dirty 'PACKAGE_VERSION=$(cd "$(dirname "$BASH_SOURCE")" && git describe --tags --dirty)'
	dir=$sourcetree/dirty-1.0-dirty
	git -C "$dir" init -q
	git -C "$dir" add Makefile
	git -C "$dir" -c user.name=x -c user.email=x@example.org commit -q -m x
	git -C "$dir" tag 1.0
	echo '# changed' >> "$dir/Makefile"
	chown -R 4242:4242 "$dir" 2>/dev/null || true
	builds dirty 1.0-dirty "git tells that it was changed"
}

# shellcheck disable=SC2016
use_dkms()
{
	conf zero 1.0 'PACKAGE_VERSION=1.0' 'echo "zero: $0 in $(dirname $0)" >&2'
	dkms_exits 0 "it prints \$0" add zero/1.0
	like "$err" "zero: $(realpath "$(command -v "$DKMS")") in /" "\$0 is the path of dkms"

	conf calls 1.0 'PACKAGE_VERSION=1.0' \
		'DEST_MODULE_LOCATION=$(override_dest_module_location /kernel/there)' \
		'echo "dest: $DEST_MODULE_LOCATION ${_dkms_module_dir-}" >&2' \
		'warn "be careful"' 'error "not good"'
	dkms_exits 0 "it calls functions of dkms" add calls/1.0
	[ "$dest" = kernel/extra ] || like "$err" "dest: /$dest " "one says where modules are installed"
	like "$err" "be careful" "warn prints"
	like "$err" "not good" "error prints"
	ADDON_MODULES_DIR=updates/addons dkms_exits 0 "with ADDON_MODULES_DIR" build calls/1.0 -k $K
	like "$err" "dest: /updates/addons " "the function follows ADDON_MODULES_DIR"

	conf dies 1.0 'PACKAGE_VERSION=1.0' 'die 3 "no such kernel"'
	dkms_exits 8 "die is an error" add dies/1.0
	like "$err" "dkms.conf: line [0-9]*: exit 3" "it names the line"
	like "$err" "no such kernel" "it gives the reason"

	conf owns 1.0 'PACKAGE_VERSION=1.0' 'die() { PACKAGE_VERSION=1.0; }' 'PACKAGE_VERSION=0; die'
	builds owns 1.0 "it has a function of that name itself"
}

machine
kernel $K
write_beside
write_elsewhere
ask_git
use_dkms
finish
