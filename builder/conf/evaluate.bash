# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Reads bash files one after the other and reports the variables that they set:
#
#	bash -O extglob -c THIS DKMS NAME... -- FILE... -- VARIABLE=VALUE...
#
# DKMS is the path of dkms, which the files find in $0. A FILE that does not exist is skipped. The VARIABLEs are set after all files are read.
# What the files print to standard output is dropped. The report on standard output is a
# sequence of records, each with a NUL on either side, because a trap that a file sets may
# print in between:
#
#	file=PATH           printed before a file is read
#	status=NUMBER       printed after it: the exit status of its last command
#	NAME[INDEX]=VALUE   for each NAME that is set; a scalar has INDEX 0
#	NAME_STATUS[INDEX]=NUMBER
#	                    for the NAMEs that are regular expressions: 0 if it matches
#	                    $kernelver or $arch, 1 if it does not, 2 if it is a bad one
#	end=COUNT           how many records of these two forms were printed
#
# A report without an end record means that a file ended the whole shell. This script
# starts no other processes.
#
# After bash has expanded them, values are expanded a second time, as in double quotes.
# dkms has always done so, and files rely on it (MAKE='make -C $kernel_source_dir',
# BUILT_MODULE_NAME=\$module).

_dkms_names=()
while [[ $1 != -- ]]; do
	_dkms_names+=("$1")
	shift
done
shift
_dkms_files=()
while [[ $1 != -- ]]; do
	_dkms_files+=("$1")
	shift
done
shift
_dkms_assignments=("$@")
# A file may change these variables.
_dkms_kernelver=${kernelver-}
_dkms_arch=${arch-}

# Replaces exit by one that prints where it was called, in the form of bash's own
# messages.
exit() {
	local status=$?
	if [[ $BASH_SUBSHELL == 0 ]]; then
		builtin printf '%s: line %s: exit %s\n' "${BASH_SOURCE[1]}" \
			"${BASH_LINENO[0]}" "${1-$status}" >&2
	fi
	builtin exit "${1-$status}"
}

# Accepts a command whose name is a carriage return: a file with CRLF line ends runs one
# for each blank line.
command_not_found_handle() {
	[[ $1 == $'\r' ]] && return 0
	builtin printf '%s: line %s: %s: command not found\n' "${BASH_SOURCE[1]}" \
		"${BASH_LINENO[0]}" "$1" >&2
	return 127
}

# These functions of other versions of dkms are called by files as well. _dkms_module_dir is the
# directory below the kernel's in which the distribution, or ADDON_MODULES_DIR, has all modules.
_dkms_dir=${_dkms_module_dir-}
unset _dkms_module_dir

override_dest_module_location() { builtin printf '%s\n' "${_dkms_dir:-$1}"; }

# As in builds, the kernel is the one that is built for. Files that ask for the running one mean it.
uname() {
	case ${_dkms_kernelver:+$*} in
	-r | --kernel-release | --release) builtin printf '%s\n' "$_dkms_kernelver" ;;
	*) builtin command uname "$@" ;;
	esac
}

warn() { builtin printf 'Warning: %s\n' "$*" >&2; }

error() { builtin printf 'Error! %s\n' "$*" >&2; }

die() {
	local _dkms_status=$1
	shift
	error "$@"
	builtin printf '%s: line %s: exit %s\n' "${BASH_SOURCE[1]}" "${BASH_LINENO[0]}" \
		"$_dkms_status" >&2
	builtin exit "$_dkms_status"
}

# Expands $_dkms_text; a text with bad syntax is kept as it is, with a warning. A quote in
# the text is an ordinary character, and so is \" unless it may belong to a command in
# $().
_dkms_expand() {
	local _dkms_raw=$_dkms_text _dkms_expanded=

	# shellcheck disable=SC2016
	if [[ $_dkms_raw != *\`* && $_dkms_raw != *'$('* ]]; then
		_dkms_raw=${_dkms_raw//'\"'/'"'}
	fi
	builtin eval "IFS= builtin read -rd '' _dkms_expanded <<_dkms_end
$_dkms_raw
_dkms_end"
	if [[ -n $_dkms_expanded ]]; then
		_dkms_text=${_dkms_expanded%$'\n'}
	else
		builtin printf '%s is taken as it is: %s\n' \
			"${_dkms_name}[$_dkms_index]" "$_dkms_text" >&2
	fi
}

# Reports whether the text $1 matches the regular expression $_dkms_text, in which each run
# of blanks and newlines is one blank, as conf.c reads it.
_dkms_match() {
	local IFS=$' \t\n' _dkms_subject=$1

	builtin set -f
	# shellcheck disable=SC2086
	builtin set -- ${_dkms_text%$'\r'}
	builtin set +f
	builtin shopt -u nocasematch
	[[ $_dkms_subject =~ $* ]]
	_dkms_report+=("${_dkms_name}_STATUS[$_dkms_index]=$?")
}

# Does everything in one function. Files may therefore use local or declare, and the next
# file and the report still see the values. It has no parameters, so that a file may use
# "set --".
_dkms_evaluate() {
	local _dkms_file _dkms_name _dkms_index _dkms_text
	local _dkms_report=()

	for _dkms_file in "${_dkms_files[@]}"; do
		[[ -e $_dkms_file ]] || continue
		builtin printf '\0file=%s\0' "$_dkms_file"
		# Reading a FIFO would wait for somebody who writes to it.
		if [[ ! -f $_dkms_file && ! -d $_dkms_file && ! $_dkms_file -ef /dev/null ]]; then
			builtin printf '\0status=1\0'
			builtin printf '%s: line 0: not a regular file\n' "$_dkms_file" >&2
			continue
		fi
		# shellcheck disable=SC1090
		. "$_dkms_file" >/dev/null
		builtin printf '\0status=%s\0' $?
		# A file must not change the shell for the next file or for this script.
		builtin set +euvxfC +o posix
		builtin trap - DEBUG ERR EXIT RETURN
		builtin unset IFS
	done
	for _dkms_name in "${_dkms_assignments[@]}"; do
		builtin printf -v "${_dkms_name%%=*}" %s "${_dkms_name#*=}"
	done
	for _dkms_name in "${_dkms_names[@]}"; do
		local -n _dkms_value=$_dkms_name
		for _dkms_index in "${!_dkms_value[@]}"; do
			_dkms_text=${_dkms_value[$_dkms_index]}
			if [[ $_dkms_text == *[\$\`]* || $_dkms_text == *\\[\\\"]* ]]; then
				_dkms_expand
			fi
			_dkms_report+=("${_dkms_name}[$_dkms_index]=$_dkms_text")
			case $_dkms_name in
			MAKE_MATCH | PATCH_MATCH | BUILD_EXCLUSIVE_KERNEL) _dkms_match "$_dkms_kernelver" ;;
			BUILD_EXCLUSIVE_ARCH) _dkms_match "$_dkms_arch" ;;
			esac
		done
	done
	builtin printf '%s\0' "" "${_dkms_report[@]}" "end=${#_dkms_report[@]}"
}

_dkms_evaluate
