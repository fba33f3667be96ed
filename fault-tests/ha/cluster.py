"""Three PostgreSQL servers under Patroni, with etcd to agree by and synchronous replication, all on 127.0.0.1."""

import json
import os
import pathlib
import pwd
import secrets
import signal
import sys
import urllib.request

import psycopg

from processes import Broken, free_ports, send, tree, wait_until

# Patroni's least time to live. A leader that is gone with its Patroni is missed only when its lease ends.
LEASE_SECONDS = 20
# A fail-over: the lease, one look at it, a promotion; and as much again for a busy machine.
FAIL_OVER_SECONDS = 2 * LEASE_SECONDS + 20
# Start, crash recovery, pg_rewind, and if need be a new base backup.
REJOIN_SECONDS = 120


class Member:
    """One PostgreSQL with its Patroni."""

    def __init__(self, name, folder, port, api_port):
        self.name, self.port, self.api_port = name, port, api_port
        self.data = folder / name
        self.configuration = folder / f"{name}.json"
        self.patroni = None

    def pids(self):
        """Its Patroni, its PostgreSQL, and all that they started."""
        found = tree(self.patroni.pid)
        try:
            postmaster = int((self.data / "postmaster.pid").read_text().split("\n")[0])
            if "(postgres)" not in pathlib.Path(f"/proc/{postmaster}/stat").read_text():
                return found  # a dead server's number, which another process has by now
        except (OSError, ValueError):
            return found
        return found + [pid for pid in tree(postmaster) if pid not in found]

    def says(self, path):
        """What its Patroni answers, or None: no answer, or a status that means no."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}{path}", timeout=2) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None


class Cluster:
    """The three members. `synchronous=False` makes a cluster that loses what it acknowledged, for the control."""

    def __init__(self, processes, folder, bin_folder, synchronous=True):
        self.processes, self.folder, self.bin, self.synchronous = processes, folder, bin_folder, synchronous
        # PostgreSQL refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.superuser_password, self.replication_password, self.password = (secrets.token_hex(16) for _ in range(3))
        self.etcd_port, self.etcd_peer_port, *ports = free_ports(8)
        self.members = [Member(f"postgres-{n + 1}", folder, ports[n], ports[n + 3]) for n in range(3)]

    # --- start and state -------------------------------------------------------------------------

    def start(self):
        """Starts all of it, and makes the role and the database `jeton`."""
        self._start_etcd()
        for member in self.members:
            self._configure(member)
            self.start_member(member)
        self.wait_whole()
        self._as_superuser(f"CREATE ROLE jeton LOGIN PASSWORD '{self.password}'")
        self._as_superuser("CREATE DATABASE jeton OWNER jeton")
        # libpq gives up where a standby does not know the database yet, instead of asking the next server.
        for member in self.members:
            wait_until(f"the database on {member.name}", 30, lambda member=member: self._is_reached(member))

    def start_member(self, member):
        member.patroni = self.processes.start(
            f"{member.name}-patroni", [pathlib.Path(sys.prefix) / "bin" / "patroni", member.configuration], user=self.user)

    def leader(self, besides=None):
        """The member that leads, and is seen to do it by its own Patroni; None while there is no such."""
        for member in self.members:
            if member is not besides and member.says("/primary"):
                return member
        return None

    def synchronous_standby(self):
        """The member that a commit waits for."""
        def found():
            seen = (leader := self.leader()) and leader.says("/cluster")
            names = [it["name"] for it in seen["members"] if it["role"] == "sync_standby"] if seen else []
            return next((member for member in self.members if member.name in names), None)
        return wait_until("a synchronous standby", REJOIN_SECONDS, found)

    def wait_leader(self, besides):
        """The first leader that is not the one given."""
        return wait_until("a new leader", FAIL_OVER_SECONDS, lambda: self.leader(besides), every=0.05)

    def wait_whole(self):
        """Waits until one leads and two follow it, one of them synchronously."""
        wait_until("a leader with two standbys, one of them synchronous", REJOIN_SECONDS, self._is_whole)

    def _is_whole(self):
        leader = self.leader()
        seen, own = leader and leader.says("/cluster"), leader and leader.says("/patroni")
        if not seen or not own:
            return False
        # Whom Patroni may promote, and whom PostgreSQL waits for at a commit: both must be so.
        roles = sorted(member["role"] for member in seen["members"])
        standbys = sorted(it["sync_state"] for it in own.get("replication", ()) if it["state"] == "streaming")
        return (roles, standbys) == (
            (["leader", "replica", "sync_standby"], ["async", "sync"]) if self.synchronous
            else (["leader", "replica", "replica"], ["async", "async"]))

    # --- addresses -------------------------------------------------------------------------------

    def hosts(self):
        return ",".join(f"127.0.0.1:{member.port}" for member in self.members)

    def url(self):
        """For the role `jeton`, without its password: an argument list is everybody's to read."""
        return f"postgres://jeton@{self.hosts()}/jeton?target_session_attrs=read-write"

    def _is_reached(self, member):
        try:
            psycopg.connect(f"postgres://jeton:{self.password}@127.0.0.1:{member.port}/jeton").close()
        except psycopg.OperationalError:
            return False
        return True

    def _as_superuser(self, statement):
        address = f"postgres://postgres:{self.superuser_password}@{self.hosts()}/postgres?target_session_attrs=read-write"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)

    # --- faults ----------------------------------------------------------------------------------

    def kill(self, member):
        """A machine that is gone: Patroni, PostgreSQL and every connection at once."""
        self.hang(member)
        for pid in member.pids():
            send(pid, signal.SIGKILL)
        member.patroni.wait()

    def crash_postgres(self, member):
        """PostgreSQL alone is gone; its Patroni lives and sees it."""
        patroni = set(tree(member.patroni.pid))
        for pid in member.pids():
            if pid not in patroni:
                send(pid, signal.SIGKILL)

    def hang(self, member):
        """A machine that stands still: connections stay open, nothing is answered."""
        # Twice: what was started while the first signals were sent is there when the second are.
        for _ in range(2):
            for pid in member.pids():
                send(pid, signal.SIGSTOP)

    def wake(self, member):
        """It goes on as if nothing had been."""
        for pid in member.pids():
            send(pid, signal.SIGCONT)

    def cut_replication(self):
        """No standby gets another byte, though all go on running."""
        self._as_superuser("ALTER ROLE replicator NOLOGIN")
        self._as_superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")

    # --- how they are started --------------------------------------------------------------------

    def _start_etcd(self):
        data = self.folder / "etcd"
        self._own_folder(data)
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.etcd_port, self.etcd_peer_port))
        etcd = self.processes.start("etcd", [
            "etcd", "--name=ha", f"--data-dir={data}", "--logger=zap", "--log-level=warn",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=ha={peer}",
        ], user=self.user)

        def healthy():
            if etcd.poll() is not None:
                raise Broken(f"etcd ends with status {etcd.returncode}; see {self.processes.logs}/etcd.txt")
            try:
                with urllib.request.urlopen(f"{client}/health", timeout=2) as answer:
                    return json.load(answer)["health"] == "true"
            except OSError:
                return False
        wait_until("etcd's start", 30, healthy)

    def _own_folder(self, folder):
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)

    def _configure(self, member):
        self._own_folder(member.data)
        everybody = "127.0.0.1/32 scram-sha-256"
        configuration = {
            "scope": "jeton",
            "name": member.name,
            "restapi": {"listen": f"127.0.0.1:{member.api_port}", "connect_address": f"127.0.0.1:{member.api_port}"},
            "etcd3": {"host": f"127.0.0.1:{self.etcd_port}"},
            "bootstrap": {
                "dcs": {
                    "ttl": LEASE_SECONDS,
                    "loop_wait": 1,
                    "retry_timeout": 3,
                    "synchronous_mode": self.synchronous,
                    # What is acknowledged is on two disks, always: with one server left, writes wait. Without this
                    # they would go on, on one disk.
                    "synchronous_mode_strict": self.synchronous,
                    # Patroni promotes nobody who is further behind. The control wants just that: a leader whose last
                    # seconds are gone.
                    "maximum_lag_on_failover": 2**20 if self.synchronous else 2**30,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "use_slots": True,
                        "parameters": {
                            "wal_keep_size": "256MB",
                            # Not the 5 s after which a standby looks for its new leader by default: with one server
                            # gone, commits wait for it.
                            "wal_retrieve_retry_interval": "500ms",
                            # A standby that hangs holds up every commit until it is missed.
                            "wal_sender_timeout": "5s",
                            "wal_receiver_timeout": "5s",
                        },
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{member.port}",
                "connect_address": f"127.0.0.1:{member.port}",
                "bin_dir": str(self.bin),
                "data_dir": str(member.data),
                "pgpass": str(self.folder / "etcd" / f"pgpass-{member.name}"),
                "authentication": {
                    "superuser": {"username": "postgres", "password": self.superuser_password},
                    "replication": {"username": "replicator", "password": self.replication_password},
                },
                "pg_hba": [f"host all all {everybody}", f"host replication replicator {everybody}"],
                "parameters": {"unix_socket_directories": "", "log_checkpoints": "off"},
                "basebackup": [{"checkpoint": "fast"}],
                "remove_data_directory_on_rewind_failure": True,
                "remove_data_directory_on_diverged_timelines": True,
            },
        }
        member.configuration.touch(mode=0o600)
        member.configuration.write_text(json.dumps(configuration, indent=2))
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.chown(member.configuration, entry.pw_uid, entry.pw_gid)
