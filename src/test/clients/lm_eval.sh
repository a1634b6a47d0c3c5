#!/usr/bin/env bash
# EleutherAI's evaluation harness, unmodified, against a running `orrery serve`: a task that scores
# the prompt with its endings (log-probabilities, echo) and one that generates.
#
#   pip install 'lm-eval[api]' transformers
#   src/test/clients/lm_eval.sh http://127.0.0.1:30000 tiny-models/storyteller-moe
set -euo pipefail
BASE=${1:-http://127.0.0.1:30000}
MODEL=${2:-tiny-models/storyteller-moe}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cat > "$WORK/opposites.jsonl" <<'J'
{"word": "hot", "good": " cold", "bad": " seven"}
{"word": "big", "good": " small", "bad": " seven"}
{"word": "day", "good": " night", "bad": " seven"}
{"word": "up", "good": " down", "bad": " seven"}
J
cat > "$WORK/opposites.yaml" <<Y
task: opposites
dataset_path: json
dataset_kwargs: {data_files: {test: $WORK/opposites.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "<|user|>What is the opposite of {{word}}?<|end|><|assistant|>The opposite of {{word}} is"
doc_to_choice: "{{[good, bad]}}"
doc_to_target: 0
target_delimiter: ""
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
Y
cat > "$WORK/sorting.jsonl" <<'J'
{"prompt": "sort: 9 4 7 =>", "answer": "4 7 9"}
{"prompt": "sort: 3 1 2 =>", "answer": "1 2 3"}
{"prompt": "sort: 8 5 6 =>", "answer": "5 6 8"}
J
cat > "$WORK/sorting.yaml" <<Y
task: sorting
dataset_path: json
dataset_kwargs: {data_files: {test: $WORK/sorting.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{prompt}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\n"], max_gen_toks: 12, do_sample: false}
filter_list:
  - name: strip
    filter: [{function: regex, regex_pattern: "([0-9 ]+)"}, {function: take_first}]
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true}]
Y
"${PYTHON:-python}" -m lm_eval --model local-completions --include_path "$WORK" --tasks opposites,sorting \
  --model_args "model=$(basename "$MODEL"),base_url=$BASE/v1/completions,tokenizer=$MODEL,num_concurrent=4" --batch_size 2 2>&1 \
  | grep -E "^\||rror"
