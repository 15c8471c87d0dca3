#!/bin/bash
# dkms sign: signs what is built and installed again, without building it. On kernels of the fixture.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
private_etc || skip_all "needs a mount namespace"
command -v openssl >/dev/null || skip_all "openssl is not installed"
# shellcheck source=tests/lib/signing.sh
. "$top_srcdir/tests/lib/signing.sh"

K7=4.19.0-7-amd64
signer=$work/sign-file
keys=$work/keys
write_signer "$signer"
mkdir "$keys"

# Makes the key pair NAME.
make_key() # NAME
{
	openssl req -new -x509 -newkey rsa:2048 -nodes -subj "/CN=$1/" -days 9 -outform DER \
		-keyout "$keys/$1.key" -out "$keys/$1.pub" 2> /dev/null
}

make_key old
make_key new

# Makes modules be signed with a key.
use_key() # NAME [LINE...]
{
	framework "sign_file=$signer" "mok_signing_key=$keys/$1.key" "mok_certificate=$keys/$1.pub" \
		try_sign_modules=true "${@:2}"
}

# Prints the path of an installed module of NAME.
installed() # NAME RELEASE [SUFFIX]
{
	echo "$installtree/$2/$dest/$1.ko${3:-}"
}

# Checks that a file is signed once, with the key.
signed_by() # FILE KEY DESCRIPTION
{
	plain "$1"
	ok "$3" verifies "$work/plain.ko" "$keys/$2.pub"
	is "$(grep -ac 'Module signature appended' "$work/plain.ko")" 1 "it has one signature"
}

with_suffix() # SUFFIX
{
	local before content

	machine
	signing_kernel $K "$1"
	kernel_module $K "kernel/drivers/one.ko$1" 0.1
	use_key old
	module one 1.0
	dkms install one/1.0 -k $K > /dev/null 2>&1
	signed_by "$(installed one $K "$1")" old "one.ko$1 is signed with the first key"
	content=$(cksum < "$work/content")
	before=$(find "$dkmstree/one/original_module" -type f -exec cksum {} + | sort)
	rm -r "$sourcetree/one-1.0/one.c" "$machine/usr/src/linux-headers-$K/compile.awk"
	use_key new
	dkms_exits 0 "sign one/1.0" sign one/1.0 -k $K
	is "$out" "dkms: one/1.0 for $K: signed" "says so"
	signed_by "$(installed one $K "$1")" new "the installed one.ko$1 is signed with the new key"
	is "$(cksum < "$work/content")" "$content" "its content is the same"
	ok "what is built is the same file" cmp "$(built one $K "$1")" "$(installed one $K "$1")"
	is "$(find "$dkmstree/one/original_module" -type f -exec cksum {} + | sort)" "$before" \
		"the original module is kept as it was"
	is "$(dkms status)" "one/1.0, $K, $arch: installed (Original modules exist)" "status finds no difference"
	[ -n "$1" ] || check_trees "the trees are consistent"
	is "$(jq -r '.subject[0].digest.sha256' "$dkmstree/one/1.0/$K/$arch/log/provenance.json")" \
		"$(sha256sum < "$(built one $K "$1")" | cut -d' ' -f1)" "the provenance has the new digest"
	dkms_exits 0 "sign one/1.0 again" sign one/1.0 -k $K
	is "$out" "dkms: one/1.0 for $K: already signed by this key" "there is nothing to do"
	dkms_exits 0 "uninstall" uninstall one/1.0 -k $K
	ok "the original module comes back" test -e "$installtree/$K/kernel/drivers/one.ko$1"
	use_key old
	dkms_exits 0 "sign what is only built" sign one/1.0 -k $K
	signed_by "$(built one $K "$1")" old "it is signed"
	is "$(state one 1.0 $K)" built "it is not installed"
}

