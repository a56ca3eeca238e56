# Completion of shoal-relay for bash, from what its --help says.
_shoal_relay()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words
    case $before in
        router | --config | --*-dir | --tls-* | --postgres-bin | --key-file)
            COMPREPLY=($(compgen -f -- "$word"))
            return
            ;;
        shard)
            COMPREPLY=($(compgen -W 'list add read balance move' -- "$word"))
            return
            ;;
        --log-level)
            COMPREPLY=($(compgen -W 'error warning info debug' -- "$word"))
            return
            ;;
    esac
    if [ "${COMP_WORDS[1]}" = shard ] && [ "$COMP_CWORD" -eq 2 ]; then
        COMPREPLY=($(compgen -W 'list add balance move' -- "$word"))
        return
    fi
    words=$("$1" --help 2> /dev/null | sed -nE 's/^  (--[a-z-]+).*/\1/p')
    [ "$COMP_CWORD" -gt 1 ] || words="run import export sync router shard admin $words"
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o filenames -F _shoal_relay shoal-relay
