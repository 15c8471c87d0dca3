# shellcheck shell=bash
# The Test Anything Protocol for tests in bash: a test sources this file, makes assertions and calls
# finish. A failed assertion does not end the test; it prints the reason in lines with # and goes
# on. $work is a private directory that is removed when the test ends, unless KEEP=1 is in the
# environment.

# The make that runs the tests must not pass its job slots to dkms.
unset MAKEFLAGS MFLAGS MAKELEVEL

tap_count=0
tap_failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/dkms-test.XXXXXX")

tap_end()
{
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $work"
	else
		chmod -R u+w "$work" 2>/dev/null || true
		rm -rf "$work"
	fi
}
trap tap_end EXIT
trap 'exit 130' INT TERM

note() # LINES
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

report() # STATUS DESCRIPTION
{
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
}

# Checks that the command succeeds, and shows its output if it does not.
ok() # DESCRIPTION COMMAND...
{
	local description=$1 status=0

	shift
	"$@" > "$work/tap.out" 2>&1 || status=$?
	report "$status" "$description"
	if [ "$status" -ne 0 ]; then
		note "exit status $status of: $*"
		tail -n 30 "$work/tap.out" | sed 's/^/# /'
	fi
}

# Checks the exit status of the command.
exits() # STATUS DESCRIPTION COMMAND...
{
	local want=$1 description=$2 status=0

	shift 2
	"$@" > "$work/tap.out" 2>&1 || status=$?
	is "$status" "$want" "$description"
	[ "$status" = "$want" ] || tail -n 30 "$work/tap.out" | sed 's/^/# /'
}

is() # GOT WANTED DESCRIPTION
{
	if [ "$1" = "$2" ]; then
		report 0 "$3"
	else
		report 1 "$3"
		note "got:    $1"
		note "wanted: $2"
	fi
}

like() # GOT EXTENDED-REGEX DESCRIPTION
{
	if printf '%s\n' "$1" | grep -qE -- "$2"; then
		report 0 "$3"
	else
		report 1 "$3"
		note "got: $1"
		note "wanted a match of: $2"
	fi
}

skip() # REASON DESCRIPTION
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $2 # SKIP $1"
}

# Skips the whole test.
skip_all() # REASON
{
	echo "1..0 # SKIP $1"
	exit 0
}

# Prints the plan at the end, so that a test which dies early is noticed.
finish()
{
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] || note "$tap_failed of $tap_count failed"
	exit 0
}

# Fetches kernels and modules of Debian; tests/fetch-input says which, and what it writes to $work/input.
# Ends the test if they cannot be fetched.
fetch_input() # ARGUMENT...
{
	"${top_srcdir:?}/tests/fetch-input" "$@" > "$work/input" 2> "$work/input.log" && return
	report 1 "real kernels and modules can be fetched"
	sed 's/^/# /' "$work/input.log"
	finish
}
