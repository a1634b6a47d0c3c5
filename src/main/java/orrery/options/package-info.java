/**
 * Options: one way to hold switches, to change one, and to refuse a bad value.
 *
 * <p><b>The problem.</b> An engine gets a new switch every week. If each switch must be repeated in
 * a constructor, a builder, a copy of the builder, the command line and the tests, then a week's
 * work is mostly repetition, and one of the places is forgotten.
 *
 * <p><b>The idea.</b> The switches of a package are one immutable record in that package. Its
 * constructor refuses a value out of range. {@code defaults()} gives the default values, and each
 * component has a method {@code with…} that gives a copy with another value:
 *
 * <pre>
 *   EngineOptions                       one record of records
 *     compute      ComputeOptions       threads, kernels, graph               package graph
 *     kv           KvOptions            page-size, max-total-tokens, …                kv
 *     batching     BatchingOptions      schedule-policy, chunked-prefill-size, …      batching
 *     prefix       PrefixOptions        prefix-cache, radix-eviction-policy           prefix
 *     speculation  SpeculationOptions   speculative-algorithm, …                      speculation
 * </pre>
 *
 * <p>A switch has one name. The component {@code maxTotalTokens} is the flag {@code
 * --max-total-tokens} of the command line and the {@code max-total-tokens} of an error message. The
 * components of {@code SpeculationOptions} have {@code speculative-} before their names there.
 *
 * <p><b>Invariants.</b> {@code OptionsTest}, {@code SwitchFlagsTest} and {@code SwitchCellTest} go
 * through the components of these records, so they also cover a switch that is added tomorrow.
 *
 * <ul>
 *   <li>Each {@code with…} changes what it names and nothing else.
 *   <li>Each switch has a flag, or a reason for none. A flag that is not given leaves the default.
 *   <li>Each boolean and each enum of the engine is in the switch matrix, with all its values. A
 *       number is there with a few values, or has a reason for none.
 * </ul>
 *
 * <p><b>Add one.</b> {@code docs/adding-to-the-house.md} adds a switch as an example.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/server_args.py}; vLLM {@code vllm/config/}, one class for
 * each part of the engine; TensorRT-LLM {@code llmapi/llm_args.py}.
 */
package orrery.options;
