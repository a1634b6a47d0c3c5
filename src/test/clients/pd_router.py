"""SGLang's router, unmodified, in front of servers of `orrery serve` that share each request.

    pip install sglang-router==0.3.2
    python src/test/clients/pd_router.py target/orrery/bin/orrery "sglang-router launch"

Two servers compute prompts, two decode, and a fifth one does whole requests: what it answers is
what the others together must answer, whole and streamed. Then a server of each kind is killed
under load and started again. Each check prints one line.
"""

import concurrent.futures
import json
import socket
import sys
import threading
from fleet import Fleet, check, free_ports, get, healthy, metric, post, require, wait_for

ALONE, FRONT, P1, P2, D1, D2, CALLS1, CALLS2 = free_ports(8)
MODEL = "storyteller-moe"
CLIENTS = 12
PATIENCE = "10"  # seconds for which a prompt waits for a server that decodes it
PREFILL = {P1: CALLS1, P2: CALLS2}
DECODE = (D1, D2)
QUEUES = ("prefill_bootstrap", "prefill_inflight", "decode_prealloc", "decode_transfer")
COMPLETION, CHAT, GENERATE = "/v1/completions", "/v1/chat/completions", "/generate"


def serve(fleet, port):
    """As a user starts it. Pages of the cache are few, so that requests wait for them."""
    flags = ["--skip-server-warmup", "--threads", "1",
             "--max-total-tokens", "2048", "--context-length", "512"]
    if port in PREFILL:
        flags += ["--disaggregation-mode", "prefill", "--disaggregation-bootstrap-port",
                  str(PREFILL[port]), "--disaggregation-bootstrap-timeout", PATIENCE]
    elif port in DECODE:
        flags += ["--disaggregation-mode", "decode", "--disaggregation-prefill-hosts",
                  ",".join(f"127.0.0.1:{calls}" for calls in PREFILL.values())]
    return fleet.serve(port, *flags)


def completion(prompt, **more):
    return COMPLETION, {"model": MODEL, "prompt": prompt, "max_tokens": 40, "temperature": 0,
                        **more}


def generate(sampling=(), **body):
    params = {"temperature": 0, "max_new_tokens": 40, **dict(sampling)}
    return GENERATE, {"model": MODEL, "sampling_params": params, **body}


def chat(question, **more):
    messages = [{"role": "system", "content": "You answer."},
                {"role": "user", "content": question}]
    return CHAT, {"model": MODEL, "messages": messages, "max_tokens": 40, "temperature": 0, **more}


STORY = "Once upon a time there was a kind owl who lived in"
CASES = {
    "a completion": completion(STORY),
    "a drawn completion": completion(STORY, temperature=0.9, top_p=0.9, seed=11),
    "a completion of one token": completion(STORY, max_tokens=1),
    "three choices": completion(STORY, n=3, temperature=0.9, seed=5),
    "a list of prompts": completion([STORY, "sort: 9 4 7 =>", "add: 27 + 45 =>"]),
    "a list of prompts, two choices each": completion([STORY, "sort: 9 4 7 =>"], n=2, seed=3,
                                                      temperature=0.8),
    "a list of one prompt": completion(["sort: 9 4 7 =>"]),
    "a stop string": completion(STORY, stop=["."]),
    "log-probabilities": completion(STORY, logprobs=2),
    "a long prompt": completion(" ".join([STORY] * 20)),
    "a chat": chat("What is the opposite of hot?"),
    "a drawn chat": chat("What is the opposite of hot?", temperature=0.9, seed=4),
    "a chat with three choices": chat("What is the opposite of hot?", n=3, temperature=0.9,
                                      seed=4),
    "generate": generate(text=STORY),
    "generate from token ids": generate(input_ids=[5, 80, 91, 33, 7]),
    "generate from lists of token ids": generate(input_ids=[[5, 80, 91, 33, 7], [9, 26, 5, 35]]),
    "generate two choices": generate({"n": 2}, text=STORY),
    "generate with log-probabilities": generate(text=STORY, return_logprob=True,
                                                logprob_start_len=0),
}


def events(text):
    lines = [line for line in text.split("\n") if line]
    require("a stream has events alone", all(line.startswith("data: ") for line in lines), text)
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


