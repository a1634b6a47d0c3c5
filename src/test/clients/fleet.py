"""Processes that a script starts, and what it asks them over HTTP. Nothing to install."""

import contextlib
import json
import random
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

GIVEN = set()  # ports


def check(what, fine, found=""):
    """Prints one line; the first check that fails ends the script."""
    print(("ok   " if fine else "FAIL ") + what + ("" if fine else f": found {found!r}"),
          flush=True)
    if not fine:
        sys.exit(1)


def require(what, fine, found=""):
    """A check that says nothing if all is well."""
    if not fine:
        check(what, False, found)


def free_ports(count):
    """Ports that no process has just now, all different, also from call to call.

    They lie below those that the system gives to connections: a server that is killed and started
    again finds its port free.
    """
    ports = []
    while len(ports) < count:
        port = random.randrange(10000, 30000)
        with socket.socket() as s, contextlib.suppress(OSError):  # another process has it
            s.bind(("127.0.0.1", port))
            if port not in GIVEN:
                GIVEN.add(port)
                ports.append(port)
    return ports


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as r:
        return r.read().decode()


def post(port, path, body, timeout=120):
    """Status and text of the answer; a connection that breaks has the status 0."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except TimeoutError:
        raise  # no end is no answer
    except OSError as e:
        if isinstance(getattr(e, "reason", None), TimeoutError):
            raise
        return 0, str(e)
    except Exception as e:  # http.client's: the body ends before its last chunk
        return 0, repr(e)


def wait_for(what, come, seconds=60):
    """Waits until something holds; if it never does, the script fails."""
    end = time.monotonic() + seconds
    found = None
    while time.monotonic() < end:
        try:
            found = come()
            if found is True:
                return
        except OSError as e:
            found = e
        time.sleep(0.1)
    check(what, False, found)


def metric(port, name, missing=None):
    """The value of a metric with no label but the model's name; what is missing may count."""
    for line in get(port, "/metrics").splitlines():
        if line.startswith(name + "{"):
            return float(line.split()[-1])
    if missing is None:
        raise OSError(f"no metric {name} yet")
    return missing


class Fleet:
    """Servers and a router. With it end all its processes."""

    def __init__(self, orrery, router):
        self.orrery, self.router = shlex.split(orrery), shlex.split(router)
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process, log in self.started:
            process.kill()
            process.wait()
        if sys.exc_info()[0]:
            for process, log in self.started:
                log.seek(0)
                print(shlex.join(process.args), "said:", log.read().decode()[-4000:])

    def start(self, command):
        log = tempfile.TemporaryFile()
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self.started.append((process, log))
        return process

    def serve(self, port, *flags):
        """A server, which may not answer yet."""
        return self.start([*self.orrery, "serve", "--port", str(port), *flags])

    def route(self, port, *flags):
        """A router, which may not answer yet."""
        metrics, = free_ports(1)
        return self.start([*self.router, "--host", "127.0.0.1", "--port", str(port),
                           "--prometheus-host", "127.0.0.1", "--prometheus-port", str(metrics),
                           *flags])


def healthy(port):
    get(port, "/health")
    return True
