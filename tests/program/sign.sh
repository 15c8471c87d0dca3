#!/bin/bash
# Signed modules on kernels of the fixture, with Debian's sign-file and with programs of the test:
# which modules are signed, when, and with which key, and the errors. Descriptions name the section
# of the contract (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
private_etc || skip_all "needs a mount namespace"
command -v openssl >/dev/null || skip_all "openssl is not installed"

# shellcheck source=tests/lib/signing.sh
. "$top_srcdir/tests/lib/signing.sh"

# The kernel's own program, from Debian's packages.
real_signer=
if command -v apt-get >/dev/null && root=$("$top_srcdir/tests/fetch-input" --modules '' 2>/dev/null |
	sed -n 's/^root //p'); then
	real_signer=$(find "$root/usr/lib" -name sign-file -perm -u+x | sort -V | tail -n 1)
fi

# The files of the machine in /var/lib are hidden.
keys=$work/keys
mkdir "$keys"
key=$keys/mok.key
certificate=$keys/mok.pub
places=("mok_signing_key=$key" "mok_certificate=$certificate")
signer=$work/signer
write_signer "$signer"

formats()
{
	local k suffix program=$1 what=$2 count

	rm -f "$key" "$certificate"
	framework "sign_file=$program" "${places[@]}" 'compress_gzip_opts=-1' 'compress_zstd_opts=-19' \
		'compress_xz_opts="--check=crc32 --lzma2=dict=1MiB -0"'
	machine
	signing_kernel 5.1-gz .gz
	signing_kernel 5.2-xz .xz sha512
	signing_kernel 5.3-zst .zst sha384
	signing_kernel 5.4-plain
	kernel 5.5-unsigned
	module hello 1.0
	dkms_exits 0 "$what: a build for kernels of each compression" build hello/1.0 --all
	is "$err" "" "$what: there is no warning"
	is "$(stat -c %a "$key")" 600 "compat 5: the key pair is made"
	like "$out" "made the key $key that signs modules$" "it is said; a private tree needs no enrolled key"
	for k in 5.1-gz 5.2-xz 5.3-zst 5.4-plain; do
		suffix=.${k#*-}
		[ "$suffix" != .plain ] || suffix=
		plain "$(built hello "$k" "$suffix")"
		like "$(module_field signer "$work/plain.ko")" "DKMS module signing key" "$what: modinfo shows the signer: $k"
		ok "$what: the signature verifies: $k" verifies "$work/plain.ko" "$certificate"
		ok "compat 5.7: strip, sign, compress: $k" \
			eval '! readelf -SW "$work/content" 2>&1 | grep -q "\.debug_info"'
		is "$(module_field version "$work/plain.ko")" 1.0 "$what: the module can still be read: $k"
	done
	plain "$(built hello 5.2-xz .xz)"
	like "$(module_field sig_hashalgo "$work/plain.ko")" "^sha512|^$" "compat 5: the hash of the kernel's config"
	if [ "$program" = "$signer" ]; then
		is "$(cut -d' ' -f 1-3 "$signer.calls" | sort -u)" "$(for h in 256 384 512; do
			echo "sha$h $key $certificate"; done)" "compat 5: HASH KEY CERTIFICATE MODULE"
	fi
	ok "compat 5: CONFIG_MODULE_SIG_HASH unset: not signed" eval '! split_signature "$(built hello 5.5-unsigned)"'
	like "$(cat "$dkmstree/hello/1.0/5.5-unsigned/$arch/log/make.log")" "^# not signed: .*CONFIG_MODULE_SIG_HASH" \
		"the log has the reason"
	like "$(xz -lvv "$(built hello 5.2-xz .xz)")" "dict=1MiB" "compat 10: compress_xz_opts is used"
	like "$(cat "$dkmstree/hello/1.0/5.4-plain/$arch/log/make.log")" "^# command: ${program//+/[+]} sha256 $key $certificate" \
		"compat 5.3: the log has the command"
	is "$(ls "$dkmstree/hello/1.0/5.4-plain/$arch/module")" "$(printf 'Module.symvers\nhello.ko')" \
		"no other file is left in module/"
	dkms_exits 0 "$what: install" install hello/1.0 --all
	for k in 5.1-gz 5.4-plain; do
		plain "$(find "$installtree/$k/$dest" -name 'hello.ko*')"
		ok "$what: what is installed is signed: $k" verifies "$work/plain.ko" "$certificate"
	done
	count=$(cksum "$key" "$certificate")
	dkms_exits 0 "$what: build again" build hello/1.0 -k 5.4-plain --force
	is "$(cksum "$key" "$certificate")" "$count" "the key is the same"
	is "$(printf '%s' "$out" | grep -c mokutil)" 0 "the command to enroll the key is not printed again"
}

