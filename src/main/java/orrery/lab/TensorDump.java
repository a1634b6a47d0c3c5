package orrery.lab;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import orrery.checkpoint.SafetensorsWriter;
import orrery.engine.EngineOptions;
import orrery.engine.Heap;
import orrery.engine.LoadedModel;
import orrery.graph.Buffer;
import orrery.graph.Capture;
import orrery.graph.Eager;
import orrery.graph.Executor;
import orrery.graph.IntBuffer;
import orrery.graph.Step;
import orrery.kernels.KernelSet;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.model.Activations;
import orrery.model.Forward;
import orrery.model.Model;

/** Writes the tensors that a forward pass computes to a safetensors file. */
public final class TensorDump {
  private final Map<String, float[]> floats = new LinkedHashMap<>(); // [T, cols] each
  private final Map<String, long[]> longs = new LinkedHashMap<>(); // [T, cols] each
  private final float[][] states; // [T][width] what the MTP layer continues; [0][] without it
  private final int tokens;

  private TensorDump(int tokens, boolean mtp) {
    this.tokens = tokens;
    this.states = new float[mtp ? tokens : 0][];
  }

  /**
   * Runs all ids as one sequence and writes the tensors that {@code orrery dump --help} lists.
   *
   * @param ids [tokens]
   * @param out the file to write
   * @throws IllegalArgumentException if there is no id, if there are too many ids, or if an id is
   *     outside the vocabulary
   */
  public static void write(LoadedModel loaded, EngineOptions options, int[] ids, Path out) {
    Model model = loaded.model();
    require(model, ids);
    int chunk = chunk(options, ids.length);
    requireMemory(model, ids.length, chunk);
    TensorDump dump = new TensorDump(ids.length, model.hasMtp());
    KvLayout layout = model.kvLayout(model.hasMtp());
    KvCache cache = new KvCache(layout, layout.wholeRows(ids.length), ids.length, 1);
    PageTable table = cache.newTable();
    cache.reserve(table, ids.length);
    boolean scalar = options.compute().kernels() == KernelSet.SCALAR;
    Step step =
        new Step(
            chunk,
            1,
            options.compute().threads(),
            scalar ? new ScalarKernels() : new VectorKernels());
    step.tables[0] = table;
    Forward forward = model.bind(cache, chunk).apply(chunk);
    try (Team team = new Team(options.compute().threads())) {
      Executor executor = new Executor(team);
      for (int from = 0; from < ids.length; from += chunk) {
        dump.main(forward, executor, step, ids, from);
      }
      for (int from = 0; model.hasMtp() && from < ids.length - 1; from += chunk) {
        dump.mtp(forward, executor, step, ids, from, options.compute().graph());
      }
    }
    dump.save(model, ids, out);
  }

  /** The most tokens of one step. */
  private static int chunk(EngineOptions options, int tokens) {
    int most = options.batching().chunkedPrefillSize();
    return most > 0 ? Math.min(most, tokens) : tokens;
  }

  private static void require(Model model, int[] ids) {
    int widest = Math.max(model.vocab(), model.hidden()); // a tensor must fit into one Java array
    int most = Math.min(model.maxPositions(), (Integer.MAX_VALUE - 8) / widest);
    if (ids.length == 0 || ids.length > most) {
      throw new IllegalArgumentException(
          "ids: expected 1 to " + most + " tokens, found " + ids.length);
    }
    for (int id : ids) {
      if (id < 0 || id >= model.vocab()) {
        throw new IllegalArgumentException(
            "ids: expected token ids from 0 to " + (model.vocab() - 1) + ", found " + id);
      }
    }
  }

  /**
   * Refuses a dump that does not fit the heap: all tensors are kept to the end, beside cache and
   * buffers.
   */
  private static void requireMemory(Model model, int tokens, int chunk) {
    boolean mtp = model.hasMtp();
    int heads = mtp ? 2 : 1;
    Activations a = model.activations(mtp);
    KvLayout layout = model.kvLayout(mtp);
    int page = layout.wholeRows(1);
    long bytes = Math.ceilDiv(layout.bytesPerPage(page), page); // of a token
    bytes += mtp ? 4L * layout.streams().get(layout.boundary()).width() : 0; // its state
    bytes += 4L * heads * model.vocab() + 4L * model.hidden() * (model.layers() + 2);
    bytes += a.position() + a.threadPosition();
    long rows = Heap.times(chunk, a.row() + a.logitRow());
    Heap.require("ids", "a dump of " + tokens + " tokens", Heap.times(tokens, bytes) + rows);
  }

  private void main(Forward f, Executor executor, Step step, int[] ids, int from) {
    int to = Math.min(from + step.maxRows(), tokens);
    step.clear();
    for (int p = from; p < to; p++) {
      step.add(ids[p], p, 0, true);
    }
    f.main(new Watch(executor, step, from));
    for (int p = from; p < Math.min(to, states.length); p++) {
      int at = f.states().row(p - from);
      states[p] = Arrays.copyOfRange(f.states().data, at, at + f.states().cols);
    }
    keep("logits", f.logits(), step, from, tokens);
  }

  private void mtp(Forward f, Executor executor, Step step, int[] ids, int from, boolean graph) {
    int to = Math.min(from + step.maxRows(), tokens - 1);
    step.clear();
    Buffer in = f.mtpInput();
    for (int p = from; p < to; p++) {
      step.add(ids[p + 1], p, p + 1, 0, true);
      System.arraycopy(states[p], 0, in.data, in.row(p - from), in.cols);
    }
    if (graph) {
      Capture.of(f::mtp).run(executor, step);
    } else {
      f.mtp(new Eager(executor, step));
    }
    keep("mtp.logits", f.mtpLogits(), step, from, tokens - 1);
  }

  private void keep(String name, Buffer b, Step step, int from, int total) {
    float[] all = floats.computeIfAbsent(name, n -> new float[total * b.cols]);
    for (int r = 0; r < b.rows(step); r++) {
      System.arraycopy(b.data, b.row(r), all, (from + r) * b.cols, b.cols);
    }
  }

  private void save(Model model, int[] ids, Path out) {
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.longs("ids", Arrays.stream(ids).asLongStream().toArray(), ids.length);
    longs.forEach((name, data) -> writer.longs(name, data, tokens, data.length / tokens));
    floats.forEach(
        (name, data) -> {
          if (!name.equals("mtp.logits")) {
            writer.floats(name, data, tokens, data.length / tokens);
          }
        });
    if (model.hasMtp()) {
      float[] mtp = floats.getOrDefault("mtp.logits", new float[0]); // one token makes no pair
      writer.floats("mtp.logits", mtp, tokens - 1, model.vocab());
    }
    writer.write(out);
  }

  /** Runs eagerly and keeps every tapped buffer. */
  private final class Watch extends Eager {
    private final int from;

    Watch(Executor executor, Step step, int from) {
      super(executor, step);
      this.from = from;
    }

    @Override
    public void tap(String name, Buffer buffer) {
      keep(name, buffer, step(), from, tokens);
    }

    @Override
    public void tap(String name, IntBuffer buffer) {
      long[] all = longs.computeIfAbsent(name, n -> new long[tokens * buffer.cols]);
      for (int i = 0; i < buffer.rows(step()) * buffer.cols; i++) {
        all[from * buffer.cols + i] = buffer.data[i];
      }
    }
  }
}
