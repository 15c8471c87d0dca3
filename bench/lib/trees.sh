# shellcheck shell=bash disable=SC2034,SC2154
# Chooses kernels and modules, and makes the trees that the programs work on.

# Prints the modules, for tests/fetch-input. All of them build for all of the kernels.
real_modules()
{
	pick acpi-call,v4l2loopback,evdi,gost-crypto,bbswitch,langford,dm-writeboost,nat-rtsp,jool,dpdk-kmods,dahdi \
		acpi-call,v4l2loopback,evdi,bbswitch acpi-call
}

# Prints the kernels, for tests/fetch-input: the two newest ones, which often have the same headers,
# one of another point release, and one of another flavour.
real_kernels()
{
	local arch

	arch=$(dpkg --print-architecture)
	pick "$arch:1,$arch:2/cloud-$arch:1,$arch:3/cloud-$arch:2,rt-$arch:1" \
		"$arch:1,$arch:2/cloud-$arch:1,$arch:3/rt-$arch:1" "$arch:1,$arch:2/cloud-$arch:1"
}

# Hides the configuration, the trees and the cache of the system, and keeps them from being changed.
hide_system()
{
	mkdir "$work/etc" "$work/empty"
	cp -a /etc/. "$work/etc/"
	mount --bind "$work/etc" /etc
	rm -rf /etc/dkms
	mkdir /etc/dkms
	# Otherwise the peers would sign modules with a key of the system.
	echo 'try_sign_modules="false"' > /etc/dkms/framework.conf
	for dir in /var/lib/dkms /var/cache/dkms; do
		[ ! -d "$dir" ] || mount --bind "$work/empty" "$dir"
	done
}

# Sets variables from the output of tests/fetch-input.
read_input() # FILE
{
	local kver

	root=$(sed -n 's/^root //p' "$1")
	mapfile -t kernels < <(sed -n 's/^kernel //p' "$1" | awk '!seen[$0]++')
	mapfile -t modules < <(sed -n 's/^module //p' "$1" | grep -v ^dahdi/)
	dahdi=$(sed -n 's/^module \(dahdi.*\)/\1/p' "$1")
	kernel=${kernels[0]}
	machine=$(uname -m)
	cores=$(nproc)
	declare -gA program=([ours]=$build/dkms)
	declare -gA version=([ours]=$("$build/dkms" --version | sed 's/^dkms-//'))
	while read -r _ suite number path; do
		program[$suite]=$path
		version[$suite]=${number%%-*}
	done < <(grep '^peer ' "$1")
	# dkms 3.0.10 signs modules unless the configuration of the kernel has no MODULE_SIG_HASH.
	mkdir "$work/config"
	for kver in "${kernels[@]}"; do
		grep -v CONFIG_MODULE_SIG_HASH "$root/usr/src/linux-headers-$kver/.config" \
			> "$work/config/$kver"
	done
}

module() # NAME: prints NAME/VERSION
{
	printf '%s\n' "${modules[@]}" | grep "^$1/"
}

headers() { echo "$root/usr/src/linux-headers-$1"; }

# Moves files out of the way, until the end. To delete them here would slow down what is measured next: ext4
# without a journal searches long for a new inode when many were deleted in the last minutes.
discard() # PATH...
{
	local path

	mkdir -p "$work/discarded"
	for path; do
		[ ! -e "$path" ] || mv -T "$path" "$(mktemp -u "$work/discarded/XXXXXXXXXX")"
	done
}

# Makes an empty dkms tree and source tree, and an install tree with the kernels.
new_trees() # DIR KERNEL...
{
	local dir=$1 kver

	shift
	discard "$dir"
	mkdir -p "$dir/dkms" "$dir/src" "$dir/lib/modules"
	for kver; do
		mkdir "$dir/lib/modules/$kver"
		ln -s "$(headers "$kver")" "$dir/lib/modules/$kver/build"
	done
}

# Prints the options that make a dkms use the trees in DIR.
on() # DIR
{
	echo "--dkmstree $1/dkms --sourcetree $1/src --installtree $1/lib/modules"
}

