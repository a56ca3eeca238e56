# From the figures of all rounds to a table: medians, beside floors, a peer and what was published.
#
#     awk -f table.awk workloads figures

function median(who, figure,    count, i, k, list, swap)
{
    count = counts[who, figure]
    if (count == 0)
        return ""
    for (i = 1; i <= count; i++) {
        list[i] = values[who, figure, i]
        for (k = i; k > 1 && list[k - 1] > list[k]; k--) {
            swap = list[k]
            list[k] = list[k - 1]
            list[k - 1] = swap
        }
    }
    return count % 2 == 1 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

# How many times as good a is as b.
function times(better, a, b)
{
    if (a == "" || b == "" || a <= 0 || b <= 0)
        return "-"
    return sprintf("%.2fx", better == "more" ? a / b : b / a)
}

function show(value)
{
    return value == "" ? "-" : value >= 100 ? sprintf("%d", value + 0.5) : sprintf("%.1f", value)
}

# How many times as slow this machine is as the one of the must, by a floor known of both.
function slowness(there,    pair, here)
{
    if (split(there, pair, "=") != 2)
        return ""
    here = floors[pair[1]]
    return here <= 0 ? "" : pair[1] ~ /^send/ ? pair[2] / here : here / pair[2]
}

function put_here(better, must, slow)
{
    return must == "" || slow == "" ? must : better == "more" ? must / slow : must * slow
}

function name_bare(name, figure, what)
{
    if (floors["ack"] == "" || median("floor", figure) == "")
        return
    floors[name] = median("floor", figure) + floors["ack"] - floors["round"]
    names[name] = what
}

function set_floors(    one, sent)
{
    floors["copy"] = median("floor", "copy.per_s")
    floors["verify"] = median("floor", "verify.us")
    floors["echo"] = median("floor", "echo_64.per_s")
    floors["echo_cpu"] = median("floor", "echo_64.server_us")
    floors["round"] = median("floor", "echo_1.round_p50_us")
    floors["send_100"] = median("floor", "send_100.per_s")
    floors["send_1000"] = median("floor", "send_1000.per_s")
    one = median("floor", "copy.one_p50_us")
    if (one != "")
        floors["ack"] = floors["round"] + floors["verify"] + one
    sent = floors["send_1000"]
    if (sent > 0)
        floors["send_cpu"] = 1e6 / sent
    name_bare("ack_500_p50", "bare_500.ack_p50_us", "bare relay + check + COPY")
    name_bare("ack_500_p99", "bare_500.ack_p99_us", "bare relay + check + COPY")
    name_bare("deliver_100_p50", "bare_100.deliver_p50_us", "bare relay + check + COPY")
    name_bare("deliver_100_p99", "bare_100.deliver_p99_us", "bare relay + check + COPY")
    name_bare("deliver_1000_p50", "bare_1000.deliver_p50_us", "bare relay + check + COPY")
    name_bare("deliver_1000_p99", "bare_1000.deliver_p99_us", "bare relay + check + COPY")
    names["copy"] = "COPY of the same rows"
    names["verify"] = "a signature checked"
    names["echo"] = "websocket echo"
    names["echo_cpu"] = "websocket echo"
    names["round"] = "websocket echo"
    names["send_100"] = "send() for each"
    names["send_1000"] = "send() for each"
    names["send_cpu"] = "send() for each"
    names["ack"] = "echo + check + COPY of one"
}

BEGIN { FS = "|" }

FNR == NR {
    if ($0 !~ /^#/ && NF == 8)
        lines[++line_count] = $0
    next
}

FNR == 1 { FS = " "; $0 = $0 }

{
    values[$2, $3, ++counts[$2, $3]] = $4 + 0
    if ($2 == "peer")
        has_peer = 1
    if ($2 == "ours" && $3 ~ /\.foreign_cores$/)
        values["all", "foreign", ++counts["all", "foreign"]] = $4 + 0
}

END {
    set_floors()
    printf "%-44s%10s %-9s", "", "ours", ""
    if (has_peer)
        printf "%10s%8s", "peer", "ours"
    printf "%10s%8s  %-28s%10s%9s%10s%11s\n", "floor", "ours", "which floor", "strfry-o3", "ours", "must", "must here"
    for (i = 1; i <= line_count; i++) {
        split(lines[i], line, "|")
        ours = median("ours", line[1])
        printf "%-44s%10s %-9s", line[2], show(ours), line[3]
        if (has_peer) {
            peer = median("peer", line[1])
            printf "%10s%8s", show(peer), times(line[4], ours, peer)
        }
        floor = line[7] != "" ? floors[line[7]] : ""
        printf "%10s%8s  %-28s%10s%9s%10s%11s\n", show(floor), times(line[4], ours, floor), names[line[7]], \
            show(line[5]), times(line[4], ours, line[5]), show(line[6]), \
            show(put_here(line[4], line[6], slowness(line[8])))
    }
    printf "\nBare, in the same rounds: %s signatures/s on one core, %s on all; %s rows COPYed/s; %s echoes/s; ", \
        show(median("floor", "verify.one_per_s")), show(median("floor", "verify.all_per_s")), \
        show(median("floor", "copy.per_s")), show(median("floor", "echo_64.per_s"))
    printf "%s frames/s to 1000 sockets one by one, %s by eights.\n", \
        show(median("floor", "send_1000.per_s")), show(median("floor", "send_1000_of_8.per_s"))
    printf "strfry-o3: published figures, see ops/bench/workloads for its machine; compare with a peer of the same run.\n"
    printf "must here: what was asked on that machine, by how much slower a signature, a round trip or a send() is in this run.\n"
    foreign = median("all", "foreign")
    busy = (foreign > 0.2) ? ": THIS MACHINE WAS BUSY, only ratios within this run mean something" : ""
    printf "Other programs used %.2f cores meanwhile%s.\n", foreign, busy
}