def texts(path, body, answer):
    """Text and reason of the end of each choice, in their order; None if something is missing."""
    if body.get("stream"):
        if not answer.endswith("data: [DONE]\n\n"):
            return None
        return streamed(path, events(answer))
    whole = json.loads(answer)
    if path == GENERATE:
        whole = whole if isinstance(whole, list) else [whole]
        return [(a["text"], a["meta_info"]["finish_reason"]["type"]) for a in whole]
    text = (lambda c: c["text"]) if path == COMPLETION else (lambda c: c["message"]["content"])
    choices = sorted(whole["choices"], key=lambda c: c["index"])
    return [(text(c), c["finish_reason"]) for c in choices]


def streamed(path, all_events):
    found = {}
    for event in all_events:
        if "error" in event:
            return None
        for part in [event] if path == GENERATE else event["choices"]:
            text, reason = found.get(part.get("index", 0), ("", None))
            if path == GENERATE:  # the text so far
                text, end = part["text"], part["meta_info"]["finish_reason"]
                end = end and end["type"]
            else:
                text += part["text"] if path == COMPLETION else part["delta"].get("content") or ""
                end = part["finish_reason"]
            found[part.get("index", 0)] = text, end or reason
    return [found[i] for i in sorted(found)]


def scores(path, answer):
    """All log-probabilities of an answer."""
    whole = json.loads(answer)
    if path == GENERATE:
        metas = [a["meta_info"] for a in (whole if isinstance(whole, list) else [whole])]
        return [[m.get(side + "_token_logprobs") for side in ("input", "output")] for m in metas]
    return [c["logprobs"] for c in whole["choices"]]


def answers():
    """What the server of whole requests answers to each case."""
    all_of_them = {}
    for name, (path, body) in CASES.items():
        for stream in (False, True):
            asked = {**body, "stream": stream}
            status, answer = post(ALONE, path, asked)
            require(f"alone: {name}", status == 200, (status, answer))
            score = None if stream else scores(path, answer)
            all_of_them[name, stream] = path, asked, texts(path, asked, answer), score
    return all_of_them


def the_same(expected):
    for (name, stream), (path, body, text, score) in expected.items():
        status, answer = post(FRONT, path, body)
        found = texts(path, body, answer) if status == 200 else (status, answer)
        check(f"{name}{', streamed' if stream else ''}", found == text, (found, text))
        if score is not None:
            require(f"{name}: its log-probabilities", scores(path, answer) == score, answer)


def at_once(expected):
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        asked = [(e, pool.submit(post, FRONT, e[0], e[1])) for e in list(expected.values()) * 3]
        wrong = [(e[1], f.result()) for e, f in asked
                 if f.result()[0] != 200 or texts(e[0], e[1], f.result()[1]) != e[2]]
    check(f"{len(asked)} requests, {CLIENTS} at once", not wrong, wrong[:1])
    wait_for("every server has worked", lambda: min(worked()) > 0 or worked(), 10)


def worked():
    """Requests of each server."""
    return [metric(p, "sglang:num_requests_total") for p in (*PREFILL, *DECODE)]


def refused():
    for field, value in {"temperature": -1, "model": "other"}.items():
        path, body = completion(STORY, **{field: value})
        alone, through = post(ALONE, path, body), post(FRONT, path, body)
        check(f"a wrong {field} is refused by its name",
              through[0] == alone[0] >= 400 and field in through[1], (through, alone))


def left():
    """A client that leaves a stream after its first bytes."""
    path, body = completion(STORY, max_tokens=400, ignore_eos=True, stream=True)
    text = json.dumps(body).encode()
    with socket.create_connection(("127.0.0.1", FRONT)) as s:
        s.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {len(text)}\r\n\r\n".encode() + text)
        check("a stream begins", b"200" in s.recv(100))


def idle(ports):
    """No request is left, no page is held, and after a flush every page is free."""
    for port in ports:
        wait_for(f"port {port} is idle", lambda: unsettled(port) or True, 20)
        post(port, "/flush_cache", {})
        wait_for(f"port {port} has all pages free", lambda: lost(port) or True, 10)


