#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual page and the help tell of the same commands and options.
set -u
page=${top_srcdir:-.}/cli/man/dkms.8
n=0

ok() # STATUS TEXT
{
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || echo "not ok $n - $2"
}

same() # TEXT A B
{
	[ -n "$2" ] && [ "$2" = "$3" ]
	ok $? "$1"
	diff <(echo "$2") <(echo "$3") | sed 's/^/# /'
}

help=$("${DKMS:-dkms}" --help)

same "the options of the help are those of the page" \
	"$(sed -n '/^Options:/,$p' <<<"$help" |
		grep -oE '^ +(-[a-zA-Z], +)?-[-_a-zA-Z]+' | grep -oE -- '-[-_a-zA-Z]+' | sort)" \
	"$(sed -n 's/^\.It Fl /Fl /p' "$page" | grep -oE 'Fl [-_a-zA-Z]+' | sed 's/Fl /-/' | sort)"

same "the commands of the help are those of the page" \
	"$(sed -n '/^Commands:/,/^$/s/^  \([a-z_]*\).*/\1/p' <<<"$help" | grep . | sort)" \
	"$(sed -n '/^\.Sh COMMANDS/,/^\.Sh OPTIONS/s/^\.It Cm \([a-z_]*\).*/\1/p' "$page" | sort)"

same "each command is in the synopsis of the page" \
	"$(sed -n '/^Commands:/,/^$/s/^  \([a-z_]*\).*/\1/p' <<<"$help" | grep . | sort)" \
	"$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Cm //p' "$page" | tr -d '|' | tr -s ' ' '\n' | sort -u)"

same "the commands of cache are those of its page" \
	"$(sed -n '/^Commands:/,/^$/s/^  cache \(.*\)/\1/p' <<<"$help" | sed 's/  .*//' | tr -d '|' | tr -s ' ' '\n' | sort)" \
	"$(sed -n 's/^\.It Cm \([a-z]*\)$/\1/p' "${page%/*}/dkms-cache.8" | sort)"

for page in "${page%/*}"/*; do
	name=${page##*/}
	grep -q '^\.Sh EXAMPLES' "$page"
	ok $? "$name: has examples"

	# Whether other pages are installed is no matter of ours.
	if command -v mandoc >/dev/null; then
		found=$(mandoc -Tlint "$page" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db')
		[ -z "$found" ]
		ok $? "$name: mandoc finds nothing"
		[ -z "$found" ] || sed 's/^/# /' <<<"$found"
	else
		ok 0 "$name: mandoc finds nothing # SKIP no mandoc"
	fi
	if man --version 2>/dev/null | grep -q '^man [0-9]' && command -v groff >/dev/null; then
		found=$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
		[ -z "$found" ]
		ok $? "$name: man --warnings finds nothing"
		[ -z "$found" ] || sed 's/^/# /' <<<"$found"
	else
		ok 0 "$name: man --warnings finds nothing # SKIP no man-db"
	fi
done
echo "1..$n"
