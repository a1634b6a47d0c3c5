package orrery.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One safetensors file, memory-mapped and read only.
 *
 * <pre>
 *   0        8                8+N                                        file length
 *   | N: u64 | header: N bytes | data of all tensors, without gaps        |
 * </pre>
 *
 * Opening maps the file and checks the whole header; it reads no weight. The rules are those of the
 * reference implementation (huggingface/safetensors, {@code tensor.rs}): the header has at most 100
 * MB, offsets lie inside the file, and every byte of data belongs to exactly one tensor. Two rules
 * are stricter than there: duplicate names and unknown fields are errors.
 *
 * <p>Many threads may read tensors; closing the file unmaps all of them.
 */
public final class SafetensorsFile implements AutoCloseable {
  /** The reference implementation's limit; a longer header is refused before it is read. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private final Path file;
  private final Arena arena;
  private final MemorySegment data;
  private final Map<String, TensorInfo> tensors; // in data order
  private final Map<String, String> metadata;

  private SafetensorsFile(
      Path file,
      Arena arena,
      MemorySegment data,
      List<TensorInfo> tensors,
      Map<String, String> meta) {
    this.file = file;
    this.arena = arena;
    this.data = data;
    this.metadata = meta;
    Map<String, TensorInfo> byName = new LinkedHashMap<>();
    tensors.forEach(info -> byName.put(info.name(), info));
    this.tensors = Collections.unmodifiableMap(byName);
  }

  /**
   * Maps {@code file} and checks its header.
   *
   * @throws CheckpointException if it cannot be read or breaks a rule of the format
   */
  public static SafetensorsFile open(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(file, Files.exists(file) ? "not a file" : "no such file");
    }
    Arena arena = Arena.ofShared();
    return Opening.orClose(arena::close, () -> map(file, arena));
  }

  private static SafetensorsFile map(Path file, Arena arena) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      LfsPointer.refuse(file);
      if (size < 8) {
        throw new CheckpointException(file, "header length", "8 bytes", "a file of " + size);
      }
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      long headerBytes = headerLength(file, size, all.get(U64, 0));
      HeaderParser.Header header =
          HeaderParser.parse(file, all.asSlice(8, headerBytes).asByteBuffer());
      MemorySegment data = all.asSlice(8 + headerBytes);
      List<TensorInfo> tensors = inDataOrder(file, header.tensors(), data.byteSize());
      return new SafetensorsFile(file, arena, data, tensors, header.metadata());
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
    }
  }

  private static long headerLength(Path file, long fileSize, long said) {
    if (said < 0 || said > MAX_HEADER_BYTES) {
      throw new CheckpointException(
          file,
          "header length",
          "at most " + MAX_HEADER_BYTES + " bytes",
          Long.toUnsignedString(said));
    }
    if (said > fileSize - 8) {
      throw new CheckpointException(
          file,
          "header length",
          "at most the " + (fileSize - 8) + " bytes that follow it (is the file truncated?)",
          Long.toString(said));
    }
    return said;
  }

  /** Sorts entries by offset and checks that they cover the data without overlaps and holes. */
  private static List<TensorInfo> inDataOrder(Path file, List<TensorInfo> entries, long dataBytes) {
    List<TensorInfo> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::bytes));
    long end = 0;
    for (TensorInfo info : sorted) {
      if (info.offset() != end) {
        String how = info.offset() < end ? " (overlaps the tensor before it)" : " (leaves a hole)";
        throw new CheckpointException(
            file, Tensor.item(info.name()), "data at offset " + end, info.offset() + how);
      }
      end += info.bytes(); // cannot overflow: offset + bytes is the end offset in the header
      if (end > dataBytes) {
        throw new CheckpointException(
            file,
            Tensor.item(info.name()),
            "data within the file's " + dataBytes + " data bytes (is the file truncated?)",
            "an end offset of " + end);
      }
    }
    if (end != dataBytes) {
      throw new CheckpointException(
          file, "data", end + " bytes, the sum of all tensors", dataBytes + " bytes in the file");
    }
    return sorted;
  }

  /** The mapped file's path. */
  public Path file() {
    return file;
  }

  /** All tensor names, in the order of their data. */
  public Set<String> names() {
    return tensors.keySet();
  }

  /** The entry of every tensor, in the order of their data. */
  public List<TensorInfo> infos() {
    return List.copyOf(tensors.values());
  }

  /** The header's {@code __metadata__}; empty if it has none. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Whether there is a tensor of this name. */
  public boolean has(String name) {
    return tensors.containsKey(name);
  }

  /**
   * The tensor {@code name}, of any shape, as a view of the mapped file.
   *
   * @throws CheckpointException if there is no such tensor
   */
  public Tensor tensor(String name) {
    TensorInfo info = tensors.get(name);
    if (info == null) {
      throw new CheckpointException(
          file,
          Tensor.item(name),
          "it to be in the file",
          "only " + tensors.size() + " other tensors");
    }
    return new Tensor(file, info, data.asSlice(info.offset(), info.bytes()));
  }

  /** Unmaps the file; tensors of it must not be read any more. */
  @Override
  public void close() {
    arena.close();
  }
}
