/**
 * The command line: every part of the house can be run and watched from a shell.
 *
 * <p><b>The problem.</b> A reader who has just cloned the engine also wants to see it at work. And
 * a mistake at the prompt should cost a line, not a stack trace.
 *
 * <p><b>The idea.</b> One class per command, one class of flags per subject ({@code ComputeFlags},
 * {@code MemoryFlags}, {@code ScheduleFlags}, {@code SharingFlags}, {@code SpeculationFlags},
 * {@code SamplingFlags}, {@code PromptFlags}, {@code ModelOption}, {@code TraceFlag}), and no logic
 * beyond printing and files: the JSON of {@code run-batch} is read and written by {@code
 * orrery.openai}. Flags are named as in SGLang where it has one. A command offers the flags that it
 * uses, errors name them as they were written ({@code FlagNames}), and a flag that changes nothing
 * beside the others gets a line that says so ({@code NoEffect}).
 *
 * <pre>
 *   orrery demo        a story, a chat answer, a task: the newcomer's first minute
 *          generate    one prompt, streamed            text on stdout, figures on stderr
 *          run-batch   a file of requests          OpenAI's batch format, answers in order
 *          inspect     what a model consists of        --tensors, --program, --config
 *          quantize    a copy in 8 or 4 bits       what the rounding costs, on held-out text
 *          dump        every number of a forward pass  a safetensors file for others' tests
 *          bench       what this machine can do        ratios of one run
 *          trace-svg   a picture of a trace        lanes, steps and pages as SVG
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Exit codes: 0 done, 1 it could not be done (file, model), 2 the command line was wrong, 3
 *       every line of a batch failed, 130 and 143 after a signal.
 *   <li>No command destroys a file that it was not asked to write ({@code CommandFiles}). A run
 *       that is stopped keeps the answers that are ready, and says so.
 *   <li>Output that cannot be written ends the command ({@code StandardOutput}).
 *   <li>Arguments, names of files and output are UTF-8 in every locale ({@code Arguments}, and the
 *       launcher).
 *   <li>A user's mistake is one line that names the thing, what was expected and what was found. A
 *       stack trace means a bug of ours and says so.
 *   <li>What a program may want to read goes to standard output; remarks go to standard error.
 *   <li>Only this package and {@code lab} print ({@code ArchitectureTest.onlyCliAndLabPrint}).
 *   <li>Numbers are printed with a point in every locale.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery --help}; every command has its own {@code --help}.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/server_args.py}; vLLM {@code entrypoints/cli/main.py},
 * {@code engine/arg_utils.py}; TensorRT-LLM {@code commands/serve.py}, {@code commands/bench.py}.
 */
package orrery.cli;
