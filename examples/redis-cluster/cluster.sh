#!/bin/sh
# What the nodes and the jobs of the cluster run: cluster.sh node | healthy | form | grow
# Needs redis-server, redis-cli, getent and awk, which the official images have.
set -eu

SERVICE=${SERVICE:-redis}
READY=/tmp/ready # the node has been healthy since it started

ask() { host=$1; shift; timeout 5 redis-cli -h "$host" -p 6379 "$@" 2>/dev/null | tr -d '\r'; }
field() { awk -F: -v key="$1" '$1 == key { print $2 }'; } # of the answer to INFO or CLUSTER INFO
say() { echo "cluster.sh: $*"; }

mine() { getent ahostsv4 "$(hostname)" | awk 'NR == 1 { print $1 }'; }
# Addresses of the healthy tasks, this one left out.
peers() { timeout 2 getent ahostsv4 "$SERVICE" | awk -v me="$(mine)" '$1 != me && !seen[$1]++ { print $1 }'; }
# A peer whose cluster has all its slots, or nothing.
member() {
    for peer in $(peers); do
        if [ "$(ask "$peer" cluster info | field cluster_slots_assigned)" = 16384 ]; then echo "$peer"; return; fi
    done
}
# id, swarm node, ip, role, master's id, slots ("-" for none) of every live node, as one of them sees it.
table() {
    ask "$1" cluster nodes | awk '$3 !~ /fail|handshake|noaddr/ {
        split($2, where, ","); split(where[1], address, ":"); machine = where[2]; sub(/^[^.]*\./, "", machine)
        role = $3 ~ /master/ ? "master" : "slave"
        print $1, machine, address[1], role, $4, (NF > 8 ? $9 : "-")
    }'
}

# -- a node -----------------------------------------------------------------------------------------------------

node() {
    redis-server /redis.conf --cluster-announce-ip "$(mine)" --cluster-announce-hostname "$NODE" &
    server=$!
    trap 'hand_over || true; kill -TERM "$server"' TERM INT
    join &
    # A trap ends the first wait, the server's end the second.
    while kill -0 "$server" 2>/dev/null; do wait "$server" && status=0 || status=$?; done
    exit "${status:-0}"
}

# A master that is stopped lets a replica take its slots first: no write waits for a failover.
hand_over() {
    [ "$(ask 127.0.0.1 info replication | field role)" = master ] || return 0
    me=$(ask 127.0.0.1 cluster myid)
    for replica in $(table 127.0.0.1 | awk -v me="$me" '$5 == me { print $3 }'); do
        ask "$replica" cluster failover | grep -q OK || continue
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            if [ "$(ask 127.0.0.1 info replication | field role)" = slave ]; then say "handed over"; return 0; fi
            sleep 0.25
        done
    done
}

# A node that starts finds its cluster: with its old data under a new address, or empty on another machine. Later it
# looks now and then whether it is empty and needed.
join() {
    while sleep 1; do
        if joined; then sleep 2; continue; fi
        peer=$(member) || continue
        [ -n "$peer" ] || continue
        if [ "$(known)" = 1 ] || [ "$(state)" != ok ]; then
            ask 127.0.0.1 cluster meet "$peer" 6379 >/dev/null || true
            sleep 1
        fi
        replace_lost
    done
}

joined() { [ "$(known)" -gt 1 ] && [ "$(state)" = ok ] && ! place_free; }
known() { ask 127.0.0.1 cluster info | field cluster_known_nodes | grep . || echo 0; }
state() { ask 127.0.0.1 cluster info | field cluster_state; }

# A node that will not come back has no slots any more: its replica has them, or its master had them all along.
lost() { ask 127.0.0.1 cluster nodes | awk '$3 ~ /fail/ && $3 !~ /fail\?/ && NF == 8 { print $1 }'; }
# Masters with slots and without a live replica: id and machine.
bare() {
    table "$1" | awk '$4 == "master" && $6 != "-" { masters[$1] = $2 } $4 == "slave" { has[$5] }
        END { for (id in masters) if (!(id in has)) print id, masters[id] }' | sort
}
# This node has no slots and follows nobody.
is_empty() { table 127.0.0.1 | grep -q "^$(ask 127.0.0.1 cluster myid) .* master - -\$"; }

# This node is empty, a master has no replica, and another node is lost, or (away) may soon count as such.
place_free() { is_empty && [ -n "$(bare 127.0.0.1)" ] && [ -n "$(lost)" ]; }
away() { is_empty && ask 127.0.0.1 cluster nodes | awk '$8 == "disconnected" && ($3 !~ /fail/ || $3 ~ /fail\?/) { found = 1 } END { exit !found }'; }

# An empty node takes the place of one that is lost, which is then forgotten.
replace_lost() {
    place_free || return 0
    sleep "$(echo "$NODE" | awk -F'[-.]' '{ print $2 }')" # several may be starting: one after another
    place_free || return 0
    id=$(lost | head -1)
    ask 127.0.0.1 cluster replicate "$(bare 127.0.0.1 | awk 'NR == 1 { print $1 }')" | grep -q OK || return 0
    for address in $(table 127.0.0.1 | awk '{ print $3 }'); do ask "$address" cluster forget "$id" >/dev/null || true; done
    say "took the place of a lost replica"
}

