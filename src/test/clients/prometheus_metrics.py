"""Reads /metrics with Prometheus' own parser, and checks what dashboards count on.

    pip install prometheus-client
    python src/test/clients/prometheus_metrics.py http://127.0.0.1:30000
"""

import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:30000"
with urllib.request.urlopen(BASE + "/metrics") as response:
    kind = response.headers["Content-Type"]
    text = response.read().decode()
families = {f.name: f for f in text_string_to_metric_families(text)}


def check(what, fine, found=""):
    print(("ok   " if fine else "FAIL ") + what + ("" if fine else f": found {found!r}"))
    if not fine:
        sys.exit(1)


def value(name, sample=None):
    return sum(s.value for s in families["sglang:" + name].samples
               if s.name == "sglang:" + (sample or name))


check("the content type is Prometheus' text format", kind.startswith("text/plain; version=0.0.4"),
      kind)
check("each family has help and a type",
      all(f.documentation and f.type != "unknown" for f in families.values()),
      [f.name for f in families.values() if not f.documentation or f.type == "unknown"])
for gauge in ("num_running_reqs num_queue_reqs token_usage num_used_tokens kv_used_tokens "
              "kv_available_tokens kv_evictable_tokens max_total_num_tokens cache_hit_rate "
              "gen_throughput spec_accept_length").split():
    check("gauge " + gauge, families.get("sglang:" + gauge, None) is not None
          and families["sglang:" + gauge].type == "gauge")
for counter in ("prompt_tokens generation_tokens num_requests num_aborted_requests "
                "cached_tokens").split():
    check("counter " + counter, families.get("sglang:" + counter, None) is not None
          and families["sglang:" + counter].type == "counter")
for name in ("time_to_first_token_seconds inter_token_latency_seconds e2e_request_latency_seconds "
             "queue_time_seconds").split():
    family = families.get("sglang:" + name)
    check("histogram " + name, family is not None and family.type == "histogram")
    buckets = [s for s in family.samples if s.name.endswith("_bucket")]
    counts = [s.value for s in buckets]
    check("  its buckets cumulate, and the last one has all",
          counts == sorted(counts) and buckets[-1].labels["le"] == "+Inf"
          and counts[-1] == value(name, name + "_count"), counts)
check("nothing runs or waits", value("num_running_reqs") == 0 and value("num_queue_reqs") == 0)
check("no page is held by a request", value("kv_used_tokens") == 0, value("kv_used_tokens"))
check("used, evictable and available tokens are all tokens",
      value("kv_used_tokens") + value("kv_evictable_tokens") + value("kv_available_tokens")
      == value("max_total_num_tokens"))
print("all checks passed")
