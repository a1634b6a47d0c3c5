#!/usr/bin/env bash
# SGLang's and vLLM's load generators, unmodified, against a running `orrery serve`.
#
#   pip install vllm==0.33.0
#   pip install --no-deps sglang==0.5.23
#   pip install ipython datasets pybase64 orjson msgspec gguf loguru
#   src/test/clients/bench.sh http://127.0.0.1:30000 tiny-models/storyteller-moe
set -euo pipefail
BASE=${1:-http://127.0.0.1:30000}
MODEL=${2:-tiny-models/storyteller-moe}
HOST=${BASE#http://}; PORT=${HOST##*:}; HOST=${HOST%%:*}
PYTHON=${PYTHON:-python}
for backend in sglang sglang-oai vllm; do
  echo "== sglang.benchmark.serving --backend $backend"
  "$PYTHON" -m sglang.benchmark.serving --backend $backend --host "$HOST" --port "$PORT" \
    --model "$MODEL" --tokenizer "$MODEL" --dataset-name random-ids --random-input-len 64 --random-output-len 32 \
    --random-range-ratio 0.5 --num-prompts 64 --max-concurrency 16 --flush-cache 2>&1 \
    | grep -E "^(Successful|Benchmark duration|Output token throughput|Accept|Mean TTFT|Mean TPOT|.*Error)"
done
echo "== vllm bench serve"
"$PYTHON" -m vllm.entrypoints.cli.main bench serve --backend openai --base-url "$BASE" --endpoint /v1/completions \
  --model "$MODEL" --dataset-name random --random-input-len 64 --random-output-len 32 \
  --num-prompts 64 --max-concurrency 16 2>&1 \
  | grep -E "^(Successful|Failed|Benchmark duration|Output token throughput|Acceptance|Mean TTFT|Mean TPOT|.*Error)"
