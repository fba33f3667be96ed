"""An installation in a folder, and `jeton serve` on it."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

JETON = os.environ["JETON"]


class Server:
    """What `jeton init` made, known to peers by `public_url`; `serve` starts it."""

    def __init__(self, folder, public_url):
        self.folder = Path(folder)
        self.environment = {**os.environ, "JETON_CONFIG": f"{folder}/jeton.toml"}
        self.command("init", str(folder))
        config = self.folder / "jeton.toml"
        text = re.sub(r"(?m)^public_url = .*$", f'public_url = "{public_url}"', config.read_text("utf-8"))
        config.write_text(text, "utf-8")
        self.processes = []

    def command(self, *args, stdin=""):
        """Runs a command that must succeed; gives what it prints."""
        done = subprocess.run(
            [JETON, *args], env=self.environment, input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"jeton {' '.join(args)}: {done.stderr}")
        return done.stdout

    def told(self, *args, stdin=""):
        """The same, read."""
        return json.loads(self.command(*args, "--json", stdin=stdin))

    def serve(self, listen="127.0.0.1:0"):
        """Starts it; gives its address."""
        return self.start("serve", "--listen", listen, "--admin-listen", "127.0.0.1:0")

    def start(self, *args):
        """Starts a command that listens until `stop`; gives its address."""
        path = self.folder / f"{len(self.processes)}.log"
        with path.open("wb") as log:
            process = subprocess.Popen([JETON, *args], env=self.environment, stdout=subprocess.DEVNULL, stderr=log)
        self.processes.append(process)
        for _ in range(600):
            for line in path.read_text("utf-8").splitlines():
                found = re.search(r'"?listen"?[=:]"?([0-9.:]+)', line)
                if "ready" in line and found:
                    return f"http://{found[1]}"
            if process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit(f"jeton {args[0]} did not start: {path.read_text('utf-8')}")

    def stop(self):
        """Ends what was started; whether all of it ended well."""
        for process in reversed(self.processes):
            process.terminate()
        return all(process.wait(timeout=30) == 0 for process in self.processes)
