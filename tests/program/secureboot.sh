#!/bin/bash
# dkms secureboot, the warning at the end of an install, and keys with a passphrase. The variables of
# the firmware and the keys of the kernel are files of the test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
private_etc || skip_all "needs a mount namespace"
command -v openssl > /dev/null || skip_all "openssl is not installed"
# shellcheck source=tests/lib/signing.sh
. "$top_srcdir/tests/lib/signing.sh"

shim=605dab50-e046-4300-abb6-3dd810dd8b23
efivars=/sys/firmware/efi/efivars
mkdir "$work/firmware" "$work/keys"
key=$work/keys/mok.key
certificate=$work/keys/mok.pub
mount --bind "$work/firmware" /sys/firmware || skip_all "nothing can be mounted on /sys/firmware"
: > "$work/proc-keys"
mount --bind "$work/proc-keys" /proc/keys || skip_all "nothing can be mounted on /proc/keys"

# Sets a variable of the firmware: four bytes of attributes, and the value from standard input.
variable() # NAME-GUID
{
	mkdir -p $efivars
	{ printf '\6\0\0\0'; cat; } > "$efivars/$1"
}

# Prints a number as four bytes, the lowest first.
number() # N
{
	printf '%b' "$(printf '\\x%02x\\x%02x\\x00\\x00' $(($1 & 255)) $(($1 >> 8)))"
}

# Prints a signature list with one certificate (EFI_SIGNATURE_LIST).
signature_list() # CERTIFICATE
{
	local size

	size=$(stat -c %s "$1")
	printf '\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72'
	number $((28 + 16 + size))
	number 0
	number $((16 + size))
	printf 0123456789abcdef
	cat "$1"
}

# Reports whether no line of TEXT matches.
unlike() # TEXT EXTENDED-REGEX DESCRIPTION
{
	is "$(printf '%s\n' "$1" | grep -E -- "$2" || true)" "" "$3"
}

# Prints the steps that dkms has told, in one line.
steps()
{
	sed -n 's/^  [0-9]\. //p' <<< "$out" | tr '\n' ';'
}

state()
{
	machine
	write_signer "$work/signer"
	framework "sign_file=$work/signer" "mok_signing_key=$key" "mok_certificate=$certificate" \
		try_sign_modules=true
	signing_kernel $K .xz
	kernel 5.5-unsigned
	module hello 1.0
	dkms_exits 0 "no UEFI" secureboot -k $K
	like "$out" "^This machine was not started by UEFI, so it has no Secure Boot; this kernel loads" "it is said"
	like "$out" "There is no certificate $certificate yet" "there is no certificate"
	unlike "$out" "To do" "there is nothing to do"
	printf '\0' | variable SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	dkms_exits 0 "Secure Boot is off" secureboot -k $K
	like "$out" "^Secure Boot is off; this kernel loads modules that are not signed" "it is said"
	like "$out" "^To do before Secure Boot is switched on:$" "the steps are told"
	like "$(steps)" "^dkms generate_mok;mokutil --import $certificate .*;restart .*;$" "in their order"

	dkms_exits 0 "two kernels, one of which checks no signatures" install hello/1.0 -k $K -k 5.5-unsigned
	unlike "$out$err" "mokutil|Secure Boot" "nothing is said of enrolling for a private tree"
	printf '\1' | variable SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	dkms_exits 0 "Secure Boot is on, but nothing is enforced" secureboot -k $K
	like "$out" "^Secure Boot is on; this kernel loads modules that are not signed" "it is said"
	like "$out" "^Our certificate $certificate$" "the certificate is named"
	like "$out" "^\(CN=DKMS module signing key, SHA-256 ([0-9a-f]{2}:){8}\.\.\.\) is not enrolled" "it is described"
	like "$out" "$(openssl x509 -inform DER -in "$certificate" -noout -fingerprint -sha256 | sed 's/.*=//' |
		tr A-F a-f | cut -c 1-23)" "the digest is what openssl prints"
	like "$out" "hello/1\.0: hello\.ko\.xz is signed by \"DKMS module signing key\", our key" "a signed module"
	dkms_exits 0 "another kernel" secureboot -k 5.5-unsigned
	like "$out" "hello/1\.0: hello\.ko is not signed" "an unsigned module"
	like "$(steps)" "^dkms sign -k 5\.5-unsigned;mokutil" "it is to be signed"
}

