"""The load without Jeton: what a plain program sees of the cluster, and how much of a pause is the cluster's own."""

import itertools
import os
import socket
import threading
import time

import psycopg

from verdict import Verdict

WRITERS = 4
# A server that stands still keeps its connections open; who waits longer than this hangs up.
PATIENCE_SECONDS = 3
# How many rows later one is deleted; and as many later again, it is looked for once more: a server that has been left
# behind by a fail-over knows nothing of the deletions since then.
EARLIER = 100 * WRITERS


class BareLoad:
    """Writers that insert rows, delete every other one later, and look for both; each remembers what it was told.

    A row is a token: one that was acknowledged and is not there is lost, one that was deleted and is there has been
    revived. There is nothing here that could fork."""

    nodes = ()

    def __init__(self, cluster):
        self._address = cluster.url() + f"&connect_timeout=2&password={cluster.password}"
        self._rows = [itertools.count(number, WRITERS) for number in range(WRITERS)]
        self._threads = []
        self._asked = {}  # per writer: its connection, and when it asked something of it
        self._acts = []  # of each act that was acknowledged: when it was begun, and when it ended
        self._kept, self._deleted, self._lost, self._revived = (set() for _ in range(4))

    def prepare(self):
        with self._connect() as connection:
            connection.execute("CREATE TABLE token (id BIGINT PRIMARY KEY)")

    def start(self, seconds):
        """Writes for so long; `wait` waits for the end of it."""
        end = time.time() + seconds
        self._threads = [threading.Thread(target=self._write, args=(number, end)) for number in range(WRITERS)]
        self._threads.append(threading.Thread(target=self._hang_up, args=(end,)))
        for thread in self._threads:
            thread.start()

    def running(self):
        return any(thread.is_alive() for thread in self._threads)

    def wait(self):
        for thread in self._threads:
            thread.join()

    def first_write(self, after, _=None):
        """When the first act was acknowledged that began after a moment (time.time()), or None."""
        return next((ended for began, ended in list(self._acts) if began >= after), None)

    def check(self):
        """Reads everything again."""
        with self._connect() as connection:
            there = {row[0] for row in connection.execute("SELECT id FROM token")}
        self._lost |= self._kept - there
        self._revived |= self._deleted & there
        return Verdict(len(self._acts), len(self._lost), len(self._revived), 0)

    # --- one writer ------------------------------------------------------------------------------

    def _connect(self):
        return psycopg.connect(self._address, autocommit=True)

    def _write(self, number, end):
        connection = None
        while time.time() < end:
            try:
                connection = connection or self._connect()
                self._asked[number] = connection, time.time()
                self._live(connection, next(self._rows[number]))
            except psycopg.Error:
                # What was not acknowledged is in doubt: the row may be there or not.
                connection = connection and connection.close()
                time.sleep(0.05)
        self._asked.pop(number, None)
        if connection:
            connection.close()

    def _live(self, connection, row):
        self._act(connection, "INSERT INTO token VALUES (%s)", row)
        self._kept.add(row)
        if not self._is_there(connection, row):
            self._lost.add(row)
        old, older = row - EARLIER, row - 2 * EARLIER
        if old // WRITERS % 2 == 1 and old in self._kept:
            self._kept.remove(old)
            self._act(connection, "DELETE FROM token WHERE id = %s", old)
            self._deleted.add(old)
        for ended in {old, older} & self._deleted:
            if self._is_there(connection, ended):
                self._revived.add(ended)

    def _act(self, connection, statement, row):
        began = time.time()
        connection.execute(statement, (row,))
        self._acts.append((began, time.time()))

    @staticmethod
    def _is_there(connection, row):
        return connection.execute("SELECT 1 FROM token WHERE id = %s", (row,)).fetchone() is not None

    def _hang_up(self, end):
        """libpq alone would wait for a server that stands still for as long as its machine has a network."""
        while time.time() < end or self._asked:
            for connection, since in list(self._asked.values()):
                if time.time() - since > PATIENCE_SECONDS:
                    try:
                        with socket.socket(fileno=os.dup(connection.fileno())) as line:
                            line.shutdown(socket.SHUT_RDWR)
                    except (OSError, psycopg.Error):
                        pass  # the writer has hung up itself
            time.sleep(0.5)
