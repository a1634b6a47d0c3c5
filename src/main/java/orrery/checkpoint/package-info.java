/**
 * Checkpoints: how weights and their description come from disk, and how everything that is wrong
 * with them is said in one line.
 *
 * <p><b>The problem.</b> A model directory is a few small JSON files and gigabytes of numbers,
 * often made by somebody else. Reading it must be fast (a server restarts), must not double its
 * size in memory, and must not be a way in: the file may be truncated, mislabelled or hostile.
 *
 * <p><b>The idea.</b> The safetensors format is a length, a JSON header and raw little-endian
 * numbers. {@link orrery.checkpoint.SafetensorsFile} maps the file and checks the header once and
 * completely; after that a {@link orrery.checkpoint.Tensor} is a view of mapped memory, and a
 * weight packer reads rows straight out of the page cache without a float32 copy of the tensor.
 *
 * <pre>
 *   model.safetensors.index.json        model-00002-of-00003.safetensors
 *   weight_map: name → shard   ──►      | 8 bytes: N | N bytes of JSON | data ............... |
 *                                                      name → dtype,      ▲            ▲
 *                                                      shape, offsets ────┴────────────┘
 *   Checkpoint.tensor(name, shape) ──►  Tensor: MemorySegment ──► copyRow / copyRowBits ──► packed weights
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Opened means checked: every byte of data belongs to exactly one tensor, whose size is its
 *       shape times its type; the index and the shards name the same tensors. Where there is an
 *       index, it decides which files count.
 *   <li>Nothing is allocated on the word of a file: lengths are compared with the file's real size
 *       first, and the header is held to 100 MB.
 *   <li>Whatever is wrong, the only thing thrown is {@link orrery.checkpoint.CheckpointException},
 *       naming file, tensor or field, what was expected and what was found. {@code
 *       HostileCheckpointTest} tries thousands of mutations.
 *   <li>A tensor that no layer read is an error too ({@link
 *       orrery.checkpoint.Checkpoint#refuseUnread}). What is passed over is proved to make no
 *       difference, or said ({@link orrery.checkpoint.Checkpoint#notices}).
 *   <li>A field that nothing reads may hold anything, also the {@code Infinity} and {@code NaN}
 *       that Python writes and JSON does not have.
 *   <li>F16 and BF16 become float32 exactly; nothing is ever rounded here.
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