policy()
{
	local mode

	machine
	signing_kernel 5.9-never
	module never 1.0 BUILD_EXCLUSIVE_KERNEL=^4
	framework "sign_file=$signer" "mok_signing_key=$keys/never.key" "mok_certificate=$keys/never.pub"
	dkms_exits 77 "compat 11.4: 77 is decided" build never/1.0 -k 5.9-never
	ok "compat 11.4: no key is made for an excluded module" test ! -e "$keys/never.key"
	signing_kernel $K
	module hello 1.0
	for mode in true '' not_in_chroot; do
		framework "sign_file=$signer" "${places[@]}" "try_sign_modules=$mode"
		dkms_exits 0 "compat 5: try_sign_modules '$mode'" build hello/1.0 -k $K --force
		ok "compat 5: the module is signed" verifies "$(built hello $K)" "$certificate"
	done
	framework "sign_file=$signer" "${places[@]}" try_sign_modules=false
	dkms_exits 0 "compat 5: try_sign_modules false" build hello/1.0 -k $K --force
	ok "compat 5: the module is not signed" eval '! split_signature "$(built hello $K)"'
	is "$err" "" "there is no warning"

	framework "sign_file=$signer" "${places[@]}" try_sign_modules=not_in_chroot
	exits 0 "a build in another mount namespace" unshare --mount "$DKMS" build hello/1.0 -k $K --force "${trees[@]}"
	ok "compat 11.14: another mount namespace counts as a chroot" eval '! split_signature "$(built hello $K)"'
	framework "sign_file=$signer" "${places[@]}" try_sign_modules=true
	exits 0 "a build in another mount namespace with try_sign_modules=true" unshare --mount "$DKMS" build hello/1.0 -k $K --force "${trees[@]}"
	ok "compat 5: true signs in a chroot as well" verifies "$(built hello $K)" "$certificate"
	framework "sign_file=$signer" "${places[@]}"
	mkdir -p "$work/chroot"
	mount --rbind / "$work/chroot"
	exits 0 "a build in a chroot" chroot "$work/chroot" "$DKMS" build hello/1.0 -k $K --force "${trees[@]}"
	ok "compat 11.14: the module is not signed in a chroot" eval '! split_signature "$(built hello $K)"'
	framework "sign_file=$signer" "mok_signing_key=$keys/image.key" "mok_certificate=$keys/image.pub"
	exits 0 "a build in a chroot, without a key" chroot "$work/chroot" "$DKMS" build hello/1.0 -k $K --force "${trees[@]}"
	is "$(ls "$keys"/image.* 2> /dev/null)" "" "no key is made in an image"
	exits 0 "generate_mok in a chroot" chroot "$work/chroot" "$DKMS" generate_mok "${trees[@]}"
	is "$(cd "$keys" && echo image.*)" "image.key image.pub" "it is made if it is asked for"
	umount -l "$work/chroot"
	framework "sign_file=$signer" "mok_signing_key=$keys/unknown.key" "mok_certificate=$keys/unknown.pub"
	exits 0 "a build that may not look at process 1, without a key" setpriv --bounding-set=-sys_ptrace "$DKMS" build hello/1.0 \
		-k $K --force "${trees[@]}"
	like "$(cat "$work/tap.out")" "not signed: there is no key $keys/unknown\.key, .* dkms generate_mok" "the warning has the remedy"
	is "$(ls "$keys"/unknown.* 2> /dev/null)" "" "no key is made where it may be an image"

	echo 'CONFIG_MODULE_SIG_HASH="sha1"' > "$work/config"
	: > "$signer.calls"
	dkms_exits 0 "compat 11.14: --config with only the hash" build hello/1.0 -k $K --force \
		--config "$work/config"
	like "$(cat "$signer.calls")" "^sha1 " "compat 11.14: the hash of --config is used"
}

