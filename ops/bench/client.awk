# The table of ops/bench/client, from lines "round who name value": medians of the rounds.
{
    key = $2 " " $3
    values[key, ++count[key]] = $4
}

function median(who, name,    key, n, i, j, swap, list)
{
    key = who " " name
    n = count[key]
    if (n == 0)
        return -1
    for (i = 1; i <= n; i++)
        list[i] = values[key, i]
    for (i = 1; i <= n; i++)
        for (j = i + 1; j <= n; j++)
            if (list[j] < list[i]) {
                swap = list[i]
                list[i] = list[j]
                list[j] = swap
            }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function cell(value) { return value < 0 ? "-" : value < 100 ? sprintf("%.1f", value) : sprintf("%.0f", value) }

function text(title, name, unit, per,    ours, yjs, automerge)
{
    ours = median("ours", name)
    yjs = median("yjs", name)
    automerge = median("automerge", name)
    printf "%-34s%10s%10s%11s  %-6s%s\n", title, cell(ours / per), cell(yjs / per), cell(automerge / per), unit,
        (yjs > 0 && ours > 0) ? sprintf("%.1f", yjs / ours) : "-"
}

function reconciled(title, name)
{
    printf "reconcile 100,000 events, %s lacking: %d rounds, %.0f kB, %.1f ms\n", title,
        median("ours", "reconcile." name "_rounds"), median("ours", "reconcile." name "_bytes") / 1000,
        median("ours", "reconcile." name "_ms")
}

END {
    printf "%-34s%10s%10s%11s  %-6s%s\n", "", "ours", "yjs", "automerge", "", "yjs / ours"
    text("type 259,778 edits", "type.type_ms", "ms", 1)
    text("apply 259,778 updates", "apply.apply_ms", "ms", 1)
    text("load", "load.load_ms", "ms", 1)
    text("load, the first of a process", "load.first_load_ms", "ms", 1)
    text("encode", "type.encode_ms", "ms", 1)
    text("size", "type.bytes", "kB", 1000)
    text("memory of one", "load.memory", "kB", 1000)
    print ""
    reconciled("the newest 1,000", "newest")
    reconciled("any 1,000", "anywhere")
    bare = median("ours", "ingest.verify_us")
    taken = median("ours", "ingest.ingest_us")
    settled = median("ours", "ingest.settle_us")
    printf "ingest: %.1f us an event, %.0f %% of the rate of bare checks (%.1f us); ", taken, 100 * bare / taken, bare
    printf "with its catalog, made when somebody asks (%.1f us), %.0f %%\n", settled, 100 * bare / (taken + settled)
}
