#!/bin/bash
# Command line completion: the words that dkms offers, and how bash, zsh and fish use them, each in
# a terminal of tmux.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
scripts=$(realpath "$top_srcdir/packaging/completion")

# Prints the words that dkms offers for the last WORD.
offered() # WORD...
{
	"${DKMS:?}" --complete "$@" 2>&1 | cut -f1 | paste -sd' '
}

machine
private_etc || skip_all "namespaces are not permitted here"
printf '%s="%s"\n' dkms_tree "$dkmstree" source_tree "$sourcetree" install_tree "$installtree" \
	> "$etc/framework.conf"
kernel $K
kernel $K7
mkdir -p "$installtree/4.19.0-5-amd64"
module alpha 1.0
module alpha 1.1~rc1+git
module beta-2 0~20220829
module new-5.x 3.0
dkms install alpha/1.0 -k $K > /dev/null
dkms build alpha/1.0 -k $K7 > /dev/null
dkms add alpha/1.1~rc1+git > /dev/null
dkms add beta-2/0~20220829 > /dev/null

is "$(offered auto)" autoinstall "a command"
is "$(offered "")" "$("$DKMS" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z_]\+\).*/\1/p' | paste -sd' ')" \
	"all commands are those of the help"
is "$(offered status "")" "alpha/1.0 alpha/1.1~rc1+git beta-2/0~20220829" "modules in the dkms tree"
is "$(offered status alpha/1.1)" "alpha/1.1~rc1+git" "modules that begin with the word"
is "$(offered add "")" ":files new-5.x/3.0" "add: sources that are not added yet"
is "$(offered install -m new)" "new-5.x/3.0" "install: sources as well"
is "$(offered install beta)" ":files beta-2/0~20220829" "install: files are possible as well"
is "$(offered uninstall "")" "alpha/1.0" "uninstall: installed versions"
is "$(offered uninstall -k $K7 "")" "" "uninstall: versions that are installed on that kernel"
is "$(offered unbuild -k $K7 "")" "alpha/1.0" "unbuild: versions that are built for that kernel"
is "$(offered remove -m alpha -v "")" "1.0 1.1~rc1+git" "versions"
is "$(offered install -m new-5.x -v "")" "3.0" "versions in the source tree"
is "$(offered install alpha/1.0 -k "")" "$K $K7" "kernels that have headers"
is "$(offered install alpha/1.0 --kernelver=)" "--kernelver=$K --kernelver=$K7" "kernels after --kernelver="
is "$(offered unbuild alpha/1.0 -k "")" "$K $K7" "unbuild: kernels that the version is built for"
is "$(offered unbuild beta-2/0~20220829 -k "")" "" "unbuild: no kernels if it is not built"
is "$(offered uninstall alpha/1.0 -k "")" "$K" "uninstall: kernels that the version is installed on"
is "$(offered mkdeb "")" "alpha/1.0 alpha/1.1~rc1+git beta-2/0~20220829" "mkdeb: versions in the dkms tree"
is "$(offered mkrpm alpha/1.0 --binaries-only -k "")" "$K $K7" "mkrpm: kernels that the version is built for"
is "$(offered match --templatekernel "")" "$K $K7" "match: kernels that have modules"
is "$(offered cache "")" "stats verify gc clear why" "the commands of cache"
is "$(offered remote "")" "keygen sign verify status push pull why" "the commands of remote"
is "$(offered remote pull "")" "alpha/1.0 alpha/1.1~rc1+git beta-2/0~20220829" "remote pull: versions"
is "$(offered remote push "")" "alpha/1.0 alpha/1.1~rc1+git beta-2/0~20220829" "remote push: versions"
is "$(offered cache w)" "why" "commands of cache that begin with the word"
is "$(offered cache why "")" "alpha/1.0 alpha/1.1~rc1+git beta-2/0~20220829" "cache why: versions"
is "$("$DKMS" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z_]\+\) .*/\1/p' | while read -r command; do
	offered "$command" al | grep -q alpha && echo "$command"
done | paste -sd' ')" "build install uninstall unbuild remove sign mktarball mkdeb mkrpm status log history skip provenance why plan match" \
	"only these commands take modules"
is "$(offered kernel_prerm -k "")" "$K $K7" "kernel_prerm: kernels that have built modules"
is "$(offered kernel_postinst -k "")" "$K $K7" "kernel_postinst: kernels that have headers"
is "$(offered autoinstall "")" "" "autoinstall has no arguments"
is "$(offered --sandbox "")" "auto require off" "values of an option"
is "$(offered --sandbox=re)" "--sandbox=require" "values after ="
is "$(offered --dkmstree "")" ":directories" "directories"
is "$(offered --archive "")" ":files" "files"
is "$(offered build --no-d)" "--no-depmod" "an option"
is "$(offered -)" "$("$DKMS" --help | sed '1,/^Options:/d' |
	grep -oE '^ {2,6}(-[a-zA-Z],? )? *(--[-_a-z]+)?' | awk 'NF { print }' | grep -E -- '-' | awk '{ print $NF }' | paste -sd' ')" \
	"all options are those of the help"