# Once it was healthy a node is well as long as it answers. Until then a rolling update waits for it: a replica must
# have caught up with its master, for that one may be stopped next.
healthy() {
    [ "$(ask 127.0.0.1 ping)" = PONG ] || { echo "no answer from redis-server"; exit 1; }
    [ ! -e "$READY" ] || exit 0
    if [ -n "$(member)" ]; then
        [ "$(state)" = ok ] || { echo "not in the cluster yet"; exit 1; }
        [ "$(ask 127.0.0.1 info replication | field master_link_status)" != down ] || { echo "catching up"; exit 1; }
        [ "$(ask 127.0.0.1 info replication | field role)" = slave ] || followed || { echo "its replica is not back"; exit 1; }
        if away || place_free; then echo "waiting for the place of a lost node"; exit 1; fi
    fi
    touch "$READY"
}

# Whether a master with slots has a replica that has caught up; one without slots needs none.
followed() { is_empty || ask 127.0.0.1 info replication | grep -q '^slave[0-9]*:.*state=online'; }

# -- jobs -------------------------------------------------------------------------------------------------------

all() { timeout 2 getent ahostsv4 "$SERVICE" | awk '!seen[$1]++ { print $1 }'; }

await_all() {
    until [ "$(all | wc -l)" -ge "$NODES" ]; do say "waiting for $NODES nodes"; sleep 1; done
}

# Address and machine of every node, one line each.
machines() {
    for address in $(all); do
        echo "$address" "$(ask "$address" config get cluster-announce-hostname | awk 'NR == 2 { sub(/^[^.]*\./, ""); print }')"
    done | sort
}

agree() { # on one view of the cluster
    until redis-cli --cluster check "$1:6379" >/tmp/check 2>&1; do sleep 0.5; done
}

# Every second node becomes a master, no two of them on one machine while there are enough; the others their replicas.
form() {
    await_all
    if [ -z "$(member)" ]; then
        # shellcheck disable=SC2046
        redis-cli --cluster create --cluster-yes $(machines | awk -v wanted=$((NODES / 2)) '
            { address[NR] = $1; machine[NR] = $2 }
            END {
                for (pass = 0; pass < 2; pass++) for (i = 1; i <= NR && count < wanted; i++)
                    if (!(i in master) && (pass || !used[machine[i]])) {
                        master[i] = 1; used[machine[i]]++; count++; print address[i] ":6379"
                    }
            }')
    fi
    first=$(member)
    for address in $(all); do ask "$address" cluster meet "$first" 6379 >/dev/null; done
    attach "$first"
    settle "$first"
}

# Each master without a replica gets one of the nodes without slots, on another machine where that is possible.
attach() {
    until [ "$(table "$1" | wc -l)" -ge "$NODES" ]; do say "waiting for $NODES members"; sleep 1; done
    while true; do
        agree "$1"
        table "$1" | awk '$4 == "master" && $6 == "-" { print $3, $2 }' >/tmp/empty
        bare "$1" >/tmp/bare
        [ -s /tmp/empty ] && [ -s /tmp/bare ] || return 0
        # A master that shares its machine with a node to place has least choice: it comes first.
        awk 'NR == FNR { address[NR] = $1; machine[NR] = $2; here[$2]; count = NR; next }
            { id[FNR] = $1; at[FNR] = $2; masters = FNR }
            END {
                m = 1; for (i = 1; i <= masters; i++) if (at[i] in here) { m = i; break }
                e = 1; for (i = 1; i <= count; i++) if (machine[i] != at[m]) { e = i; break }
                print address[e], id[m]
            }' /tmp/empty /tmp/bare >/tmp/pair
        read -r replica master </tmp/pair
        until ask "$replica" cluster replicate "$master" | grep -q OK; do sleep 0.5; done
        until table "$1" | awk -v id="$master" '$5 == id { found = 1 } END { exit !found }'; do sleep 0.5; done
        say "$replica follows $master"
    done
}

# Until every node agrees, and every replica has caught up.
settle() {
    for address in $(all); do
        agree "$address"
        until [ "$(ask "$address" info replication | field master_link_status)" != down ]; do sleep 0.5; done
    done
    say "$(ask "$1" cluster info | field cluster_size) masters, $(all | wc -l) nodes, all slots served"
}

# Nodes that have no slots become masters and replicas in turn; slots move to them while clients go on.
grow() {
    await_all
    first=$(member)
    [ -n "$first" ] || { say "there is no cluster to grow"; exit 1; }
    attach "$first"
    while table "$first" | awk '$4 == "master" && $6 == "-" { print $1; exit }' >/tmp/new && [ -s /tmp/new ]; do
        masters=$(table "$first" | awk '$4 == "master" && $6 != "-"' | wc -l)
        say "moving $((16384 / (masters + 1))) slots to $(cat /tmp/new)"
        redis-cli --cluster reshard "$first:6379" --cluster-from all --cluster-to "$(cat /tmp/new)" \
            --cluster-slots $((16384 / (masters + 1))) --cluster-yes >/tmp/moved 2>&1 || { tail -5 /tmp/moved; exit 1; }
        attach "$first"
    done
    settle "$first"
}

"$@"