# Makes new trees and adds modules to them.
add_modules() # PROGRAM DIR KERNELS MODULE...
{
	local name=$1 dir=$2 module

	# shellcheck disable=SC2086 # words
	new_trees "$dir" $3
	shift 3
	for module; do
		cp -R "$root/usr/src/${module/\//-}" "$dir/src/"
		# shellcheck disable=SC2046
		"${program[$name]}" add "$module" $(on "$dir") > "$work/stdout" 2>&1 ||
			{ cat "$work/stdout" >&2; die "$scenario: $name cannot add $module"; }
	done
}

# Adds a package that was never built to the trees in DIR. Its dkms.conf is a plain list of assignments, with
# the line MAKE, or else one that calls kbuild.
add_played() # DIR NAME [MAKE]
{
	# shellcheck disable=SC2016 # dkms replaces the variables
	local make=${3:-'make -C $kernel_source_dir M=$dkms_tree/'$2/1.0/build}

	mkdir -p "$1/src/$2-1.0" "$1/dkms/$2/1.0"
	ln -s "$1/src/$2-1.0" "$1/dkms/$2/1.0/source"
	cat > "$1/src/$2-1.0/dkms.conf" <<-END
		PACKAGE_NAME="$2"
		PACKAGE_VERSION="1.0"
		BUILT_MODULE_NAME[0]="$2"
		DEST_MODULE_LOCATION[0]="/updates/dkms"
		MAKE[0]="$make"
		CLEAN="true"
		AUTOINSTALL="yes"
	END
}

# Makes trees in which modules × kernels are installed, without building them: the modules are one
# real .ko under many names, and the kernels are one real kernel under many names. Sets
# $made_kernels.
make_installed() # DIR MODULES KERNELS
{
	local dir=$1 n_modules=$2 n_kernels=$3 i k name place made=()

	for ((k = 0; k < n_kernels; k++)); do
		made+=("${kernel%%-*}-$((k + 1))-bench")
	done
	made_kernels=("${made[@]}")
	new_trees "$dir"
	if [ ! -e "$work/ko/acpi_call.ko" ]; then
		cp -R "$root/usr/src/$(module acpi-call | tr / -)" "$work/ko"
		make -s -j"$cores" -C "$(headers "$kernel")" M="$work/ko" > "$work/stdout" 2>&1 ||
			die "cannot build acpi-call"
		strip -g "$work/ko/acpi_call.ko"
	fi
	for k in "${made[@]}"; do
		mkdir -p "$dir/lib/modules/$k/updates/dkms"
		ln -s "$(headers "$kernel")" "$dir/lib/modules/$k/build"
		ln -sf "$kernel" "$work/config/$k"
	done
	for ((i = 0; i < n_modules; i++)); do
		name=play$i
		add_played "$dir" "$name"
		for k in "${made[@]}"; do
			place=$dir/dkms/$name/1.0/$k/$machine
			mkdir -p "$place/module" "$place/log"
			cp "$work/ko/acpi_call.ko" "$place/module/$name.ko"
			cp -p "$place/module/$name.ko" "$dir/lib/modules/$k/updates/dkms/$name.ko"
			echo "made by $0" > "$place/log/make.log"
			ln -s "1.0/$k/$machine" "$dir/dkms/$name/kernel-$k-$machine"
		done
	done
}

# Prints how many modules are installed in the trees.
count_installed() # DIR
{
	# shellcheck disable=SC2046
	"${program[ours]}" status $(on "$1") | grep -c ': installed'
}

# Prints an option -k for each kernel.
k_options() # KERNEL...
{
	printf -- '-k %s ' "$@"
}

# Builds a module with plain make and with ccache as the compiler, always in the same directory.
# Calls the function, if there is one, with the directory before.
make_with_ccache() # NAME/VERSION [FUNCTION]
{
	local place=$work/trees/ccache tool

	discard "${place:?}/$1"
	mkdir -p "$place/$1" "$place/bin"
	cp -R "$root/usr/src/${1/\//-}" "$place/$1/build"
	[ -z "${2:-}" ] || "$2" "$place/$1/build"
	for tool in gcc $(cd /usr/bin && echo gcc-[0-9]*); do
		ln -sf "$(command -v ccache)" "$place/bin/$tool"
	done
	PATH=$place/bin:$PATH CCACHE_DIR=$work/trees/ccache.d MAKEFLAGS=-j$cores \
		take ccache "$top/bench/lib/plain-make" "$place" "$1" "$kernel" "$(headers "$kernel")"
}
