"""A router in front of two replicas of `orrery serve`, one of which is killed under load.

    pip install sglang-router==0.3.2        # or: pip install smg==1.13.0
    python src/test/clients/router.py target/orrery/bin/orrery "python -m sglang_router.launch_router"
    python src/test/clients/router.py target/orrery/bin/orrery "smg launch"

The script starts the replicas and the router, sends conversations that share a beginning, kills
one replica, and counts. A whole answer must never be lost: the router asks the other replica.
A stream that is under way on the killed replica breaks off, since no router repeats a stream.
"""

import concurrent.futures
import json
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ORRERY, ROUTER = sys.argv[1], shlex.split(sys.argv[2])
PORTS, FRONT = (31001, 31002), 31000
THEMES = ["a kind owl who lived", "a brave otter named Tim and", "two small rabbits in the"]


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as r:
        return r.status, r.read().decode()


def wait(port, path="/health"):
    for _ in range(600):
        try:
            if get(port, path)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"port {port} does not answer {path}")


def ask(i, stream):
    """Returns whether the answer came whole."""
    prompt = f"Once upon a time there was {THEMES[i % 3]}" + " very" * (i % 5)
    body = {"model": "storyteller-moe", "prompt": prompt, "max_tokens": 60, "seed": i,
            "ignore_eos": True, "stream": stream}
    request = urllib.request.Request(
        f"http://127.0.0.1:{FRONT}/v1/completions", json.dumps(body).encode(),
        {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as r:
            text = r.read().decode()
        return "data: [DONE]" in text and '"error"' not in text if stream else (
            json.loads(text)["usage"]["completion_tokens"] == 60)
    except (OSError, ValueError, urllib.error.HTTPError):
        return False


def load(count, stream, kill=None):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(ask, i, stream) for i in range(count)]
        if kill:
            time.sleep(1.0)
            kill.send_signal(signal.SIGKILL)
        return sum(f.result() for f in futures)


def requests_of(port):
    for line in get(port, "/metrics")[1].splitlines():
        if line.startswith("sglang:num_requests_total"):
            return int(float(line.split()[-1]))
    return 0


processes = []
try:
    log = tempfile.TemporaryFile()
    for port in PORTS:
        processes.append(subprocess.Popen(
            [ORRERY, "serve", "--port", str(port), "--max-running-requests", "16"],
            stdout=log, stderr=log))
    for port in PORTS:
        wait(port)
    urls = [f"http://127.0.0.1:{p}" for p in PORTS]
    processes.append(subprocess.Popen(
        ROUTER + ["--worker-urls", *urls, "--policy", "cache_aware", "--port", str(FRONT),
                  "--worker-startup-check-interval", "1"], stdout=log, stderr=log))
    wait(FRONT, "/health")
    while not ask(0, False):
        time.sleep(0.2)
    print("whole answers:", load(48, False), "of 48")
    print("streams:      ", load(48, True), "of 48")
    print("requests of each replica:", [requests_of(p) for p in PORTS])
    busiest = max(range(2), key=lambda i: requests_of(PORTS[i]))
    whole = load(96, False, kill=processes[busiest])
    print("whole answers with one replica killed:", whole, "of 96")
    streams = load(24, True)
    print("streams after that:", streams, "of 24")
    processes[1 - busiest].send_signal(signal.SIGTERM)
    print("the other replica drains and exits with", processes[1 - busiest].wait(30))
    sys.exit(0 if (whole, streams) == (96, 24) else 1)
finally:
    for p in processes:
        p.kill()
