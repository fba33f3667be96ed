"""Processes that end with this one, whoever started them in between."""

import ctypes
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import threading
import time

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class Broken(Exception):
    """The run cannot go on; says why and what to look at."""


class Processes:
    """What this run has started. Each program's output goes to a file of its own in `logs`."""

    def __init__(self, logs):
        self.logs = pathlib.Path(logs)
        self._started = []
        # A killed Patroni leaves its PostgreSQL behind: it becomes ours, to be fetched when it ends, and to be ended.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        threading.Thread(target=self._fetch_orphans, daemon=True).start()

    def start(self, name, command, user=None, environment=None):
        """Starts a program whose log is `name`.txt; a second start of the same name goes on with that file.
        With `user` it runs as him if this run may do that."""
        as_user = {}
        if user and os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        try:
            with open(self.logs / f"{name}.txt", "ab") as log:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd="/",
                    start_new_session=True,
                    # Not this shell's: settings of libpq, etcd and Patroni, and proxies, must not reach them.
                    env={"PATH": os.environ["PATH"], "LC_ALL": "C", **(environment or {})}, **as_user)
        except OSError as error:
            hint = f"; the user {user} must be able to read it: take a CARGO_TARGET_DIR that he can get into" if user else ""
            raise Broken(f"{command[0]} cannot be started: {error.strerror}{hint}") from error
        self._started.append(process)
        return process

    def end_all(self):
        """SIGKILL to everything that is left, until nothing is."""
        while pids := tree(os.getpid())[1:]:
            for pid in pids:
                send(pid, signal.SIGKILL)
            for process in self._started:
                process.poll()
            time.sleep(0.05)

    def _fetch_orphans(self):
        while True:
            known = {process.pid for process in self._started}
            for pid in children(os.getpid()):
                if pid not in known and state(pid) == "Z":
                    try:
                        os.waitpid(pid, os.WNOHANG)
                    except ChildProcessError:
                        pass
            time.sleep(0.1)


def tree(pid):
    """A process and all its descendants."""
    return [pid] + [below for child in children(pid) for below in tree(child)]


def children(pid):
    """Children of all threads of a process, those included that only wait to be fetched."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            pass  # the thread, or all of it, has ended meanwhile
    return found


def state(pid):
    """The letter that /proc has for it, or None if there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def send(pid, number):
    """A signal to a process that may have ended already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def wait_until(what, seconds, condition, every=0.1):
    """The first thing but None and False that `condition` gives.

    Raises Broken, with `what` was waited for, if it gives none in time."""
    end = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > end:
            raise Broken(f"{what} did not happen within {seconds} s")
        time.sleep(every)


def free_ports(count):
    """Ports of 127.0.0.1 that nobody has now, below those that the system hands out by itself."""
    held = []
    while len(held) < count:
        candidate = socket.socket()
        try:
            candidate.bind(("127.0.0.1", 20000 + int.from_bytes(os.urandom(2), "big") % 12000))
            held.append(candidate)
        except OSError:
            candidate.close()
    ports = [candidate.getsockname()[1] for candidate in held]
    for candidate in held:
        candidate.close()
    return ports
