#!/bin/bash
# Builds real modules for Debian's arm64 kernel on another architecture, with Debian's cross compiler, and
# loads one in a virtual machine that has that kernel.
# Run by make check; alone: DKMS=./dkms top_srcdir=.. tests/integration/arm64.sh
set -eu
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

command -v apt-get > /dev/null || skip_all "kernels and modules come from Debian's packages"
native=$(dpkg --print-architecture)
[ "$native" != arm64 ] || skip_all "this machine is of that architecture"
for tool in qemu-system-aarch64 aarch64-linux-gnu-gcc readelf cpio depmod; do
	command -v $tool > /dev/null || skip_all "no $tool"
done
chmod 0755 "$work"

# Runs an apt program that knows the packages of both architectures.
apt() # PROGRAM ARG...
{
	"$1" -o "Dir::State=$work/apt" -o "Dir::State::status=$work/apt/status" -o "Dir::Cache=$work/apt" \
		-o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache= -o Acquire::Languages=none \
		-o APT::Sandbox::User=root -o "APT::Architectures::=$native" -o APT::Architectures::=arm64 "${@:2}"
}

# Downloads packages, and unpacks them into a directory.
unpack() # DIR PACKAGE...
{
	local deb

	rm -rf "$work/debs"
	mkdir -p "$work/debs" "$1"
	(cd "$work/debs" && apt apt-get -qq download "${@:2}") || { echo "Bail out! no packages ${*:2}"; exit 1; }
	for deb in "$work/debs"/*.deb; do
		dpkg-deb -x "$deb" "$1"
	done
}

# Prints the packages that a package depends on and whose names begin with PREFIX. apt-cache puts a package that
# is for all architectures in angle brackets.
depends() # PACKAGE PREFIX
{
	apt apt-cache depends "$1" | sed -n "s/^ *Depends: <*\\($2[^ :>]*\\).*/\\1/p"
}

mkdir -p "$work"/apt/{lists,archives}/partial "$work/dkms" "$work/src"
touch "$work/apt/status"
apt apt-get -qq update || { echo "Bail out! no package lists"; exit 1; }
image=$(depends linux-image-arm64:arm64 linux-image- | head -n 1)
headers=$(depends linux-headers-arm64:arm64 linux-headers- | head -n 1)
kernel=${headers#linux-headers-}
mapfile -t parts < <(depends "linux-headers-$kernel:arm64" 'linux-\(headers\|kbuild\)-')
# The common headers are for all architectures; the programs of kbuild have to be this machine's.
unpack "$work/root" "linux-headers-$kernel:arm64" "${parts[@]}" "$image:arm64"
[ ! -d "$work/root/usr/lib/modules" ] || { mkdir -p "$work/root/lib"; mv "$work/root/usr/lib/modules" "$work/root/lib/"; }
find "$work/root/lib/modules" "$work/root/usr/src" -type l -lname '/*' | while read -r link; do
	ln -sfn "$work/root$(readlink "$link")" "$link"
done
sed -i -E "s!^(include |KBUILD_OUTPUT=)/usr/src/!\\1$work/root/usr/src/!" \
	"$work/root/usr/src/linux-headers-$kernel/Makefile"
[ -e "$work/root/lib/modules/$kernel/build" ] ||
	ln -s "$work/root/usr/src/linux-headers-$kernel" "$work/root/lib/modules/$kernel/build"
depmod -b "$work/root" "$kernel"

trees=(--dkmstree "$work/dkms" --sourcetree "$work/src" --installtree "$work/root/lib/modules"
	--cache-dir "$work/cache")
ours() { "$DKMS" "$@" "${trees[@]}" < /dev/null; }
fetch_input --kernels "" --modules v4l2loopback,jool
root=$(sed -n 's/^root //p' "$work/input")
mapfile -t modules < <(sed -n 's/^module //p' "$work/input")
ours generate_mok > /dev/null
for module in "${modules[@]}"; do
	cp -a "$root/usr/src/${module/\//-}" "$work/src/"
	ours add "$module" > /dev/null 2>&1
done

# A machine without the compiler, and headers whose programs are the other machine's.
mkdir "$work/bin"
ln -s /usr/bin/* "$work/bin/"
rm -f "$work"/bin/aarch64-*
exits 1 "without a cross compiler" env PATH="$work/bin:/usr/sbin" "$DKMS" build "${modules[0]}" -k "$kernel/aarch64" "${trees[@]}"
like "$(cat "$work/tap.out")" "aarch64-linux-gnu-gcc.*the compiler for kernels of aarch64, is not installed" "it names the program"
like "$(cat "$work/tap.out")" "apt install gcc-[0-9]+-aarch64-linux-gnu" "it names the package"
mv "$work/root/usr/lib" "$work/native-lib"
for part in "${parts[@]}"; do
	[[ $part != linux-kbuild-* ]] || unpack "$work/root" "$part:arm64"
done
exits 21 "programs of kbuild for another machine" "$DKMS" build "${modules[0]}" -k "$kernel/aarch64" "${trees[@]}"
like "$(cat "$work/tap.out")" "scripts/[a-z/]* is a program for aarch64, and this machine is $(uname -m)" "it names the program"
rm -r "$work/root/usr/lib"
mv "$work/native-lib" "$work/root/usr/lib"

ok "autoinstall for a kernel of arm64" ours autoinstall -k "$kernel/aarch64"
cp -r "$work/root/lib/modules/$kernel/updates/dkms" "$work/built"
names=()
for module in "${modules[@]}"; do
	is "$(ours status "$module" -k "$kernel")" "$module, $kernel, aarch64: installed" "$module: its status"
	for file in "$work/dkms/$module/$kernel/aarch64/module"/*.ko*; do
		name=${file##*/}
		names+=("${name%%.ko*}")
		case $file in
		*.xz) xz -dk "$file" && file=${file%.xz} ;;
		*.zst) zstd -qd "$file" && file=${file%.zst} ;;
		esac
		like "$(readelf -h "$file")" "Machine: +AArch64" "$name: its machine"
		like "$(modinfo -F vermagic "$file")" "^$kernel .*aarch64" "$name: its vermagic"
		is "$(readelf -SW "$file" | grep -c '\.debug_info')" 0 "$name: it is stripped"
	done
