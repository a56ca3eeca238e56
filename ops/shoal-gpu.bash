# Completion of shoal-gpu for bash, from what its --help says.
_shoal_gpu()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
    if [ "$before" = --cache-dir ]; then
        COMPREPLY=($(compgen -d -- "$word"))
        return
    fi
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$("$1" --help 2> /dev/null | sed -nE 's/^(usage:)? +shoal-gpu ([a-z]+) .*/\2/p' | sort -u)
    fi
    if [ "$COMP_CWORD" -eq 1 ] || [[ $word == -* ]]; then
        words+=" $("$1" --help 2> /dev/null | sed -nE 's/^  (--[a-z-]+).*/\1/p')"
        COMPREPLY=($(compgen -W "$words" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
complete -o filenames -F _shoal_gpu shoal-gpu