which_ones()
{
	machine
	signing_kernel $K
	signing_kernel $K7
	kernel 5.0
	use_key old
	for name in one two; do
		module $name 1.0
		dkms install $name/1.0 -k $K -k $K7 -k 5.0 > /dev/null 2>&1
	done
	module two 2.0
	dkms build two/2.0 -k $K > /dev/null 2>&1
	use_key new
	dkms_exits 0 "sign --dry-run" sign --dry-run -k $K
	like "$out" "^one/1.0 for $K: sign$" "says what would be signed"
	signed_by "$(built one $K)" old "and signs nothing"
	dkms_exits 0 "sign NAME" sign two -k $K
	signed_by "$(built one $K)" old "another package is left alone"
	signed_by "$(installed two $K)" new "the installed version is signed"
	signed_by "$dkmstree/two/2.0/$K/$arch/module/two.ko" new "and the built one"
	signed_by "$(installed two $K7)" old "another kernel is left alone"
	dkms_exits 0 "sign --all --json" sign --all --json
	for file in "$(installed one $K)" "$(installed one $K7)" "$(installed two $K7)"; do
		signed_by "$file" new "--all signs ${file##*/modules/}"
	done
	is "$(jq -r '.jobs[] | select(.kind == "sign" and .kernel == "5.0") | .result, .warnings[0]' "$work/out" | sort -u)" \
		"not signed: the kernel has no CONFIG_MODULE_SIG_HASH"$'\n'nothing "a kernel without signatures is skipped"
	is "$(jq -r '[.jobs[] | select(.signed_again)] | length' "$work/out")" 3 "--json says which were signed"
	make_key third
	use_key third "post_transaction='echo \$kernelver'"
	dkms_exits 0 "sign without a name" sign -k $K -k $K7
	signed_by "$(installed two $K7)" third "signs all"
	is "$(sort "$dkmstree/post_transaction.log")" "$K"$'\n'"$K7" "post_transaction runs for each kernel"
	dkms unbuild one/1.0 -k $K > /dev/null
	dkms_exits 0 "sign what is not built" sign one/1.0 -k $K
	is "$out" "dkms: one/1.0 for $K: not built" "says so"
	dkms_exits 3 "sign what is not in the tree" sign none/1.0 -k $K
}

# The file that is installed was changed by hand; links lead to what is built.
other_files()
{
	machine
	signing_kernel $K
	use_key old
	module one 1.0
	dkms install one/1.0 -k $K > /dev/null 2>&1
	echo garbage > "$(installed one $K)"
	dkms_exits 0 "sign, with another file installed" sign one/1.0 -k $K
	is "$(cat "$(installed one $K)")" garbage "the file stays, since dkms has not installed it"
	like "$out$err" "warning: .*/one\.ko is left as it is, because it differs from what dkms has built" "a warning says so"
	dkms remove one/1.0 --all > /dev/null
	dkms install one/1.0 -k $K --symlink-modules > /dev/null 2>&1
	use_key new
	dkms_exits 0 "sign, with a link installed" sign one/1.0 -k $K
	ok "the link stays" test -L "$(installed one $K)"
	signed_by "$(installed one $K)" new "what it leads to is signed"
	echo 'AUTOINSTALL=maybe' >> "$sourcetree/one-1.0/dkms.conf"
	use_key old
	dkms_exits 0 "sign, with a bad dkms.conf" sign one/1.0 -k $K
	signed_by "$(installed one $K)" old "it is signed"
}

failures()
{
	local before

	machine
	signing_kernel $K
	use_key old
	module one 1.0
	dkms install one/1.0 -k $K > /dev/null 2>&1
	before=$(snapshot "$dkmstree/one" "$installtree/$K")
	framework "sign_file=$signer" "mok_signing_key=$keys/none.key" "mok_certificate=$keys/old.pub" try_sign_modules=true
	dkms_exits 1 "sign without a key" sign one/1.0 -k $K
	like "$err" "one/1.0 for $K: FAILED: not signed" "is an error"
	write_script "$work/bad" 'echo no >&2' 'exit 3'
	use_key new "sign_file=$work/bad"
	dkms_exits 1 "sign with a program that fails" sign one/1.0 -k $K
	like "$err" "one.ko is not signed: bad exited 3: no" "is an error"
	use_key new "sign_file=$work/missing"
	dkms_exits 1 "sign without a program" sign one/1.0 -k $K
	is "$(snapshot "$dkmstree/one" "$installtree/$K" | grep -v ' d ')" "$(grep -v ' d ' <<<"$before")" "nothing has changed"
	framework try_sign_modules=false
	dkms_exits 0 "try_sign_modules=false" sign one/1.0 -k $K
	like "$err" "not signed: try_sign_modules is false" "is said"
}

