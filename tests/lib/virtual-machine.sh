# shellcheck shell=bash disable=SC2034,SC2120,SC2154
# A virtual machine without hardware support that boots a real kernel and loads modules; skips the
# test if there can be none here. The test sets $names to the names of the modules, and has the
# kernel's tree in $work/root/lib/modules. To be sourced after lib/tap.sh.

command -v apt-get > /dev/null || skip_all "kernels and modules come from Debian's packages"
[ "$(uname -m)" = x86_64 ] || skip_all "the virtual machine is for x86_64"
for tool in qemu-system-x86_64 busybox cpio; do
	command -v $tool > /dev/null || skip_all "no $tool"
done

# Fetches kernels and modules. Sets $root to the directory that has them, $kernel to the first kernel's
# release, $image to its file, and $modules to "NAME/VERSION" of each module.
fetch() # KERNELS MODULES: as for fetch-input
{
	fetch_input --image --kernels "$1" --modules "$2"
	root=$(sed -n 's/^root //p' "$work/input")
	kernel=$(sed -n 's/^kernel //p' "$work/input" | head -n 1)
	mapfile -t modules < <(sed -n 's/^module //p' "$work/input")
	# In unstable this file is below modules.
	image=$root/boot/vmlinuz-$kernel
	[ -e "$image" ] || image=$root/lib/modules/$kernel/vmlinuz
}

# Writes the first program of the machine: it loads each module by name, prints the results, and
# powers off.
write_init()
{
	cat <<-'END'
		#!/bin/busybox sh
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs devtmpfs /dev
		for name in $(busybox cat /names); do
			if message=$(modprobe "$name" 2>&1); then
				echo "TEST loaded $name"
			else
				echo "TEST refused $name: $message"
			fi
		done
		while read -r name rest; do
			echo "TEST module $name"
		done < /proc/modules
		echo "TEST kernel $(busybox uname -r)"
		busybox poweroff -f
	END
}

# Makes an initial root file system with busybox, kmod and its libraries, and the modules with all
# that they need.
make_initramfs() # FILE
{
	local dir=$work/initramfs kmod file

	rm -rf "$dir"
	mkdir -p "$dir"/{bin,sbin,proc,sys,dev,"lib/modules/$kernel"}
	write_init > "$dir/init"
	chmod +x "$dir/init"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	ln -s busybox "$dir/bin/sh"
	kmod=$(realpath "$(command -v modprobe)")
	cp "$kmod" "$dir/sbin/modprobe"
	ldd "$kmod" | grep -o '/[^ ]*' | while read -r file; do
		mkdir -p "$dir/${file%/*}"
		cp -L "$file" "$dir/$file"
	done
	printf '%s\n' "${names[@]}" > "$dir/names"
	cp "$work/root/lib/modules/$kernel"/modules.* "$dir/lib/modules/$kernel/"
	for file in $(modprobe -d "$work/root" -S "$kernel" --show-depends -a "${names[@]}" |
		sed -n "s|^insmod $work/root\\([^ ]*\\).*|\\1|p" | sort -u)
	do
		mkdir -p "$dir/${file%/*}"
		cp "$work/root$file" "$dir$file"
	done
	(cd "$dir" && find . | cpio -o -H newc 2> /dev/null | gzip -1) > "$1"
}

boot() # KERNEL-ARGUMENT...
{
	local start=$SECONDS

	make_initramfs "$work/initrd"
	timeout 300 qemu-system-x86_64 -M pc -accel tcg -cpu max -m 512 -nographic -no-reboot \
		-nodefaults -serial stdio -kernel "$image" -initrd "$work/initrd" \
		-append "console=ttyS0 panic=-1 quiet $*" < /dev/null > "$work/console" 2>&1 || true
	tr -d '\r' < "$work/console" | sed -n 's/.*TEST //p' > "$work/said"
	note "booted in $((SECONDS - start)) s"
}

loads_all() # DESCRIPTION
{
	local name failed=$tap_failed

	boot
	is "$(grep ^kernel "$work/said")" "kernel $kernel" "$1: the kernel boots"
	for name in "${names[@]}"; do
		ok "$1: modprobe $name" grep -x "loaded $name" "$work/said"
		ok "$1: $name is in /proc/modules" grep -x "module ${name//-/_}" "$work/said"
	done
	[ "$tap_failed" = "$failed" ] || note "$(tail -n 30 "$work/console")"
}