done
ours unbuild "${modules[0]}" -k "$kernel/aarch64" > /dev/null
like "$(ours install "${modules[0]}" -k "$kernel/aarch64")" "from the cache" "the second time it is from the cache"
ok "the same, byte for byte" diff -r "$work/built" "$work/root/lib/modules/$kernel/updates/dkms"

# Boots the kernel with a static busybox, and loads a module with those that it needs, in their order.
unpack "$work/busybox" busybox-static:arm64
initramfs=$work/initramfs
mkdir -p "$initramfs"/{bin,proc,sys,modules}
cp "$work/busybox/bin/busybox" "$initramfs/bin/" 2> /dev/null || cp "$work/busybox/usr/bin/busybox" "$initramfs/bin/"
modprobe -d "$work/root" -S "$kernel" --show-depends v4l2loopback | sed -n 's/^insmod \([^ ]*\).*/\1/p' > "$work/files"
while read -r file; do
	name=${file##*/}
	cp "$file" "$initramfs/modules/"
	case $name in
	*.xz) xz -d "$initramfs/modules/$name" ;;
	*.zst) zstd -qd --rm "$initramfs/modules/$name" ;;
	esac
	echo "${name%%.ko*}.ko"
done < "$work/files" > "$initramfs/names"
cat > "$initramfs/init" <<'END'
#!/bin/busybox sh
busybox mount -t proc proc /proc
for name in $(busybox cat /names); do
	busybox insmod "/modules/$name" || echo "TEST refused $name"
done
while read -r name rest; do
	echo "TEST module $name"
done < /proc/modules
echo "TEST kernel $(busybox uname -r) $(busybox uname -m)"
busybox poweroff -f
END
chmod +x "$initramfs/init"
ln -s busybox "$initramfs/bin/sh"
(cd "$initramfs" && find . | cpio -o -H newc 2> /dev/null | gzip -1) > "$work/initrd"
vmlinuz=$work/root/boot/vmlinuz-$kernel
[ -e "$vmlinuz" ] || vmlinuz=$work/root/lib/modules/$kernel/vmlinuz
start=$SECONDS
timeout 400 qemu-system-aarch64 -M virt -accel tcg -cpu cortex-a57 -m 512 -nographic -no-reboot -nodefaults \
	-serial stdio -kernel "$vmlinuz" -initrd "$work/initrd" -append "console=ttyAMA0 panic=-1 quiet" \
	< /dev/null > "$work/console" 2>&1 || true
note "booted in $((SECONDS - start)) s"
tr -d '\r' < "$work/console" | sed -n 's/.*TEST //p' > "$work/said"
is "$(grep ^kernel "$work/said")" "kernel $kernel aarch64" "the arm64 kernel boots"
is "$(grep -c ^refused "$work/said")" 0 "it refuses no module"
ok "it has loaded the module that dkms built" grep -x "module v4l2loopback" "$work/said"
[ "$tap_failed" = 0 ] || note "$(tail -n 30 "$work/console")"
finish
