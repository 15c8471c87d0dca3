#!/bin/bash
# Names that an archive or a directory may bring: kernels whose names are commands for a shell or for a terminal,
# and modules called like files of dkms itself.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# shellcheck disable=SC2016 # this must not be expanded
command_name='6.1.0;touch${IFS}pwned;#'
terminal_name=$'6.1\xc2\x9b31mRED' # U+009B begins a command, as the escape character does
other_encoding=$'6.1\x9b31mRED'    # so it does in other encodings
turned=$'6.1\xe2\x80\xae31mRED'    # U+202E turns around what follows
too_long=$'6.1\xe0\x82\x9b31mRED'  # the same with too many bytes

# Makes $work/a.tgz: a package that is built for a kernel.
archive() # NAME VERSION RELEASE ARCH
{
	local dir=$work/archive sources=$sourcetree

	rm -rf "$dir"
	mkdir -p "$dir/dkms_main_tree/$3/$4/module"
	sourcetree=$work/sources
	module "$1" "$2"
	mv "$sourcetree/$1-$2" "$dir/dkms_source_tree"
	sourcetree=$sources
	echo x > "$dir/dkms_main_tree/$3/$4/module/$1.ko"
	tar -C "$dir" -czf "$work/a.tgz" dkms_main_tree dkms_source_tree
}

