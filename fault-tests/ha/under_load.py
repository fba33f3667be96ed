"""The faults: what is broken, what must come back, and for how long there is load meanwhile."""

import time

from processes import Broken, wait_until


def kill_leader(cluster, load):
    """The leader's machine is gone, and comes back as a standby."""
    leader = cluster.leader()
    with Busy(load, 75):
        cluster.kill(leader)
        at = time.time()
        follower = cluster.wait_leader(leader)
        tell_write(load, at, f"{leader.name}, the leader, killed: {follower.name} leads after {time.time() - at:.1f} s")
        cluster.start_member(leader)
        tell_whole(cluster, at)


def kill_nodes(_, load):
    """Each Jeton node in turn."""
    for node in load.nodes:
        with Busy(load, 12):
            load.kill_node(node)
            at = time.time()
            tell_write(load, at, f"{node.name} killed")
            restarted = time.time()
            load.start_node(node)
            load.wait_ready(node)
            ready = time.time() - restarted
            wrote = wait_write(load, restarted, node) - restarted
            say(f"  started again: ready after {ready:.2f} s, its first write after {wrote:.2f} s")


def kill_standby(cluster, load):
    """The machine of the synchronous standby, without which no commit is acknowledged."""
    standby = cluster.synchronous_standby()
    with Busy(load, 40):
        cluster.kill(standby)
        at = time.time()
        tell_write(load, at, f"{standby.name}, the synchronous standby, killed")
        cluster.start_member(standby)
        tell_whole(cluster, at)


def crash_postgres(cluster, load):
    """PostgreSQL alone is gone, on the leader; its Patroni sees it at once."""
    leader = cluster.leader()
    with Busy(load, 45):
        cluster.crash_postgres(leader)
        at = time.time()
        tell_write(load, at, f"PostgreSQL of {leader.name}, the leader, killed under its Patroni")
        tell_whole(cluster, at)


def hang_leader(cluster, load):
    """The leader's machine stands still until long after its lease, and then goes on as if nothing had been."""
    leader = cluster.leader()
    with Busy(load, 90):
        cluster.hang(leader)
        at = time.time()
        follower = cluster.wait_leader(leader)
        tell_write(load, at, f"{leader.name}, the leader, stands still: {follower.name} leads after {time.time() - at:.1f} s")
        # Time for what a server left behind knows to be wrong.
        time.sleep(3)
        cluster.wake(leader)
        tell_whole(cluster, at)


def lose(cluster, load):
    """The control, on a cluster without synchronous replication: what is acknowledged reaches no standby, and then the
    leader is gone for good."""
    leader = cluster.leader()
    with Busy(load, 60):
        cluster.cut_replication()
        time.sleep(3)
        cluster.kill(leader)
        at = time.time()
        cluster.wait_leader(leader)
        tell_write(load, at, f"{leader.name}, the leader, killed after 3 s without replication")


FAULTS = {
    "leader": kill_leader,
    "nodes": kill_nodes,
    "standby": kill_standby,
    "postgres": crash_postgres,
    "hang": hang_leader,
}


class Busy:
    """Load for some seconds, in which a fault happens and must be over."""

    def __init__(self, load, seconds):
        self._load, self._seconds = load, seconds

    def __enter__(self):
        begun = time.time()
        self._load.start(self._seconds)
        wait_write(self._load, begun)
        time.sleep(2)

    def __exit__(self, kind, *_):
        if kind is None:
            self._load.wait()


def wait_write(load, after, node=None):
    """When the first write was acknowledged, by this node if one is given, that began after this moment."""
    def written():
        if moment := load.first_write(after, node):
            return moment
        if not load.running():
            raise Broken("no write was acknowledged any more")
        return None
    return wait_until("a write", 120, written)


def tell_write(load, at, fault):
    say(f"{fault}, first write after {wait_write(load, at) - at:.2f} s")


def tell_whole(cluster, at):
    cluster.wait_whole()
    say(f"  all three again after {time.time() - at:.1f} s; {cluster.leader().name} leads")


def say(text):
    print(text, flush=True)
