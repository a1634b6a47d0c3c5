/**
 * Checkpoints: how weights and their description are read from disk, and how one line tells what is
 * wrong with them.
 *
 * <p><b>The problem.</b> A model directory is a few small JSON files and gigabytes of numbers,
 * often from a stranger. Reading it must be fast (a server restarts) and must not double its size
 * in memory. And a file that is truncated, mislabelled or hostile must do no harm.
 *
 * <p><b>The idea.</b> The safetensors format is a length, a JSON header and raw little-endian
 * numbers. {@link orrery.checkpoint.SafetensorsFile} maps the file and checks the whole header
 * once. After that a {@link orrery.checkpoint.Tensor} is a view of mapped memory, and a weight
 * packer reads its rows from there without a float32 copy of the tensor.
 *
 * <pre>
 *   model.safetensors.index.json        model-00002-of-00003.safetensors
 *   weight_map: name → shard   ──►      | 8 bytes: N | N bytes of JSON | data ............... |
 *                                                      name → dtype,      ▲            ▲
 *                                                      shape, offsets ────┴────────────┘
 *   Checkpoint.tensor(name, shape) ──►  Tensor: MemorySegment ──► copyRow… ──► packed weights
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>An open checkpoint is a checked one. Every byte of data belongs to exactly one tensor, and
 *       a tensor's size follows from its shape and type. The index and the shards name the same
 *       tensors; if there is an index, it decides which files are read.
 *   <li>A number in a file never makes a large allocation: lengths are first compared with the
 *       file's real size, and a header has at most 100 MB.
 *   <li>Every fault of a checkpoint throws {@link orrery.checkpoint.CheckpointException}. It names
 *       the file, the tensor or field, what was expected and what was found. {@code
 *       HostileCheckpointTest} tries thousands of mutations.
 *   <li>A tensor that no layer read is an error too ({@link
 *       orrery.checkpoint.Checkpoint#refuseUnread}). If something is passed over, it provably makes
 *       no difference, or a notice tells it ({@link orrery.checkpoint.Checkpoint#notices}).
 *   <li>A field that nothing reads may hold anything, also Python's {@code Infinity} and {@code
 *       NaN}, which JSON does not have.
 *   <li>F16 and BF16 become float32 exactly; nothing is ever rounded here. Elements of one byte are
 *       codes, which mean nothing without scales ({@code orrery.checkpoint.quantized}); so they are
 *       never read as floats.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect DIR} lists a checkpoint; {@code orrery dump} writes
 * one.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/model_loader/weight_utils.py}; vLLM {@code
 * model_executor/model_loader/weight_utils.py}; TensorRT-LLM {@code _torch/models/checkpoints/hf}.
 * The format: github.com/huggingface/safetensors, whose {@code tensor.rs} states the rules enforced
 * here; Trail of Bits audited them ("EleutherAI, Hugging Face Safetensors Library", 2023).
 */
package orrery.checkpoint;