# Goes on with the machine of state().
enrolment()
{
	mkdir "$work/module"
	mount --bind "$work/module" /sys/module
	mkdir -p /sys/module/module/parameters
	echo Y > /sys/module/module/parameters/sig_enforce
	dkms_exits 1 "the kernel refuses the modules" secureboot -k $K
	like "$out" "refuses modules that are not signed by a key it knows \(module\.sig_enforce\)" "it says why"
	like "$out" "This kernel refuses 1 of 1 module\." "it says how many"
	signature_list "$certificate" | variable MokNew-$shim
	dkms_exits 1 "the certificate waits" secureboot -k $K
	like "$out" "waits for the next start of the machine to be enrolled" "it is said"
	unlike "$out" "mokutil" "it need not be imported again"
	signature_list "$certificate" | variable MokListRT-$shim
	rm $efivars/MokNew-$shim
	dkms_exits 0 "the certificate is enrolled" secureboot -k $K
	like "$out" "is enrolled\.$" "it is said"
	unlike "$out" "refuses 1|To do" "there is nothing to do"
	echo "1 I--Q--- 1 perm 1f030000 0 0 asymmetri Other: 77: X509.rsa 77 []" > "$work/proc-keys"
	dkms_exits 1 "the kernel does not use it" secureboot -k $K
	like "$out" "is enrolled, but the running kernel does not use it" "it is said"
	dkms_exits 1 "as JSON" secureboot -k $K --json
	is "$(jq -r '"\(.schema) \(.kernel) \(.secure_boot) \(.shim_checks) \(.enforced_by) \(.certificate.enrolled) \(.certificate.common_name) \(.modules[0].signer) \(.modules[0].our_key) \(.steps | length)"' <<< "$out")" \
		"dkms-secureboot-1 $K on true module.sig_enforce not used DKMS module signing key DKMS module signing key true 1" \
		"the document"
	id=$(openssl x509 -inform DER -in "$certificate" -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :' | tr A-F a-f)
	echo "1 I--Q--- 1 perm 1f030000 0 0 asymmetri DKMS module signing key: $id: X509.rsa ${id: -8} []" > "$work/proc-keys"
	dkms_exits 0 "the kernel knows the key" secureboot -k $K
	like "$out" "is enrolled\.$" "it is said"
	: > "$work/proc-keys"

	mv "$key" "$work/keys/old.key"
	mv "$certificate" "$work/keys/old.pub"
	dkms_exits 0 "another key" generate_mok
	dkms_exits 1 "what the old key has signed" secureboot -k $K
	like "$out" "is signed by \"DKMS module signing key\", not our key" "it is told from ours by its serial number"
	like "$out" "1\. dkms sign -k $K" "it is to be signed again"
	echo no > "$certificate"
	dkms_exits 1 "a damaged certificate" secureboot -k $K
	like "$err" "$certificate is no certificate in DER" "it is said"
	mv "$work/keys/old.pub" "$certificate"
	mv "$work/keys/old.key" "$key"
	umount /sys/module
}

# Modules for the machine itself: the install tree stands at /lib/modules.
warning()
{
	local trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree /lib/modules)

	private_modules
	mount --bind "$installtree" /lib/modules
	dkms_exits 0 "enrolled" install hello/1.0 -k $K --force
	unlike "$err" "Secure Boot" "nothing is said"
	rm $efivars/MokListRT-$shim
	dkms_exits 0 "not enrolled" install hello/1.0 -k $K --force
	like "$err" "^dkms: warning: Secure Boot is on, and the certificate $certificate is not enrolled: dkms secureboot" "it is said"
	is "$(grep -c "Secure Boot" <<< "$err")" 1 "in one line"
	dkms_exits 0 "once more" install hello/1.0 -k $K --force
	like "$err" "certificate $certificate is not enrolled" "it is said each time"
	printf '\1' | variable MokSBStateRT-$shim
	dkms_exits 0 "shim does not check" install hello/1.0 -k $K --force
	unlike "$err" "Secure Boot" "nothing is said"
	dkms_exits 0 "what shim does" secureboot -k $K
	like "$out" "^Secure Boot is on, but shim was told not to check; this kernel loads" "it is said"
	rm $efivars/MokSBStateRT-$shim
	dkms_exits 0 "nothing to do" install hello/1.0 -k $K
	unlike "$err" "Secure Boot" "nothing is said if nothing was installed"
	mv "$key" "$work/keys/old.key"
	rm "$certificate"
	dkms_exits 0 "a new key" build hello/1.0 -k $K --force
	like "$out" "made the key $key .*; to enroll its certificate: mokutil --import $certificate" "how to enroll it is told"
	umount /lib/modules
}

passphrases()
{
	machine
	signing_kernel $K
	module hello 1.0
	for format in -topk8 -traditional; do
		rm -f "$key" "$certificate"
		openssl genrsa -out "$work/plain.pem" 2048 2> /dev/null
		if [ $format = -topk8 ]; then
			openssl pkcs8 -topk8 -in "$work/plain.pem" -out "$key" -passout pass:sesame
		else
			openssl rsa -traditional -aes128 -in "$work/plain.pem" -out "$key" -passout pass:sesame 2> /dev/null
		fi
		openssl req -new -x509 -key "$work/plain.pem" -subj /CN=ours -outform DER -out "$certificate"
		dkms_exits 0 "an encrypted key: $format" build hello/1.0 -k $K --force
		like "$err" "not signed: the key $key is encrypted; set KBUILD_SIGN_PIN to its passphrase" "what is missing is told"
		KBUILD_SIGN_PIN=open dkms_exits 0 "a wrong passphrase" build hello/1.0 -k $K --force
		like "$err" "not signed: KBUILD_SIGN_PIN is not the passphrase of the key $key" "it is told"
		KBUILD_SIGN_PIN=sesame dkms_exits 0 "the passphrase" build hello/1.0 -k $K --force
		unlike "$err" "not signed" "the module is signed"
		like "$(module_field signer "$(built hello $K)")" ours "modinfo shows the signer"
		rm "$certificate"
		dkms_exits 1 "a certificate for an encrypted key" generate_mok
		like "$err" "the key $key is encrypted" "what is missing is told"
	done
}

state
enrolment
warning
passphrases
finish