def unsettled(port):
    load, = json.loads(get(port, "/get_load"))
    counts = {"num_reqs": load["num_reqs"], "num_tokens": load["num_tokens"],
              "kv_used_tokens": metric(port, "sglang:kv_used_tokens")}
    for queue in QUEUES:
        name = f"sglang:num_{queue}_queue_reqs"
        counts[queue] = metric(port, name) if name in get(port, "/metrics") else 0
    return {name: count for name, count in counts.items() if count}


def lost(port):
    most = metric(port, "sglang:max_total_num_tokens")
    free = metric(port, "sglang:kv_available_tokens")
    return {"tokens": most, "free": free} if most != free else None


class Load:
    """Clients that ask one request after the other, each of which must end."""

    def __init__(self, expected):
        self.expected = list(expected.values())
        self.ends, self.wrong = {"answer": 0, "error": 0, "broken stream": 0}, []
        self.lock, self.stopped, self.next = threading.Lock(), threading.Event(), 0
        self.threads = [threading.Thread(target=self.ask) for _ in range(CLIENTS)]
        for t in self.threads:
            t.start()

    def ask(self):
        while not self.stopped.is_set():
            with self.lock:
                path, body, text, _ = self.expected[self.next % len(self.expected)]
                self.next += 1
            try:
                end = self.end(path, body, text, *post(FRONT, path, body, 60))
            except Exception as e:
                self.wrong.append((body, repr(e)))
                return
            with self.lock:
                self.ends[end] += 1

    def end(self, path, body, text, status, answer):
        if status == 200 and texts(path, body, answer) == text:
            return "answer"
        if status >= 500 and "error" in answer:
            return "error"
        # the router passes a stream on, and cannot take back what it has sent
        if body["stream"] and (status == 0 or status == 200 and texts(path, body, answer) is None):
            return "broken stream"
        self.wrong.append((body, text, status, answer))
        return "error"

    def answered(self):
        with self.lock:
            return self.ends["answer"]

    def until(self, more, what):
        goal = self.answered() + more
        wait_for(what, lambda: self.answered() >= goal or (self.ends, self.wrong[:1]), 90)

    def stop(self):
        self.stopped.set()
        for t in self.threads:
            t.join()


def killed(fleet, servers, victim, what, expected):
    load = Load(expected)
    try:
        load.until(2 * CLIENTS, "answers before the kill")
        servers[victim].kill()
        servers[victim].wait()
        load.until(2 * CLIENTS, f"{what} was killed, and the other one answers")
    finally:
        load.stop()
    check(f"{what} was killed: every request ended: {load.ends}", not load.wrong, load.wrong[:1])
    idle([p for p in servers if p != victim])
    servers[victim] = serve(fleet, victim)
    wait_for(f"{what} answers again", lambda: healthy(victim))
    wait_for("the router asks it again", lambda: asked_again(victim))
    the_same(expected)
    at_once(expected)
    idle(servers)


def asked_again(port):
    post(FRONT, *completion(STORY, max_tokens=4))
    return metric(port, "sglang:num_requests_total") > 0


def main():
    with Fleet(*sys.argv[1:3]) as fleet:
        servers = {port: serve(fleet, port) for port in (ALONE, *PREFILL, *DECODE)}
        for port in servers:
            wait_for(f"port {port} answers", lambda: healthy(port))
        url = "http://127.0.0.1:{}".format
        fleet.route(FRONT, "--pd-disaggregation",
                    *[w for p, calls in PREFILL.items() for w in ("--prefill", url(p), str(calls))],
                    *[w for p in DECODE for w in ("--decode", url(p))],
                    "--policy", "round_robin", "--worker-startup-check-interval", "1",
                    "--health-check-interval-secs", "1", "--health-failure-threshold", "1",
                    "--health-success-threshold", "1", "--cb-timeout-duration-secs", "2")
        wait_for("the router answers", lambda: post(FRONT, *completion(STORY))[0] == 200)
        try:
            play(fleet, servers, answers())
        except BaseException:
            for port in servers:
                print(f"port {port} is left with", unsettled(port))
            raise


def play(fleet, servers, expected):
    the_same(expected)
    at_once(expected)
    refused()
    left()
    idle(servers)
    check("no page is held", True)
    killed(fleet, servers, D1, "a decode server", expected)
    killed(fleet, servers, P1, "a prefill server", expected)


main()
