# uname(1) for the kernel that a build is for, as GNU coreutils has it. dkms puts a first line with the
# shell and the variables sysname, release, version and machine before this.
# shellcheck shell=sh disable=SC2154 # the variables

asked=

# Exits as uname does when it is called in a wrong way.
fail() # MESSAGE
{
	printf "uname: %s\nTry 'uname --help' for more information.\n" "$1" >&2
	exit 1
}

help()
{
	cat <<'END'
Usage: uname [OPTION]...
Print certain system information.  With no OPTION, same as -s.

  -a, --all                print all information, in the following order,
                             except omit -p and -i if unknown:
  -s, --kernel-name        print the kernel name
  -n, --nodename           print the network node hostname
  -r, --kernel-release     print the kernel release
  -v, --kernel-version     print the kernel version
  -m, --machine            print the machine hardware name
  -p, --processor          print the processor type (non-portable)
  -i, --hardware-platform  print the hardware platform (non-portable)
  -o, --operating-system   print the operating system
      --help        display this help and exit
      --version     output version information and exit

In a build of dkms, this is about the kernel that is built for.
END
	exit
}

# Takes a long option, which may be shortened as long as it is clear.
long() # OPTION
{
	name=${1%%=*}
	found=
	for option in all:a kernel-name:s sysname:s nodename:n kernel-release:r release:r \
			kernel-version:v machine:m processor:p hardware-platform:i \
			operating-system:o help:h version:V; do
		case --${option%:*} in
		"$name")
			found=${option#*:} full=${option%:*}
			break
			;;
		"$name"*)
			case $found in
			''|"${option#*:}") found=${option#*:} full=${option%:*} ;;
			*) fail "option '$1' is ambiguous" ;;
			esac
			;;
		esac
	done
	[ -n "$found" ] || fail "unrecognized option '$1'"
	[ "$name" = "$1" ] || fail "option '--$full' doesn't allow an argument"
	case $found in
	h) help ;;
	V) echo 'uname (dkms)'; exit ;;
	esac
	asked=$asked$found
}

# Takes letters after a dash.
short() # LETTERS
{
	letters=$1
	while [ -n "$letters" ]; do
		letter=${letters%"${letters#?}"}
		letters=${letters#?}
		case $letter in
		[asnrvmpio]) asked=$asked$letter ;;
		*) fail "invalid option -- '$letter'" ;;
		esac
	done
}

operand=
options=yes
for argument; do
	case $options$argument in
	yes--) options= ;;
	yes--*) long "$argument" ;;
	yes-?*) short "${argument#-}" ;;
	*) operand=${operand:-" $argument"} ;;
	esac
done
[ -z "$operand" ] || fail "extra operand '${operand# }'"
case $asked in
'') asked=s ;;
*a*) asked=snrvmo ;;
esac

line=
for letter in s n r v m p i o; do
	case $asked in
	*$letter*) ;;
	*) continue ;;
	esac
	case $letter in
	s) word=$sysname ;;
	n) word=localhost ;;
	r) word=$release ;;
	v) word=$version ;;
	m) word=$machine ;;
	p|i) word=unknown ;;
	o) word=GNU/Linux ;;
	esac
	line="$line $word"
done
printf '%s\n' "${line# }"
