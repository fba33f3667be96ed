"""Three Jeton nodes in front of the cluster, and the load and the oracle of this folder's parent that work on them."""

import json
import pathlib
import re
import signal
import subprocess
import urllib.request

from processes import Broken, free_ports, send, wait_until
from verdict import Verdict

HERE = pathlib.Path(__file__).resolve().parent
# A start waits for the store, and a store for its leader.
START_SECONDS = 60


class Node:
    """One `jeton serve`."""

    def __init__(self, number, port, admin_port):
        self.number, self.name = number, f"jeton-{number + 1}"
        self.address, self.admin = f"127.0.0.1:{port}", f"127.0.0.1:{admin_port}"
        self.process = None


class JetonLoad:
    """Clients of three nodes, as `faults load` has them, with its journal as the witness.

    `program` is jeton, `faults` the program of fault-tests/src."""

    def __init__(self, processes, cluster, program, faults):
        self._processes, self._program, self._faults = processes, program, faults
        # The password must not stand in an argument list, and a configuration file would be one more place for it.
        self._environment = {"JETON_DATABASE_PASSWORD": cluster.password}
        self._url = cluster.url()
        self._folder = processes.logs / "jeton"
        self._journal, self._read, self._writes = self._folder / "journal", 0, []
        self._load = None
        ports = free_ports(6)
        self.nodes = [Node(number, ports[number], ports[number + 3]) for number in range(3)]

    def prepare(self):
        """Makes realm, keys and client, and starts the nodes."""
        self._folder.mkdir(mode=0o700)
        self._run("faults-prepare", [
            self._faults, "prepare", "--jeton", self._program, "--dialect", HERE.parent / "dialect.toml",
            "--database", self._url, "--config", self._folder / "jeton.toml", "--service", self._folder / "service.json"])
        for node in self.nodes:
            self.start_node(node)
        for node in self.nodes:
            self.wait_ready(node)

    def start_node(self, node):
        node.process = self._processes.start(node.name, [
            self._program, "serve", "--config", self._folder / "jeton.toml", "--database", self._url,
            "--listen", node.address, "--admin-listen", node.admin], environment=self._environment)

    def kill_node(self, node):
        send(node.process.pid, signal.SIGKILL)
        node.process.wait()

    def wait_ready(self, node):
        def ready():
            if node.process.poll() is not None:
                raise Broken(f"{node.name} ends with status {node.process.returncode}; see {node.name}.txt")
            try:
                with urllib.request.urlopen(f"http://{node.admin}/ready", timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False
        wait_until(f"{node.name} being ready", START_SECONDS, ready, every=0.02)

    def start(self, seconds):
        """Keeps the nodes busy for so long; `wait` waits for the end of it."""
        self._load = self._processes.start("faults-load", [
            self._faults, "load", *self._common(), "--seconds", str(seconds)])

    def running(self):
        return self._load.poll() is None

    def wait(self):
        # Status 1: an answer that broke the service's word. The check at the end counts it.
        if self._load.wait() not in (0, 1):
            raise Broken("faults load fails; see faults-load.txt")

    def first_write(self, after, node=None):
        """When the first write was acknowledged, by any node or by this one, that began after a moment (time.time()),
        or None."""
        self._read_on()
        return next((ended for began, ended, number in self._writes
                     if began >= after and (node is None or number == node.number)), None)

    def check(self):
        """Asks the nodes about everything that the journal knows."""
        said = self._run("faults-check", [self._faults, "check", *self._common()], statuses=(0, 1))
        counts = {word: int(count) for count, word in re.findall(r"(\d+) (acts|lost|revived|forked|reused|wrong)", said)}
        panics = sum((self._processes.logs / f"{node.name}.txt").read_text(errors="replace").count("panicked at")
                     for node in self.nodes)
        return Verdict(counts["acts"], counts["lost"], counts["revived"], counts["forked"], counts["reused"],
                       counts["wrong"] + panics)

    # --- the journal -----------------------------------------------------------------------------

    def _read_on(self):
        """Reads the lines that have come since the last time."""
        if not self._journal.exists():
            return
        with open(self._journal, encoding="ascii") as journal:
            journal.seek(self._read)
            while (line := journal.readline()).endswith("\n"):
                self._read += len(line)
                record = json.loads(line)
                answered = record["answer"] == "done" or "token" in record["answer"]
                if record["act"] in ("issue", "refresh", "revoke") and answered:
                    self._writes.append((record["begun"] / 1e6, record["ended"] / 1e6, record["node"]))

    def _common(self):
        return ["--nodes", ",".join(f"http://{node.address}" for node in self.nodes), "--journal", self._journal,
                "--service", self._folder / "service.json"]

    def _run(self, name, command, statuses=(0,)):
        """Runs a program to its end. Its last line of output."""
        process = self._processes.start(name, command, environment=self._environment)
        try:
            status = process.wait(timeout=300)
        except subprocess.TimeoutExpired:
            raise Broken(f"{name} does not come to an end; see {name}.txt") from None
        said = (self._processes.logs / f"{name}.txt").read_text().strip()
        if status not in statuses:
            raise Broken(f"{name} ends with status {status}: {said}")
        return said.rpartition("\n")[2]
