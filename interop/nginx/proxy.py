"""nginx as a process of our own on a socket file, and the upstream that it protects."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Which row of a table a request belongs to, told to the upstream by a header of the request.
ROW = "X-Row"


class Upstream:
    """Answers everything with 200 and keeps the requests that reached it."""

    def __init__(self):
        seen = self.seen = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                seen.append((self.headers.get(ROW), self.path, self.headers.items()))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = answer

            def log_message(self, *_):
                """Stays silent: what arrived is kept, not printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def requests_of(self, row):
        """Path and headers of the requests that came from a row."""
        return [(path, headers) for of, path, headers in self.seen if of == row]


class Nginx:
    """A context manager: runs while inside."""

    def __init__(self, forward_auth, upstream_port):
        self._forward_auth = forward_auth
        self._upstream_port = upstream_port

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="jeton-nginx-")
        self._socket = os.path.join(self._folder, "nginx.sock")
        with open("nginx.conf", encoding="utf-8") as file:
            text = file.read()
        authority = os.environ.get("JETON_CA")
        tls = f"proxy_ssl_verify on; proxy_ssl_trusted_certificate {authority}; proxy_ssl_name localhost;"
        text = text.replace("TLS\n", (tls if authority else "") + "\n")
        text = text.replace("FORWARD_AUTH", self._forward_auth).replace("UPSTREAM", str(self._upstream_port))
        path = os.path.join(self._folder, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("FOLDER", self._folder))
        self._process = subprocess.Popen(["nginx", "-p", self._folder, "-c", path])
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=10)
        shutil.rmtree(self._folder)

    def _wait(self):
        for _ in range(200):
            if self._process.poll() is not None:
                raise RuntimeError("nginx did not start: it says why above")
            try:
                return self._connect().close()
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("nginx does not listen after ten seconds")

    def _connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(self._socket)
        return connection

    def send(self, row, method, path, headers):
        """Sends a request line and header lines byte for byte; gives the status, 0 if there is none."""
        # Without `close` nginx would keep the connection, and the answer's end would be unknown here.
        closing = [re.sub("^Connection: ", "Connection: close, ", header) for header in headers]
        if closing == headers:
            closing = ["Connection: close", *headers]
        lines = [f"{method} {path} HTTP/1.1", f"{ROW}: {row}", *closing, "", ""]
        answer = b""
        with self._connect() as connection:
            connection.sendall("\r\n".join(lines).encode("latin-1"))
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except ConnectionResetError:
                pass  # nginx hangs up on some malformed requests.
        words = answer.split(b"\r\n", 1)[0].split()
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