# A module that was built without a key does not stay unsigned in silence.
unsigned()
{
	local suffix

	for suffix in '' .xz; do
		machine
		signing_kernel $K $suffix
		framework try_sign_modules=false
		module one 1.0
		dkms install one/1.0 -k $K > /dev/null 2>&1
		dkms_exits 0 "install --force, without a key" install one/1.0 -k $K --force
		is "$err" "" "says nothing"
		use_key new
		dkms_exits 0 "install --force, with a key" install one/1.0 -k $K --force
		like "$err" "one.ko$suffix was built without a signature.*: dkms sign one/1.0 -k $K" "says that it is unsigned"
		dkms_exits 0 "dkms sign" sign one/1.0 -k $K
		dkms_exits 0 "install --force of a signed module" install one/1.0 -k $K --force
		is "$err" "" "says nothing"
	done
}

# What came with an archive was built elsewhere: it is signed only if it is named.
archived()
{
	machine
	signing_kernel $K
	framework try_sign_modules=false
	module one 1.0
	module two 1.0
	dkms build one/1.0 -k $K > /dev/null
	dkms mktarball one/1.0 -k $K --archive "$work/one.tgz" > /dev/null
	dkms remove one/1.0 --all > /dev/null
	rm -r "$sourcetree/one-1.0"
	dkms build two/1.0 -k $K > /dev/null
	use_key new
	dkms ldtarball --archive "$work/one.tgz" > /dev/null
	for args in --all "-k $K"; do
		# shellcheck disable=SC2086
		dkms_exits 0 "sign $args" sign $args
		is "$(grep -ac 'Module signature appended' "$(built one $K)")" 0 "leaves a module from an archive unsigned"
		like "$err" "one/1.0 for $K .*is not signed: it came with an archive.* dkms sign one/1.0 -k $K/$arch" \
			"names it, and the command that signs it"
		signed_by "$(built two $K)" new "what was built here is signed"
	done
	dkms_exits 0 "the command that it names" sign one/1.0 -k $K/$arch
	is "$err" "" "has no warning"
	signed_by "$(built one $K)" new "signs it"
}

# The administrator's mode of an installed file stays.
modes()
{
	local mode

	for mode in 600 640; do
		machine
		signing_kernel $K
		use_key old
		module one 1.0
		dkms install one/1.0 -k $K > /dev/null 2>&1
		chmod $mode "$(installed one $K)"
		use_key new
		dkms_exits 0 "sign an installed file of mode $mode" sign one/1.0 -k $K
		signed_by "$(installed one $K)" new "it is signed"
		is "$(stat -c %a "$(installed one $K)")" $mode "and has its mode"
	done
}

# A module that is there twice.
two_files()
{
	local before

	machine
	signing_kernel $K
	use_key old
	module one 1.0
	dkms build one/1.0 -k $K > /dev/null
	for pair in "ko ko.xz" "ko ko.gz" "ko.gz ko.xz"; do
		dkms build one/1.0 -k $K --force > /dev/null
		for suffix in $pair; do
			plain "$(built one $K)"
			case $suffix in
			*.xz) xz -c < "$work/plain.ko" ;;
			*.gz) gzip -c < "$work/plain.ko" ;;
			*) cat "$work/plain.ko" ;;
			esac > "$dkmstree/one/1.0/$K/$arch/module/x.$suffix"
		done
		before=$(snapshot "$dkmstree/one/1.0/$K")
		dkms_exits 1 "x.$pair" sign one/1.0 -k $K
		like "$err" "/module has two files of one module: x.ko" "the error names a file"
		like "$err" "remove the one .* or dkms build one/1.0 -k $K/$arch --force" "and has a remedy"
		is "$(snapshot "$dkmstree/one/1.0/$K")" "$before" "nothing has changed"
		rm "$dkmstree/one/1.0/$K/$arch/module"/x.*
	done
}

with_suffix ''
with_suffix .xz
with_suffix .gz
! command -v zstd > /dev/null || with_suffix .zst
which_ones
other_files
failures
unsigned
archived
modes
two_files
finish