# Whether the files, which may hold only text, have no control characters.
# shellcheck disable=SC2317 # "ok" calls it
no_controls() { ! grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe0\x82|\xe2\x80\xae|[ -~][\x80-\xbf]' "$@"; }

in_archives()
{
	local name

	machine
	for name in "$command_name" "$terminal_name" "$other_encoding" "$turned" "$too_long" '6.1, x86_64: installed' '~root' '$(id)' '6.*'; do
		archive evil 1.0 "$name" "$arch"
		dkms_exits 3 "an archive with modules for a kernel called $(printf %q "$name") is refused" ldtarball "$work/a.tgz"
		ok "the error has no control characters" no_controls "$work/err"
		archive evil 1.0 6.1.0 "$name"
		dkms_exits 3 "so is one for such an architecture" ldtarball "$work/a.tgz"
	done
	is "$(ls -A "$dkmstree")$(ls -A "$sourcetree")" "" "nothing of them is left"
	archive good 1.0 6.1.0-1+deb~1_x.y@z x86_64
	dkms_exits 0 "all characters that kernels have are accepted" ldtarball "$work/a.tgz"
}

# Puts directories with such names into the trees, as another program may do.
in_trees()
{
	local name words

	machine
	kernel $K
	module m 1.0
	dkms build m/1.0 -k $K > /dev/null
	for name in "$command_name" "$terminal_name" "$other_encoding"; do
		mkdir -p "$installtree/$name" "$dkmstree/m/1.0/$name"
		ln -s "$installtree/$K/build" "$installtree/$name/build"
		cp -r "$dkmstree/m/1.0/$K/$arch" "$dkmstree/m/1.0/$name/$arch"
		cp -r "$dkmstree/m" "$work/m"
		mv "$work/m" "$dkmstree/$name"
		mkdir -p "$sourcetree/n-$name"
		echo "PACKAGE_NAME=n" > "$sourcetree/n-$name/dkms.conf"
	done
	for words in "build m/1.0 -k" "unbuild m/1.0 -k" "remove m/1.0 -k" "status -k" "unbuild" "install" "add" "status -m m -v" "add -m n -v" "cache why"; do
		# shellcheck disable=SC2086 # several words
		"${DKMS:?}" --complete "${trees[@]}" $words '' > "$work/offered"
		# shellcheck disable=SC2016
		is "$(grep -cF -e '$' -e ';' "$work/offered")" 0 "completion of $words offers nothing that a shell interprets"
		ok "nor control characters" no_controls "$work/offered"
	done
	like "$("$DKMS" --complete "${trees[@]}" unbuild m/1.0 -k '')" "^$K" "it offers the kernel with a usual name"
	run_dkms status
	ok "status prints no control characters" no_controls "$work/out" "$work/err"
	like "$out" "m/1.0, 6.1\?\?31mRED, $arch: built" "it prints what takes their place"
	like "$out" "m/1.0, $K, $arch: built" "and the usual line"
	run_dkms status --json
	ok "nor does status --json" no_controls "$work/out"
	like "$out" '"kernel": "6.1\\u009B31mRED"' "which says what they are"
	run_dkms build m/1.0 --all --force
	ok "nor a build for all kernels" no_controls "$work/out" "$work/err"
	run_dkms remove m/1.0 --all
	ok "nor remove" no_controls "$work/out" "$work/err"
	is "$status" 0 "remove succeeds"
	ok "nothing is left of the version" test ! -e "$dkmstree/m"
}

# The completion of bash puts words on the command line that mean themselves, whatever it is given.
quoting()
{
	local COMPREPLY=() COMP_WORDS COMP_CWORD

	# shellcheck disable=SC2016 # the script prints them
	write_script "$work/offers" 'printf "%s\t\n" "6.1;touch pwned" "\$(touch pwned)" "~root" plain-1.0~1'
	# shellcheck source=/dev/null
	. "$top_srcdir/packaging/completion/bash/dkms"
	COMP_WORDS=("$work/offers" '')
	COMP_CWORD=1
	_dkms
	is "$(cd "$work" && eval "printf '%s\n' ${COMPREPLY[*]}")" "$("$work/offers" | cut -f1)" "bash: words are quoted"
	ok "nothing was run" test ! -e "$work/pwned"
	is "${COMPREPLY[3]}" plain-1.0~1 "a usual word is not"
}

reserved()
{
	local name

	for name in framework framework.conf framework.conf.d mok.key mok.pub post_transaction.log remote.d remote.sec; do
		machine
		kernel $K
		module "$name" 1.0
		dkms_exits 3 "a module called $name is not added" add "$name/1.0"
		like "$err" "a module cannot be called $name: dkms uses that name" "the error says why"
		dkms_exits 3 "nor built" build "$name/1.0" -k $K
		mv "$sourcetree/$name-1.0" "$work/dir"
		dkms_exits 3 "nor added from its directory" add "$work/dir"
		tar -C "$work/dir" -czf "$work/a.tgz" .
		dkms_exits 3 "nor loaded from an archive" ldtarball "$work/a.tgz"
		archive "$name" 1.0 6.1.0 "$arch"
		dkms_exits 3 "nor with built modules" ldtarball "$work/a.tgz"
		is "$(ls -A "$dkmstree")" "" "nothing is in the dkms tree"
		rm -r "$work/dir"
	done
}

# Another dkms, or an earlier version, has added such a module.
reserved_already()
{
	private_etc || { skip "needs namespaces" "framework.conf"; return; }
	machine
	kernel $K
	printf '%s\n' 'mok_signing_key="pkcs11:token=x;pin-value=SECRETPIN"' mok_certificate=/nonexistent > "$etc/framework.conf"
	chmod 600 "$etc/framework.conf"
	# shellcheck disable=SC2016 # dkms expands it
	module framework 1.0 'MAKE="echo leaked: ${mok_signing_key//;/,}; false"' 'echo "leaked: $mok_signing_key" >&2' \
		'trap '\''MAKE="echo leaked: ${mok_signing_key//;/,}; false"'\'' DEBUG'
	mkdir -p "$dkmstree/framework/1.0"
	ln -s "$sourcetree/framework-1.0" "$dkmstree/framework/1.0/source"
	for name in "build framework/1.0 -k $K" "install framework/1.0 -k $K" "autoinstall -k $K" "remove framework/1.0 --all"; do
		# shellcheck disable=SC2086 # several words
		run_dkms $name --debug
		is "$(grep -rac SECRETPIN "$work/out" "$work/err" "$dkmstree" | grep -vc ':0$')" 0 "${name%% *} of a module called framework: framework.conf is not read for it"
	done
	is "$(ls -A "$dkmstree")" "" "the module can be removed"
	rm "$etc/framework.conf"
}

in_archives
in_trees
quoting
reserved
reserved_already
finish
