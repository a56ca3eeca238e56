#!/bin/bash
# The completions and the man page know every command and every option of --help, and the shells that
# are here complete by them: shoal_completion.sh SOURCE SHOAL MADE
# MADE is the folder of what the build made. zsh and fish are skipped, with a word, where they are not.
set -eu
source=$1
shoal=$(realpath "$2")
made=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HOME=$folder
PATH=$(dirname "$shoal"):$PATH
cd "$folder"
touch a_file.json
checks=0
expect() # what wanted got
{
    checks=$((checks + 1))
    [ "$2" = "$3" ] || { printf '%s:\n  expected %s\n  got      %s\n' "$1" "$2" "$3"; exit 1; }
}
sorted() { tr -s ' ' '\n' | grep . | sort -u | tr '\n' ' '; }

help_text=$(shoal --help)
mapfile -t commands < <(sed -nE 's/^  shoal ([a-z0-9-]+( [a-z0-9-]+)?)  .*/\1/p' <<< "$help_text")
expect "commands in --help" "$(grep -cE '^  shoal [a-z]' <<< "$help_text")" "${#commands[@]}"
[ "${#commands[@]}" -ge 35 ]
declare -A options=()
for command in "${commands[@]}"; do
    options[$command]=$(shoal $command --help | sed -nE 's/^  (--[a-z0-9-]+).*/\1/p' | sorted)
done
firsts=$(printf '%s\n' "${commands[@]%% *}" | sorted)
seconds_of() { printf '%s\n' "${commands[@]}" | sed -n "s/^$1 //p" | sorted; }

# bash, as it calls the function
source "$made/shoal"
in_bash() # word... : what is offered for the last
{
    COMP_WORDS=(shoal "$@")
    COMP_CWORD=$#
    _shoal
    echo "${COMPREPLY[*]}" | sorted
}
expect "bash: commands" "$firsts" "$(in_bash '' | tr ' ' '\n' | grep -v -- -- | sorted)"
expect "bash: a value" "a_file.json " "$(in_bash identity new --key a_)"
expect "bash: a value behind =" "a_file.json " "$(in_bash event --key = a_)"
expect "bash: no value to guess" "" "$(in_bash event --kind '')"
expect "bash: a choice" "zsh " "$(in_bash completion z)"
expect "bash: one of two words" "nevent note nprofile npub " "$(in_bash encode n | sed 's/naddr //')"
expect "bash: a file" "a_file.json " "$(in_bash import a)"
for command in "${commands[@]}"; do
    expect "bash: options of $command" "${options[$command]}" "$(in_bash $command --)"
done
for first in $firsts; do
    seconds=$(seconds_of "$first")
    [ -z "$seconds" ] || expect "bash: $first" "$seconds" "$(in_bash "$first" '')"
done
expect "bash itself" "_shoal" "$(complete -p shoal | grep -o _shoal)"

# fish, asked what it would offer
if command -v fish > /dev/null; then
    mkdir -p config/fish
    {
        echo "source $made/shoal.fish"
        echo "complete -C 'shoal '"
        for command in "${commands[@]}"; do echo "echo 'of $command'; complete -C 'shoal $command --'"; done
        for first in $firsts; do echo "echo 'in $first'; complete -C 'shoal $first '"; done
        echo "echo of values; complete -C 'shoal completion z'; complete -C 'shoal import a_'"
    } > ask.fish
    XDG_CONFIG_HOME=$folder/config fish --no-config ask.fish > fish.txt
    said() { awk -v what="$1" '$0 == what { on = 1; next } /^(of|in) [a-z]/ { on = 0 } on { print $1 }' fish.txt | sorted; }
    expect "fish: commands" "$firsts" "$(sed '/^of /,$d' fish.txt | awk '{ print $1 }' | grep -v -- -- | sorted)"
    for command in "${commands[@]}"; do
        expect "fish: options of $command" "${options[$command]}" "$(said "of $command")"
    done
    for first in $firsts; do
        seconds=$(seconds_of "$first")
        [ -z "$seconds" ] || expect "fish: $first" "$seconds" "$(said "in $first")"
    done
    expect "fish: values" "a_file.json zsh " "$(said "of values")"
else
    echo "skipped: no fish"
fi

# zsh: what the function asks of zsh's own, and then zsh itself on a terminal
if command -v zsh > /dev/null; then
    cat > ask.zsh << 'END'
