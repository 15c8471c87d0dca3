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

# Whether other pages are installed is no matter of ours.
if command -v mandoc >/dev/null; then
	found=$(mandoc -Tlint "$page" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db')
	[ -z "$found" ]
	ok $? "the page is well formed"
	[ -z "$found" ] || sed 's/^/# /' <<<"$found"
else
	ok 0 "the page is well formed # SKIP no mandoc"
fi
echo "1..$n"