is "$(offered status --source-)$(offered status --dr)" "" "status: no options that it does not use"
is "$(offered mkdeb --so)" "--source-only --sourcetree" "mkdeb: those that it uses"
printf '%s\n' "alpha $K7" "beta-2/0~20220829 *" > "$etc/skip.list"
is "$(offered skip al)" "alpha alpha/1.0 alpha/1.1~rc1+git" "skip: a module in all versions, or in one"
is "$(offered skip alpha -k "")" "$K $K7" "skip: kernels that have headers"
is "$(offered unskip "")" "alpha beta-2/0~20220829" "unskip: what is skipped"
is "$(offered unskip alpha -k "")" "$K7" "unskip: the kernels that it is kept off"
is "$(offered help unin)" uninstall "help: commands"
is "$(offered status --no-such-option --x)" "" "nothing is offered after an unknown option"
is "$(offered status --dkmstree "$work/none" "")" "" "--dkmstree is used"
is "$("$DKMS" --complete unin)" "uninstall"$'\t'"remove a module from the kernel's directory, but keep it built" \
	"it has a description"

# The shells

export TMUX_TMPDIR=$work HOME=$work/home
mkdir "$HOME" "$work/cwd"
touch "$work/cwd/some-file.tar.gz"
ln -s "$(realpath "$DKMS")" "$work/bin/dkms"
mux() { tmux -L completion -f /dev/null "$@"; }
screen() { mux capture-pane -p -t 0; }

shows() # EXTENDED-REGEX
{
	local i

	for ((i = 0; i < 150; i++)); do
		! screen | grep -qE -- "$1" || return 0
		sleep 0.1
	done
	note "$(screen)"
	return 1
}

start() # SHELL-COMMAND
{
	mux kill-server 2>/dev/null || true
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		! (cd "$work/cwd" && TERM=screen mux new-session -d -x 120 -y 40 "$1" 2>/dev/null) ||
			return 0
		sleep 0.3
	done
}

# Types TEXT and TAB, and checks the line.
completes() # TEXT EXTENDED-REGEX DESCRIPTION
{
	local status=0

	mux send-keys -t 0 C-u
	mux send-keys -t 0 C-l
	mux send-keys -t 0 -l "$1"
	mux send-keys -t 0 Tab
	shows "> $2" > "$work/note" || status=$?
	report "$status" "$shell: $3"
	[ ! -s "$work/note" ] || cat "$work/note"
}

for shell in bash zsh fish; do
	command -v $shell > /dev/null || {
		skip "no $shell"
		continue
	}
	case $shell in
	bash)
		printf '%s\n' "PS1='> '" "source '$scripts/bash/dkms'" > "$work/bashrc"
		start "exec bash --noprofile --rcfile '$work/bashrc' -i"
		;;
	zsh)
		mkdir "$work/zsh"
		printf '%s\n' "PS1='> '" "fpath=('$scripts/zsh' \$fpath)" \
			"autoload -Uz compinit; compinit -u -d '$work/zsh/dump'" \
			"setopt no_auto_menu" > "$work/zsh/.zshrc"
		start "exec env ZDOTDIR='$work/zsh' zsh -d -i"
		;;
	fish)
		mkdir -p "$HOME/.config/fish/completions"
		cp "$scripts/fish/dkms.fish" "$HOME/.config/fish/completions/"
		printf '%s\n' 'function fish_prompt; echo -n "> "; end' 'set -g fish_greeting' \
			'set -g fish_autosuggestion_enabled 0' > "$HOME/.config/fish/config.fish"
		start "exec fish -i"
		;;
	esac
	shows "^> *$" > /dev/null || true
	completes "dkms autoi" "dkms autoinstall" "a command"
	completes "dkms uninstall al" "dkms uninstall alpha/1.0" "a module"
	completes "dkms uninstall alpha/1.0 -k 4" "dkms uninstall alpha/1.0 -k $K" "a kernel"
	completes "dkms add so" "dkms add some-file.tar.gz" "a file"
	completes "dkms cache ver" "dkms cache verify" "a command of cache"
	completes "dkms cache why be" "dkms cache why beta-2/0.?~20220829" "an argument of cache why"
	completes "dkms mkd" "dkms mkdeb" "a command to make packages"
	completes "dkms mkrpm alpha/1.0 --bin" "dkms mkrpm alpha/1.0 --binaries-only" "an option of mkrpm"
	completes "dkms status --sandbox=re" "dkms status --sandbox=require" "a value after ="
	completes "dkms build --force-v" "dkms build --force-version-override" "an option"
done
mux kill-server 2>/dev/null || true
finish
