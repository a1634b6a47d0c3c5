"""A router in front of two replicas of `orrery serve`, one of which is killed under load.

    pip install sglang-router==0.3.2        # or: pip install smg==1.13.0
    python src/test/clients/router.py target/orrery/bin/orrery "sglang-router launch"
    python src/test/clients/router.py target/orrery/bin/orrery "smg launch"

The script starts the replicas and the router, sends conversations that share a beginning, kills
one replica, and counts. A whole answer must never be lost: the router asks the other replica.
A stream that is under way on the killed replica breaks off, since no router repeats a stream.
"""

import concurrent.futures
import json
import sys
import time
from fleet import Fleet, free_ports, healthy, metric, post, wait_for

FRONT, *PORTS = free_ports(3)
THEMES = ["a kind owl who lived", "a brave otter named Tim and", "two small rabbits in the"]


def ask(i, stream):
    """Returns whether the answer came whole."""
    prompt = f"Once upon a time there was {THEMES[i % 3]}" + " very" * (i % 5)
    status, answer = post(FRONT, "/v1/completions", {
        "model": "storyteller-moe", "prompt": prompt, "max_tokens": 60, "seed": i,
        "ignore_eos": True, "stream": stream})
    if status != 200:
        return False
    if stream:
        return "data: [DONE]" in answer and '"error"' not in answer
    return json.loads(answer)["usage"]["completion_tokens"] == 60


def load(count, stream, kill=None):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(ask, i, stream) for i in range(count)]
        if kill:
            time.sleep(1.0)
            kill.kill()
        return sum(f.result() for f in futures)


def requests_of(port):
    return int(metric(port, "sglang:num_requests_total", missing=0))


def main():
    with Fleet(*sys.argv[1:3]) as fleet:
        replicas = [fleet.serve(port, "--max-running-requests", "16") for port in PORTS]
        for port in PORTS:
            wait_for(f"port {port} answers", lambda: healthy(port))
        fleet.route(FRONT, "--worker-urls", *[f"http://127.0.0.1:{p}" for p in PORTS],
                    "--policy", "cache_aware", "--worker-startup-check-interval", "1")
        wait_for("the router answers", lambda: ask(0, False))
        print("whole answers:", load(48, False), "of 48")
        print("streams:      ", load(48, True), "of 48")
        counts = [requests_of(p) for p in PORTS]
        print("requests of each replica:", counts)
        busiest = counts.index(max(counts))
        whole = load(96, False, kill=replicas[busiest])
        print("whole answers with one replica killed:", whole, "of 96")
        streams = load(24, True)
        print("streams after that:", streams, "of 24")
        replicas[1 - busiest].terminate()
        print("the other replica drains and exits with", replicas[1 - busiest].wait(30))
        return whole == 96 and streams == 24


sys.exit(0 if main() else 1)
