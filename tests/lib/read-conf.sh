# shellcheck shell=bash disable=SC2034
# Reads a dkms.conf by bash, so that a test of real modules does not depend on dkms for it.

# Sources CONF for a kernel and runs COMMAND, which sees the variables.
with_conf() # CONF KVER HEADERS COMMAND
{
	(
		set +eu
		kernelver=$2
		kernel_source_dir=$3
		arch=$(uname -m)
		dkms_tree=/var/lib/dkms
		# shellcheck disable=SC1090
		. "$1" 2>/dev/null
		"$4"
	)
}

# Prints the names under which the modules are installed.
module_names()
{
	if [ ${#DEST_MODULE_NAME[@]} -gt 0 ]; then
		printf '%s\n' "${DEST_MODULE_NAME[@]}"
	else
		printf '%s\n' "${BUILT_MODULE_NAME[@]:-$PACKAGE_NAME}"
	fi
}

# Whether the modules are not for this kernel.
is_excluded()
{
	local option

	[[ $kernelver =~ $BUILD_EXCLUSIVE_KERNEL ]] || return 0
	[[ $arch =~ $BUILD_EXCLUSIVE_ARCH ]] || return 0
	for option in $BUILD_EXCLUSIVE_CONFIG; do
		grep -q "^$option=[ym]" "$kernel_source_dir/.config" || return 0
	done
	return 1
}

# Compiles the modules with make alone. Some modules of a Debian release do not compile for its
# newest kernels; a test uses this to tell that from a failure of dkms.
plain_make() # NAME/VERSION SOURCE KVER HEADERS
{
	rm -rf "${work:?}/plain-make"
	mkdir -p "$work/plain-make/$1"
	cp -a "$2" "$work/plain-make/$1/build"
	(
		set +eu
		kernelver=$3
		kernel_source_dir=$4
		arch=$(uname -m)
		dkms_tree=$work/plain-make
		cd "$dkms_tree/$1/build" || exit
		# shellcheck disable=SC1091
		. ./dkms.conf
		for patch in "${PATCH[@]}"; do
			patch -p1 < "patches/$patch" || exit
		done
		[ -z "$PRE_BUILD" ] || eval "./$PRE_BUILD" || exit
		eval "${MAKE[0]:-make -C $kernel_source_dir M=$PWD}"
	) > "$work/plain-make.log" 2>&1 < /dev/null
}
