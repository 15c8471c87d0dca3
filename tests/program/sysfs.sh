#!/bin/bash
# Builds see what is harmless of /sys. What they read there counts for the cache.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"
[ -n "$private" ] || skip_all "needs a mount namespace"
bwrap --ro-bind / / --unshare-all true 2>/dev/null || skip_all "needs bubblewrap"

cpu=/sys/devices/system/cpu
dmi=/sys/devices/virtual/dmi/id

# Makes /sys that of a board with two processors.
fake_sys()
{
	mount -t tmpfs -o mode=0755 dkms-test /sys
	mkdir -p $cpu/cpu{0,1}/cpufreq $cpu/smt $dmi /sys/class/dmi /sys/class/net/eth0 /sys/module/nvidia \
		/sys/firmware/devicetree/base
	ln -s ../../devices/virtual/dmi/id /sys/class/dmi/id
	printf '0-1\n' | tee $cpu/online $cpu/present > $cpu/possible
	echo 1 > $cpu/smt/active
	echo 1234 > $cpu/cpu0/cpufreq/scaling_cur_freq
	echo 'Board 1' > $dmi/board_name
	echo 'Vendor Inc.' > $dmi/sys_vendor
	echo secret | tee $dmi/product_uuid $dmi/board_serial > $dmi/product_serial
	chmod 0400 $dmi/product_uuid $dmi/board_serial $dmi/product_serial
	echo secret > $dmi/chassis_asset_tag
	echo 02:00:00:00:00:01 > /sys/class/net/eth0/address
	printf 'Model 1\0' > /sys/firmware/devicetree/base/model
	echo secret > /sys/firmware/devicetree/base/serial-number
}

write() # TEXT PATH
{
	echo "$1" > "$2"
}

what_is_shown()
{
	reads "the processors" "cat $cpu/possible"
	is "$(value)" 0-1 "what processors are possible"
	reads "the board" "cat /sys/class/dmi/id/board_name"
	is "$(value)" "Board 1" "the name of the board"
	reads "the other path of it" "tr -d . < $dmi/sys_vendor"
	is "$(value)" "Vendor Inc" "the vendor"
	reads "the directories of processors" "ls -d $cpu/cpu[0-9]* | wc -l"
	is "$(value)" 2 "the number of processors"
	reads "the whole" 'find /sys -type f | sort | sed "s|.*/||" | xargs'
	is "$(value)" "online possible present active board_name sys_vendor model" "there are no other files"
	reads "writing" 'echo x > /sys/class/dmi/id/board_name || printf no; mkdir /sys/x || printf no'
	is "$(value)" nono "nothing can be written there"
	is "$(cat $dmi/board_name)" "Board 1" "nor outside"
}

what_counts()
{
	reads "a processor more" "< $cpu/possible cat"
	change "there are more" 0-3 write 0-3 $cpu/possible
	write 0-2 $cpu/present
	does_not_matter "a file that was not read"
	reads "another board" "dir=/sys/class/dmi" 'cat $dir/id/board_name'
	change "the board was replaced" "Board 2" write "Board 2" $dmi/board_name
	write "Vendor 2" $dmi/sys_vendor
	does_not_matter "another name of it"
	reads "a file that there is not" "cat /sys/firmware/efi/fw_platform_size || echo none"
	mkdir /sys/firmware/efi
	change "there is now" 64 write 64 /sys/firmware/efi/fw_platform_size
	reads "a file that is tested" "[ -e /sys/hypervisor/type ] && echo virtual || echo real"
	mkdir /sys/hypervisor
	change "it is virtual now" virtual write xen /sys/hypervisor/type
	reads "the number by the C library" "getconf _NPROCESSORS_ONLN > /dev/null; echo number"
	write 0-7 $cpu/online
	does_not_matter "the number of processors that programs ask for"
	reads "a changing file" "cat $cpu/cpu0/cpufreq/scaling_cur_freq 2> /dev/null || echo none"
	write 5678 $cpu/cpu0/cpufreq/scaling_cur_freq
	does_not_matter "what is not shown"
}


# What the administrator shows is shown instead.
listed()
{
	private_etc
	echo "sandbox_paths=/sys/class/net" > "$etc/framework.conf"
	reads "a listed path" "cat /sys/class/net/eth0/address"
	is "$(value)" 02:00:00:00:00:01 "sandbox_paths shows more"
	change "it is another one" 02:00:00:00:00:02 write 02:00:00:00:00:02 /sys/class/net/eth0/address
	rm "$etc/framework.conf"
}

# The dkms.conf sees it as well.
in_the_conf()
{
	# shellcheck disable=SC2016
	module c 1.0 'echo "board: $(cat /sys/class/dmi/id/board_name), $(cat /sys/devices/system/cpu/present)" >&2' \
		'cat /sys/class/dmi/id/*serial /sys/class/net/eth0/address >&2'
	dkms_exits 0 "a dkms.conf reads /sys" add c/1.0
	like "$err" "board: Board 2, 0-2" "the values are right"
	is "$(grep -c 'secret\|02:00' "$work/err")" 0 "it reads no serial number and no address"
}

untraced()
{
	[ "$real_user" -ne 0 ] || return 0
	reads "without a record" "< $cpu/possible cat"
	change "there are fewer" 0 write 0 $cpu/possible
}

cached_machine
new_module
dkms add m/1.0 > /dev/null
fake_sys
what_is_shown
if [ "$real_user" -eq 0 ]; then
	what_counts
	listed
	in_the_conf
else
	untraced
fi
finish
