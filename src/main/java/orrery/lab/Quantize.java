package orrery.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.SafetensorsWriter;
import orrery.checkpoint.Tensor;
import orrery.checkpoint.TensorInfo;
import orrery.engine.Architectures;
import orrery.engine.Heap;
import orrery.model.QuantizedParts;
import orrery.quantization.layouts.Kept;
import orrery.quantization.layouts.Layout;

/**
 * Writes a quantised copy of a model: a directory in a published layout. Matrices that a release
 * has in few bits become codes and scales, each tensor by itself ("round to nearest": no other text
 * or model is needed). All other tensors are copied, byte for byte.
 */
public final class Quantize {
  /** Files that are weights, or that speak of the model as it was. */
  private static final Pattern NOT_COPIED =
      Pattern.compile(
          "config\\.json|hf_quant_config\\.json|README\\.md|evaluation\\.json|\\..*"
              + "|.*\\.(safetensors|safetensors\\.index\\.json|gguf|bin|bin\\.index\\.json|pt|pth)");

  /** Hears how far the work is. */
  public interface Progress {
    void done(int matrices, int of);
  }

  /**
   * What was done.
   *
   * @param matrices that were quantised, in the order of the file
   * @param bytesBefore of all tensors
   * @param bytes of all tensors of the copy
   */
  public record Report(List<QuantizedMatrix> matrices, long bytesBefore, long bytes) {
    public Report {
      matrices = List.copyOf(matrices);
    }
  }

  private final Path model;
  private final Layout layout;
  private final Checkpoint checkpoint;
  private final QuantizedParts parts;
  private final Map<String, QuantizeJob> jobs = new LinkedHashMap<>(); // by name, in file order
  private final List<Tensor> kept = new ArrayList<>();

  private Quantize(Path model, Layout layout, Checkpoint checkpoint, QuantizedParts parts) {
    this.model = model;
    this.layout = layout;
    this.checkpoint = checkpoint;
    this.parts = parts;
  }

  /**
   * Writes the copy. If that fails, no file of it stays.
   *
   * @param out a new or empty directory
   * @throws CheckpointException if the model is quantised already or does not suit the layout
   * @throws IllegalArgumentException naming the option, if layout, model and heap do not go
   *     together
   */
  public static Report write(Path model, Layout layout, Path out, Progress progress) {
    QuantizedParts parts = parts(model);
    layout.require(parts);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      Quantize work = new Quantize(model, layout, checkpoint, parts);
      work.sort();
      work.requireRoom(out);
      return work.write(out, progress);
    } catch (IOException e) {
      throw new UncheckedIOException(out + ": cannot be written: " + e.getMessage(), e);
    }
  }

  private static QuantizedParts parts(Path model) {
    JsonConfig config = JsonConfig.read(model.resolve("config.json"));
    for (String field : List.of("quantization_config", "expert_dtype")) {
      if (config.has(field)) {
        throw config.bad(
            field, "none: a model that is not quantised yet", "one: " + config.shown(field));
      }
    }
    Path other = model.resolve("hf_quant_config.json");
    if (Files.exists(other)) {
      throw new CheckpointException(
          other, "file", "none: a model that is not quantised yet", "this file");
    }
    return Architectures.read(model.resolve("config.json")).quantizedParts();
  }

  /** Says of each tensor what becomes of it. */
  private void sort() {
    for (TensorInfo info : checkpoint.infos()) {
      Tensor tensor = checkpoint.tensor(info.name(), info.shape());
      if (info.dtype().bytes() == 1) {
        throw new CheckpointException(
            tensor.file(), tensor.item(), "floats or indices", "codes of type " + info.dtype());
      }
      layout
          .form(parts.role(info.name()), parts)
          .ifPresentOrElse(
              form -> jobs.put(info.name(), new QuantizeJob(tensor, form)), () -> kept.add(tensor));
    }
    if (jobs.isEmpty()) {
      throw new CheckpointException(
          model,
          "tensors",
          "matrices named as in the architecture's release, such as "
              + String.join(", ", parts.linear().stream().limit(3).map("*"::concat).toList()),
          "none that " + layout.name() + " quantises");
    }
  }

  private long bytes() {
    long bytes = kept.stream().mapToLong(t -> t.info().bytes()).sum();
    return bytes + quantizedBytes();
  }

  private long quantizedBytes() {
    return jobs.values().stream().mapToLong(QuantizeJob::bytes).sum();
  }

  /** All codes are kept to the end; floats and codes of one matrix come to that. */
  private void requireRoom(Path out) throws IOException {
    long largest = jobs.values().stream().mapToLong(QuantizeJob::size).max().orElseThrow();
    Heap.require(
        "model",
        "its quantised matrices and the largest one as floats",
        Heap.plus(quantizedBytes(), Heap.times(largest, 2 * Float.BYTES)));
    NewDirectory.require(out, "the quantised model", bytes());
  }

  private Report write(Path out, Progress progress) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
    kept.forEach(writer::copy);
    List<QuantizedMatrix> matrices = new ArrayList<>();
    for (QuantizeJob job : jobs.values()) {
      Trial.requireGoingOn();
      String name = job.tensor().name();
      matrices.add(Heap.making("the codes of " + name, () -> job.run(writer, tensorAmax(job))));
      progress.done(matrices.size(), jobs.size());
    }
    String config =
        QuantizedConfig.of(
            Files.readString(model.resolve("config.json")), layout.fields(parts, kept()));
    NewDirectory.write(
        out,
        copy -> {
          writer.write(copy.file("model.safetensors"));
          for (Path file : otherFiles()) {
            copy.copy(file);
          }
          Files.writeString(copy.file("config.json"), config);
        });
    return new Report(matrices, checkpoint.bytes(), bytes());
  }

  /** The largest magnitude in the matrices that share a tensor scale; 0 without one. */
  private float tensorAmax(QuantizeJob job) {
    float amax = 0;
    if (!job.form().globalScale().isEmpty()) {
      for (String partner : parts.partners(job.tensor().name())) {
        amax = jobs.containsKey(partner) ? Math.max(amax, jobs.get(partner).amax()) : amax;
      }
    }
    return amax;
  }

  /**
   * What stays as it is: modules without {@code .weight}, other tensors with their whole names, as
   * in GLM-4.5-Air-FP8's list.
   */
  private Kept kept() {
    List<String> all = new ArrayList<>();
    List<String> matrices = new ArrayList<>();
    for (Tensor tensor : kept) {
      String module = QuantizeJob.module(tensor.name());
      all.add(module);
      if (!module.equals(tensor.name()) && tensor.shape().length == 2) {
        matrices.add(module);
      }
    }
    return new Kept(all, matrices);
  }

  private List<Path> otherFiles() throws IOException {
    Predicate<Path> copied =
        file ->
            Files.isRegularFile(file)
                && !NOT_COPIED.matcher(file.getFileName().toString()).matches();
    try (Stream<Path> files = Files.list(model)) {
      return files.filter(copied).sorted().toList();
    }
  }
}