# One file of the pair is missing, because its name is wrong or it was removed.
one_is_missing()
{
	local before new=$keys/new.key

	machine
	signing_kernel $K
	module hello 1.0
	before=$(cksum "$key" "$certificate")
	framework "sign_file=$signer" "mok_signing_key=$keys/mok.kye" "mok_certificate=$certificate"
	dkms_exits 0 "a mistyped mok_signing_key" build hello/1.0 -k $K
	like "$err" "not signed: there is no key $keys/mok\.kye for the certificate $certificate; check mok_signing_key" \
		"the warning names the file that is missing"
	is "$(cksum "$key" "$certificate")" "$before" "key and certificate are as before"
	ok "no key is made" test ! -e "$keys/mok.kye"
	dkms_exits 1 "generate_mok with a mistyped mok_signing_key" generate_mok
	like "$err" "$keys/mok\.kye" "the error names it, too"
	is "$(cksum "$key" "$certificate")" "$before" "key and certificate are as before"
	# The default certificate, and a key of its own.
	cp "$certificate" "$dkmstree/mok.pub"
	framework "sign_file=$signer" "mok_signing_key=$keys/mok.kye"
	[ -e /var/lib/dkms/mok.key ] || {
		dkms_exits 1 "a mistyped mok_signing_key, and the default certificate" generate_mok
		ok "the certificate is as before" cmp "$certificate" "$dkmstree/mok.pub"
	}
	cp "$key" "$new"
	framework "sign_file=$signer" "mok_signing_key=$new" "mok_certificate=$keys/new.pub"
	dkms_exits 0 "a key without a certificate" build hello/1.0 -k $K --force
	like "$out" "made the certificate $keys/new\.pub of the key $new" "it says what was made"
	ok "it does not claim to have made the key" eval '! grep -q "made the key" "$work/out"'
	ok "the key is as before" cmp "$key" "$new"
	rm "$keys/new.pub"
	dkms_exits 0 "generate_mok with a key and no certificate" generate_mok
	like "$out" "^made the certificate $keys/new\.pub of the key $new, which exists" "it says the same"
	dkms_exits 0 "generate_mok again" generate_mok
	like "$out" "already exist" "there is nothing to do"
	rm "$new" "$keys/new.pub"
}

# Checks that a module is built without a signature, and that a warning has WARNING.
unsigned() # DESCRIPTION WARNING LINE...
{
	local description=$1 warning=$2

	shift 2
	framework "$@"
	dkms_exits 0 "compat 11.14: $description: the build goes on" build hello/1.0 -k $K --force
	like "$err" "^dkms: warning: .*not signed: $warning" "compat 5: $description: there is a warning"
	ok "$description: it is not signed" eval '! split_signature "$(built hello $K)"'
	is "$(module_field version "$(built hello $K)")" 1.0 "$description: the module can be read"
	is "$(ls "$dkmstree/hello/1.0/$K/$arch/module")" "$(printf 'Module.symvers\nhello.ko')" \
		"$description: nothing else is left"
}

