# shellcheck shell=bash disable=SC2034
# A dkms.conf read as bash does, for a test of real modules to have an opinion of its own.

# Sources CONF for a kernel and runs COMMAND, which sees what it says.
opinion() # CONF KVER HEADERS COMMAND
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

# The names that the module's files have when installed.
names()
{
	if [ ${#DEST_MODULE_NAME[@]} -gt 0 ]; then
		printf '%s\n' "${DEST_MODULE_NAME[@]}"
	else
		printf '%s\n' "${BUILT_MODULE_NAME[@]:-$PACKAGE_NAME}"
	fi
}

# The module is not for this kernel.
excluded()
{
	local option

	[[ $kernelver =~ $BUILD_EXCLUSIVE_KERNEL ]] || return 0
	[[ $arch =~ $BUILD_EXCLUSIVE_ARCH ]] || return 0
	for option in $BUILD_EXCLUSIVE_CONFIG; do
		grep -q "^$option=[ym]" "$kernel_source_dir/.config" || return 0
	done
	return 1
}
