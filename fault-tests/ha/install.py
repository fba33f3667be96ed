"""What a run needs and may not find: Debian's packages, and Patroni with its libraries in an environment of its own."""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
# PostgreSQL's user runs Patroni too, and may not get into the home of whoever installed another Python.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def in_environment(arguments):
    """Goes on in the environment of Patroni, which it makes first if need be. Returns only there."""
    environment = environment_folder()
    if pathlib.Path(sys.prefix) == environment:
        return
    install_packages()
    if not is_installed(environment):
        print(f"installing Patroni into {environment}", flush=True)
        shutil.rmtree(environment, ignore_errors=True)
        attempt([PYTHON, "-m", "venv", environment], "make a Python environment")
        attempt([environment / "bin/pip", "install", "--quiet", "--disable-pip-version-check",
                 "--requirement", REQUIREMENTS], "install Patroni")
        shutil.copy(REQUIREMENTS, environment / "installed.txt")
    os.execv(environment / "bin/python", [environment / "bin/python", *arguments])


def environment_folder():
    """Among what cargo builds, so that it goes with it."""
    target = os.environ.get("CARGO_TARGET_DIR") or HERE.parents[1] / "target"
    return pathlib.Path(target).resolve() / "faults" / "patroni"


def is_installed(environment):
    try:
        return (environment / "installed.txt").read_text() == REQUIREMENTS.read_text()
    except OSError:
        return False


def install_packages():
    missing = [package for package, found in (
        ("etcd-server", shutil.which("etcd")),
        ("postgresql", postgres_folder()),
        ("python3-venv", subprocess.run([PYTHON, "-c", "import ensurepip"], capture_output=True).returncode == 0),
    ) if not found]
    if missing:
        print(f"installing {' '.join(missing)}", flush=True)
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        attempt([*as_root, "apt-get", "update", "-q"], "read Debian's lists")
        attempt([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qy",
                 "--no-install-recommends", *missing], f"install {' '.join(missing)}")


def attempt(command, what):
    """Runs a command to its end; ends this program with all that it said if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-2000:]}\nfaults ha: cannot {what}: do it by hand, then try again")


def postgres_folder():
    """Where the server's programs are, or None: Debian keeps them out of PATH. The newest version wins."""
    if found := shutil.which("initdb"):
        return pathlib.Path(found).resolve().parent
    folders = (initdb.parent for initdb in pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)