# Signs with a pkcs11: key. The program that signs gets ARGUMENT as the key, in which PIN stands for the
# place of the PIN, and the PIN in its environment and in a file.
token() # URI ARGUMENT ENVIRONMENT FILE
{
	local log=$dkmstree/hello/1.0/$K/$arch/log/make.log

	echo se-cret-of-a-file > "$work/pin"
	framework "sign_file=$work/token" "mok_signing_key='$1'" "mok_certificate=$certificate"
	dkms_exits 0 "compat 5: the key $1" build hello/1.0 -k $K --force --debug
	is "$(cut -d' ' -f 1 "$work/token.call")" "${2/PIN/pin-source=file:/proc/self/fd/10}" \
		"compat 5: the program gets the key without the PIN"
	is "$(cat "$work/token.environment") $(cat "$work/token.file")" "$3 $4" "it gets the PIN where others cannot see it"
	is "$(grep -c "se-cret" "$work/token.lines" || true)" 0 "no process has the PIN in its arguments"
	is "$(printf '%s' "$out$err" | cat - "$log" | grep -c "se-cret" || true)" 0 "neither dkms nor the build shows it"
	like "$(cat "$log")" "^PATH=" "(the build shows its environment)"
}

troubles()
{
	machine
	signing_kernel $K
	module hello 1.0
	unsigned "sign_file is missing" "/no/sign-file is missing" sign_file=/no/sign-file "${places[@]}"
	unsigned "no sign_file" ".*scripts/sign-file is missing" "${places[@]}"
	unsigned "a key that cannot be made" "cannot create /no/key: No such file" "sign_file=$signer" \
		mok_signing_key=/no/key "mok_certificate=$keys/none.pub"
	unsigned "a certificate that cannot be made" "cannot create /no/certificate: No such file" \
		"sign_file=$signer" "mok_signing_key=$keys/other.key" mok_certificate=/no/certificate
	ok "compat 11.14: the key is made nevertheless" test -f "$keys/other.key"
	unsigned "a token without a certificate" "there is no certificate /no/certificate" \
		"sign_file=$signer" "mok_signing_key='pkcs11:token=x'" mok_certificate=/no/certificate
	write_script "$work/fails" 'echo damaged >> "$4"' 'touch "$4.left"' 'echo "no key for you" >&2' 'exit 3'
	unsigned "a sign_file that fails" "fails exited 3: no key for you" "sign_file=$work/fails" "${places[@]}"
	like "$(cat "$dkmstree/hello/1.0/$K/$arch/log/make.log")" "^no key for you" "the output of sign-file is in the log"
	write_script "$work/nothing" 'exit 0'
	unsigned "a sign_file that does nothing" "nothing left no signature" "sign_file=$work/nothing" "${places[@]}"
	echo rubbish > "$keys/bad.key"
	unsigned "a key that is none" "signer exited [0-9]+: " "sign_file=$signer" "mok_signing_key=$keys/bad.key" \
		"mok_certificate=$certificate"

	write_script "$work/token" 'echo "$2 $4" > "$0.call"' 'echo "${KBUILD_SIGN_PIN-none}" > "$0.environment"' \
		'source=${2#*pin-source=file:}' 'cat "${source%%[;&?]*}" > "$0.file" 2> /dev/null || echo none > "$0.file"' \
		'for all in /proc/[0-9]*/cmdline; do tr "\\0" " " < $all; done > "$0.lines" 2> /dev/null' \
		'echo "~Module signature appended~" >> "$4"'
	echo 'PRE_BUILD=pre.sh' >> "$sourcetree/hello-1.0/dkms.conf"
	write_script "$sourcetree/hello-1.0/pre.sh" 'env; cat /proc/[0-9]*/cmdline'
	token "pkcs11:token=x" "pkcs11:token=x" none none
	token "pkcs11:token=x?pin-value=se-cret" "pkcs11:token=x?PIN" se-cret se-cret
	token "pkcs11:token=x;pin-value=se-cret;type=private" "pkcs11:token=x;PIN;type=private" se-cret se-cret
	token "pkcs11:pin-value=se-cret?module-path=/m.so&a=b" "pkcs11:PIN?module-path=/m.so&a=b" se-cret se-cret
	token "pkcs11:object=a%20b?a=pin-value&pin-value=se-cret%3b%25%&c=d" "pkcs11:object=a%20b?a=pin-value&PIN&c=d" \
		"se-cret;%%" "se-cret;%%"
	token "pkcs11:token=x?pin-source=file:$work/pin" "pkcs11:token=x?pin-source=file:$work/pin" none se-cret-of-a-file
	KBUILD_SIGN_PIN=other token "pkcs11:token=x" "pkcs11:token=x" other none
	KBUILD_SIGN_PIN=other token "pkcs11:token=x?pin-value=se-cret" "pkcs11:token=x?PIN" se-cret se-cret
	sed -i '/PRE_BUILD/d' "$sourcetree/hello-1.0/dkms.conf"
	like "$(cat "$work/token.call")" "/hello\.ko$" "the file has the module's name"

	openssl genrsa -aes256 -passout pass:secret -out "$keys/locked.key" 2048 2>/dev/null
	chmod 0644 "$keys/locked.key"
	framework "sign_file=$signer" "mok_signing_key=$keys/locked.key" "mok_certificate=$keys/locked.der"
	echo 'PRE_BUILD=pre.sh' >> "$sourcetree/hello-1.0/dkms.conf"
	write_script "$sourcetree/hello-1.0/pre.sh" 'echo "pin: ${KBUILD_SIGN_PIN-none}"' \
		"cat $keys/locked.key && echo read || true"
	KBUILD_SIGN_PIN=secret dkms_exits 0 "compat 5: KBUILD_SIGN_PIN" build hello/1.0 -k $K --force
	ok "compat 5: KBUILD_SIGN_PIN reaches the program" verifies "$(built hello $K)" "$keys/locked.der"
	like "$(cat "$dkmstree/hello/1.0/$K/$arch/log/make.log")" "^pin: none" "KBUILD_SIGN_PIN does not reach the build"
	is "$(grep -c '^read$' "$dkmstree/hello/1.0/$K/$arch/log/make.log" || true)" 0 "the build cannot read the key"

	echo "echo here: >&2; cat $keys/locked.key >&2 || :" >> "$sourcetree/hello-1.0/dkms.conf"
	dkms_exits 0 "a dkms.conf that searches for the key" build hello/1.0 -k $K --force
	like "$err" "here:" "(it searches)"
	is "$(printf '%s' "$err" | grep -c "PRIVATE KEY")" 0 "it does not find the key"
	chmod 0600 "$keys/locked.key"
	sed -i '/here:/d' "$sourcetree/hello-1.0/dkms.conf"

	mkdir -m 0700 "$keys/closed"
	cp "$key" "$certificate" "$keys/closed"
	[ "$real_user" -ne 0 ] || chown 65533 "$keys/closed"
	framework "sign_file=$signer" "mok_signing_key=$keys/closed/mok.key" "mok_certificate=$keys/closed/mok.pub"
	for mode in auto off; do
		dkms_exits 0 "a key in a closed directory, --sandbox=$mode" build hello/1.0 -k $K --force --sandbox=$mode
		ok "the module is signed" verifies "$(built hello $K)" "$certificate"
	done

	module many 1.0 'BUILT_MODULE_NAME=(a b c)' 'DEST_MODULE_LOCATION=(/extra /extra /extra)' \
		'DEST_MODULE_NAME[1]=renamed' 'BUILD_EXCLUSIVE_KERNEL[2]=^5'
	write_sources "$sourcetree/many-1.0" 1.0 a b c
	framework "sign_file=$signer" "${places[@]}"
	dkms_exits 0 "several modules" build many/1.0 -k $K
	for m in a renamed; do
		ok "$m is signed" verifies "$dkmstree/many/1.0/$K/$arch/module/$m.ko" "$certificate"
	done
	framework "sign_file=$work/fails" "${places[@]}"
	dkms_exits 0 "several that cannot be signed" build many/1.0 -k $K --force
	like "$err" "a.ko and 1 more modules are not signed: fails exited 3" "there is one warning for all of them"
}