_describe() { print -l -- ${offered%%:*} }
_arguments() { print -l -- "$@" | sed -nE 's/^\*?(--[a-z0-9-]+).*/\1/p' }
compdef() { }
source $1
while read -r line; do
    words=(shoal ${=line} "")
    CURRENT=$#words
    print -- "of $line"
    _shoal
done
END
    { echo; printf '%s\n' "${commands[@]}" $firsts; } | zsh -f ask.zsh "$made/_shoal" > zsh.txt
    said() { awk -v what="of $1" '$0 == what { on = 1; next } /^of / { on = 0 } on' zsh.txt | sorted; }
    expect "zsh: commands" "$firsts" "$(said "" | tr ' ' '\n' | grep -v -- -- | sorted)"
    for command in "${commands[@]}"; do
        expect "zsh: options of $command" "${options[$command]}" \
            "$(said "$command" | tr ' ' '\n' | grep -- -- | sorted)"
    done
    for first in $firsts; do
        expect "zsh: $first" "$(seconds_of "$first")" "$(said "$first" | tr ' ' '\n' | grep -v -- -- | sorted)"
    done
    cat > terminal.zsh << 'END'
zmodload zsh/zpty
zpty terminal "HOME=$HOME TERM=dumb COLUMNS=300 zsh -f -i"
await() { local got; zpty -r terminal got "*$1*" && return; print -r -- "no $1 in: $got"; exit 1 }
zpty -w terminal "PS1='wait''ing '; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
await 'waiting '
zpty -w -n terminal $'shoal identity export --ns\t'
await '--nsec '
zpty -w -n terminal $'\C-ushoal completion z\t'
await 'zsh '
zpty -w -n terminal $'\C-ushoal import a_\t'
await 'json '
zpty -d terminal
END
    timeout 60 zsh -f terminal.zsh "$made" || { echo "zsh: no completion on a terminal"; exit 1; }
    checks=$((checks + 3))
else
    echo "skipped: no zsh"
fi

# The man page: all commands and options, roff without a fault, and examples that work.
expect "man: made from the tables" "$(cat "$made/shoal.1")" "$(shoal manual < "$source/client/shoal.1.in")"
plain=$(sed -E 's/\\-/-/g; s/\\\(dq/"/g; s/^(\.SS shoal [a-z0-9 -]+)\\fR.*/\1/; s/\\f[A-Z]//g' "$made/shoal.1")
section() { awk -v name=".SS shoal $1" '$0 == name { on = 1; next } /^\.S[SH]/ { on = 0 } on' <<< "$plain"; }
for command in "${commands[@]}"; do
    expect "man: options of $command" "${options[$command]}" \
        "$({ section "$command" | sed -nE 's/^(--[a-z0-9-]+).*/\1/p'; echo --help; } | sorted)"
    help=$(sed -nE "s/^  shoal $command  +(.*)/\1/p" <<< "$help_text")
    expect "man: help of $command" "$help" "$(section "$command" | head -n 1)"
done
if command -v groff > /dev/null && [ -d /usr/share/groff ] && ls /usr/share/groff/*/tmac/an*.tmac > /dev/null 2>&1; then
    expect "man: warnings" "" "$(groff -man -Tutf8 -ww "$made/shoal.1" 2>&1 > page.txt)"
    grep -q "protocol and its NIPs" page.txt
else
    echo "skipped: no groff"
fi
expect "man: what is no request that it knows" "" \
    "$(grep -E '^[.'\'']' "$made/shoal.1" | grep -vE '^\.(\\"|TH|SH|SS|TP|PP|EX|EE|br|B|I|BR|RB|BI|IB|RI|IR)( |$)' || true)"

echo secret > password && chmod 600 password
ran=0
while read -r line; do
    echo "+ $line"
    case $line in *wss://*) echo "no test runs this example: $line"; exit 1 ;; esac
    bash -c "$line" || { echo "failed"; exit 1; }
    ran=$((ran + 1))
done < <(sed -n '/^\.SH EXAMPLES/,/^\.SH SEE/p' "$source/client/shoal.1.in" |
    sed -n '/^\.EX/,/^\.EE/p' | grep -v '^\.' | sed 's/\\-/-/g')
[ "$ran" -ge 10 ] || { echo "only $ran examples"; exit 1; }
echo "$checks checks, $ran examples"
