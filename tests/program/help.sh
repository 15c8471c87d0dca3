#!/bin/bash
# Help: of each command, for a word that is no command, and for a module without its version.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

of_each_command()
{
	local command options example wide="" missing="" unknown="" differ="" bad=""

	options=$("$DKMS" --help | sed '1,/^Options:/d' | grep -oE -- '(^|[ ,])--?[a-zA-Z][a-z_-]*' | tr -d ' ,' | sort -u)
	"$DKMS" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z_]\+\).*/\1/p' > "$work/commands"
	ok "there are commands" test "$(wc -l < "$work/commands")" -gt 20
	while read -r command; do
		"$DKMS" help "$command" > "$work/help" || missing+=" $command"
		"$DKMS" "$command" --help | cmp -s - "$work/help" || differ+=" $command"
		awk 'length > 80 { exit 1 }' "$work/help" || wide+=" $command"
		[ "$(head -1 "$work/help" | cut -d' ' -f1-3)" = "Usage: dkms $command" ] || missing+=" $command:usage"
		grep -q '^See dkms' "$work/help" || missing+=" $command:manual"
		# Each example is a command line that uses this command and options that it has.
		sed -n '/^Examples:/,/^$/s/^  //p' "$work/help" > "$work/examples"
		[ -s "$work/examples" ] || missing+=" $command:examples"
		while read -r example; do
			grep -qw -- "$command" <<< "$example" || bad+=" $example"
			for option in $(grep -oE -- ' --?[a-zA-Z][a-z_-]*' <<< "$example"); do
				grep -qE -- "(^|[ ,])$option( |$)" "$work/help" || bad+=" $command:$option"
			done
		done < "$work/examples"
		# Each option of the help is one of dkms.
		for option in $(sed '1,/^Options:/d' "$work/help" | sed '/^Examples:/,$d' | grep -oE -- '^ +(-[a-zA-Z], )?--?[a-zA-Z][a-z_-]*' | tr -d ' ' | tr ',' ' '); do
			grep -qxF -- "$option" <<< "$options" || unknown+=" $command:$option"
		done
	done < "$work/commands"
	is "$missing" "" "each command has its usage, its examples and its manual"
	is "$differ" "" "COMMAND --help is help COMMAND"
	is "$wide" "" "no line has more than 80 columns"
	is "$bad" "" "the examples use the command, and options that it has"
	is "$unknown" "" "the options are those of dkms --help"
	is "$("$DKMS" --help | awk 'length > 80')" "" "--help has no line of more than 80 columns"
	is "$("$DKMS" help)" "$("$DKMS" --help)" "help without a command is --help"
	like "$("$DKMS" help cache | tail -1)" "dkms-cache\(8\)" "the manual of cache is another one"
	ok "install takes --kernelsourcedir" grep -q -- --kernelsourcedir <("$DKMS" help install)
	is "$("$DKMS" help status | grep -c -- '--kernelsourcedir\|--archive\|--no-cache')" 0 "status has no options of builds and archives"
}

no_command()
{
	run_dkms instal evdi
	is "$err" "dkms: there is no command 'instal'; did you mean install?" "a letter is missing"
	like "$out" "^Usage: dkms" "compat 11.2: a pipe gets the usage, too"
	is "$status" 0 "compat 11.2: and the status is 0"
	for pair in statsu:status isntall:install autinstal:autoinstall Build:build removee:remove; do
		run_dkms "${pair%:*}"
		like "$err" "did you mean ${pair#*:}\?$" "${pair%:*}"
	done
	run_dkms frobnicate
	is "$err" "dkms: there is no command 'frobnicate'" "a word that is like no command"
	run_dkms $'a\e[31m'
	is "$err" "dkms: there is no command 'a?[31m'" "control characters are not printed"
	run_dkms "$(printf 'x%.0s' {1..100000})"
	is "$status" 0 "a very long word"
	exits 2 "help of what is no command" "$DKMS" help instal
	# On a terminal the usage would push the message away.
	printf '%q ' "$DKMS" instal > "$work/command"
	is "$(script -qec ". '$work/command'" /dev/null < /dev/null | tr -d '\r')" \
		"dkms: there is no command 'instal'; did you mean install?" "a terminal gets only the message"
}

version()
{
	machine
	kernel $K
	kernel $K7
	module evdi 1.0
	run_dkms install evdi -k $K
	is "$status $out" "0 dkms: evdi/1.0: added
dkms: evdi/1.0 for $K: installed, built in $(sed -n 's/.*built in //p' <<< "$out")" "install NAME: the only version in the source tree"
	module evdi 1.1
	module evdi-extra 2.0
	run_dkms build evdi -k $K7
	is "$status $err" "1 dkms: build needs a version of evdi: 1.0, 1.1
      dkms build evdi/1.1" "several versions are listed"
	is "$(state evdi 1.1 $K7)" absent "and nothing is done"
	run_dkms mktarball evdi -k $K
	is "$status" 0 "commands that need no source count only what is in the dkms tree"
	run_dkms uninstall evdi -k $K
	is "$(state evdi 1.0 $K)" built "uninstall NAME"
	run_dkms remove evdi --all
	is "$(state evdi 1.0)" absent "remove NAME --all"
	run_dkms remove evdi --all
	is "$status $err" "1 dkms: evdi is not in $dkmstree" "remove of a module that is not known"
	run_dkms install nothing
	is "$status $err" "1 dkms: nothing is neither in $dkmstree nor in $sourcetree" "install of a module that is not known"
	run_dkms install evdi-extra -k $K
	is "$(state evdi-extra 2.0 $K)" installed "a name that begins with another one"
	run_dkms remove -m evdi-extra --all
	is "$status" 1 "compat 9: after -m the version is needed"
	mkdir -p "$dkmstree/left/1.0/build"
	run_dkms remove left
	is "$status $(ls "$dkmstree")" "0 evdi-extra" "remove of a leftover"
}

of_each_command
no_command
version
finish