places_of_keys()
{
	local n

	machine
	signing_kernel 5.1-one
	signing_kernel 5.2-two
	module hello 1.0
	cp "$signer" "$work/signer-5.1-one"
	cp "$signer" "$work/signer-5.2-two"
	framework "sign_file='$work/signer-\$kernelver'" "mok_signing_key=$keys/\${kernelver}.key" \
		"mok_certificate='$keys/\${kernelver}.der'"
	dkms_exits 0 "compat 11.14: paths with kernelver" build hello/1.0 --all
	for k in 5.1-one 5.2-two; do
		ok "compat 11.14: the paths are expanded per kernel: $k" verifies "$(built hello $k)" "$keys/$k.der"
	done

	mount -t tmpfs none /var/lib # it has no key pair
	mount -t tmpfs none /var/log # the default tree has a history there
	framework "sign_file=$signer"
	dkms_exits 0 "another dkms tree without a setting for keys" build hello/1.0 -k 5.1-one --force
	ok "that tree has its own key pair" verifies "$(built hello 5.1-one)" "$dkmstree/mok.pub"
	is "$(dkms status | cut -d/ -f 1 | sort -u)" hello "status does not list the key pair"
	is "$(ls /var/lib)" "" "no key pair is made in /var/lib"
	exits 0 "the default dkms tree" "$DKMS" build hello/1.0 -k 5.1-one \
		--sourcetree "$sourcetree" --installtree "$installtree"
	ok "compat 5: the default tree has its key pair in /var/lib/dkms" verifies "/var/lib/dkms/hello/1.0/5.1-one/$arch/module/hello.ko" \
		/var/lib/dkms/mok.pub
	is "$(stat -c %a /var/lib/dkms/mok.key)" 600 "compat 5: only the owner can read mok.key"
	like "$(cat /var/log/dkms/history.jsonl)" '"line":"dkms build hello/1.0 ' "and its history"
	umount /var/log
	umount /var/lib
	framework "mok_signing_key=$keys/made.key" "mok_certificate=$keys/made.der"
	dkms_exits 0 "compat 2: generate_mok" generate_mok
	like "$out" "made the key $keys/made.key" "compat 2: generate_mok makes the pair"
	ok "the certificate is in DER and for code signing" eval \
		'openssl x509 -inform DER -in "$keys/made.der" -noout -text | grep -q "Code Signing"'
	n=$(cksum "$keys"/made.*)
	dkms_exits 0 "compat 2: generate_mok again" generate_mok
	is "$(cksum "$keys"/made.*)" "$n" "the pair is not changed"
	framework mok_signing_key=/no/key "mok_certificate=$keys/no.der"
	dkms_exits 1 "generate_mok for a path that cannot be written" generate_mok
	like "$err" "cannot create /no/key" "the error names the path"

	# Two processes with four jobs each make one key pair.
	framework "sign_file=$signer" "mok_signing_key=$keys/race.key" "mok_certificate=$keys/race.der"
	for n in one two three four; do
		module $n 1.0
		dkms add $n/1.0 > /dev/null
	done
	dkms autoinstall -k 5.1-one > "$work/one" 2>&1 &
	n=$!
	dkms autoinstall -k 5.2-two > "$work/two" 2>&1
	ok "the second process succeeds" wait $n
	is "$(cat "$work/one" "$work/two" | grep -c '^made the key')" 1 "two processes at the same time make one pair"
	for n in one two three four; do
		for k in 5.1-one 5.2-two; do
			verifies "$(built $n $k)" "$keys/race.der" 2>/dev/null || break 2
		done
	done
	ok "all modules of both verify with that pair: $n for $k" verifies "$(built $n $k)" "$keys/race.der"
}

formats "$signer" "a sign_file of the administrator"
if [ -n "$real_signer" ]; then
	formats "$real_signer" "the kernel's sign-file"
	# As on Debian: without sign_file, the scripts of the headers lead to the program.
	machine
	signing_kernel $K
	mkdir "$installtree/$K/build/scripts"
	ln -s "$real_signer" "$installtree/$K/build/scripts/sign-file"
	module hello 1.0
	framework "${places[@]}"
	dkms_exits 0 "compat 5: without sign_file" build hello/1.0 -k $K
	ok "compat 5: HEADERS/scripts/sign-file signs" verifies "$(built hello $K)" "$certificate"
else
	skip "needs Debian's packages" "the kernel's sign-file"
fi
policy
one_is_missing
troubles
places_of_keys
finish
