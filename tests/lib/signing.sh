# shellcheck shell=bash disable=SC2154
# For tests of signed modules: kernels that check signatures, programs that sign, and a check of
# signatures. A test sources this file after fixture.sh and private_etc.

framework() # LINE...
{
	printf '%s\n' "$@" > "$etc/framework.conf"
}

# Makes a kernel whose configuration has a hash for signatures.
signing_kernel() # RELEASE [SUFFIX [HASH]]
{
	kernel "$1" "${2:-}"
	echo "CONFIG_MODULE_SIG_HASH=\"${3:-sha256}\"" | tee -a "$installtree/$1/build/.config" \
		>> "$installtree/$1/build/include/config/auto.conf"
}

# Prints the path of a module of NAME 1.0 in the dkms tree.
built() # NAME RELEASE [SUFFIX]
{
	echo "$dkmstree/$1/1.0/$2/$arch/module/$1.ko${3:-}"
}

plain() # FILE: writes the uncompressed module to $work/plain.ko
{
	case $1 in
	*.gz) gzip -dc "$1" ;;
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	*) cat "$1" ;;
	esac > "$work/plain.ko"
}

# Splits off the signature as the kernel does. At the end of the file there is the signature (PKCS#7
# in DER), 12 bytes that end in the length of the signature (big endian), and the marker.
split_signature() # FILE: writes $work/content and $work/signature
{
	local size len

	[ "$(tail -c 28 "$1")" = "~Module signature appended~" ] || return 1
	size=$(stat -c %s "$1")
	len=$((0x$(tail -c 32 "$1" | head -c 4 | od -An -tx1 | tr -d ' ')))
	head -c $((size - 28 - 12 - len)) "$1" > "$work/content"
	tail -c $((28 + 12 + len)) "$1" | head -c "$len" > "$work/signature"
}

verifies() # FILE CERTIFICATE
{
	split_signature "$1" &&
		openssl x509 -inform DER -in "$2" -out "$work/certificate.pem" &&
		openssl cms -verify -binary -inform DER -in "$work/signature" -content "$work/content" \
			-certfile "$work/certificate.pem" -nointern -noverify -out /dev/null
}

# Writes a program that works like the kernel's sign-file, for systems without that.
write_signer() # FILE
{
	write_script "$1" 'set -e' 'echo "$@" >> "$0.calls"' \
		'openssl x509 -inform DER -in "$3" -out "$4.pem"' \
		'openssl cms -sign -binary -nocerts -noattr -md "$1" -signer "$4.pem" -inkey "$2" \' \
		'	-passin "pass:${KBUILD_SIGN_PIN:-}" -in "$4" -outform DER -out "$4.p7"' \
		'len=$(stat -c %s "$4.p7")' 'cat "$4.p7" >> "$4"' \
		'printf "\\000\\000\\002\\000\\000\\000\\000\\000" >> "$4"' \
		'for shift in 24 16 8 0; do' \
		'	printf "\\$(printf %03o $((len >> shift & 255)))" >> "$4"' 'done' \
		'echo "~Module signature appended~" >> "$4"' 'rm "$4.p7" "$4.pem"'
}
