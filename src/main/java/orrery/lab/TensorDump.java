package orrery.lab;

import java.nio.file.Path;
import java.util.Arrays;
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
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.model.Activations;
import orrery.model.Forward;
import orrery.model.Fp8Activations;
import orrery.model.Model;

/** Writes the tensors that a forward pass computes to a safetensors file. */
public final class TensorDump {
  private final Model model;
  private final int[] ids;
  private final int links; // drafts of the MTP chain; 0 without MTP
  private final Forward forward;
  private final Executor executor;
  private final Step step;
  private final DumpedTensors tensors;
  private final float[][] states; // [T][width] what the MTP layer continues; [0][] without it

  private TensorDump(
      Model model, int[] ids, int links, Forward forward, Executor executor, Step step) {
    this.model = model;
    this.ids = ids;
    this.links = links;
    this.forward = forward;
    this.executor = executor;
    this.step = step;
    this.tensors = new DumpedTensors(model);
    this.states = new float[model.hasMtp() ? ids.length : 0][];
  }

  /**
   * Runs all ids as one sequence and writes the tensors that {@code orrery dump --help} lists.
   *
   * @param ids [tokens]
   * @param drafts most drafts of the MTP chain after the last token, if there is an MTP layer
   * @param out the file to write
   * @throws IllegalArgumentException if there is no id, if there are too many ids, or if an id is
   *     outside the vocabulary
   */
  public static void write(
      LoadedModel loaded, EngineOptions options, int[] ids, int drafts, Path out) {
    Model model = Fp8Activations.of(loaded.model(), options.compute().activationDtype());
    require(model, ids);
    if (drafts < 0) {
      throw new IllegalArgumentException("drafts: expected at least 0, found " + drafts);
    }
    int chunk = chunk(options, ids.length);
    int links = model.hasMtp() ? Math.min(drafts, model.maxPositions() - ids.length) : 0;
    int slots = ids.length + links;
    requireMemory(model, slots, chunk, options.kv().kvCacheDtype());
    KvLayout layout = model.kvLayout(model.hasMtp(), options.kv().kvCacheDtype());
    KvCache cache = new KvCache(layout, layout.wholeRows(slots), slots, 1);
    PageTable table = cache.newTable();
    cache.reserve(table, slots);
    boolean scalar = options.compute().kernels() == KernelSet.SCALAR;
    int threads = options.compute().threads();
    Step step = new Step(chunk, 1, threads, scalar ? new ScalarKernels() : new VectorKernels());
    step.tables[0] = table;
    Forward forward = model.bind(cache, chunk).apply(chunk);
    try (Team team = new Team(threads)) {
      TensorDump dump = new TensorDump(model, ids, links, forward, new Executor(team), step);
      dump.run(options.compute().graph());
      dump.tensors.write(out);
    }
  }

  /** The most tokens of one step. */
  private static int chunk(EngineOptions options, int tokens) {
    int most = options.batching().chunkedPrefillSize();
    return most > 0 ? Math.min(most, tokens) : tokens;
  }

  private static void require(Model model, int[] ids) {
    long state = (long) model.hidden() * model.residualStreams();
    long widest = Math.max(model.vocab(), state); // a tensor must fit into one Java array
    int most = (int) Math.min(model.maxPositions(), (Integer.MAX_VALUE - 8) / widest);
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
  private static void requireMemory(Model model, int tokens, int chunk, KvDtype dtype) {
    boolean mtp = model.hasMtp();
    int heads = mtp ? 2 : 1;
    Activations a = model.activations(mtp, tokens);
    KvLayout layout = model.kvLayout(mtp, dtype);
    long state = 4L * model.hidden() * model.residualStreams();
    long bytes = layout.bytesPerPage(layout.unit()) / layout.unit(); // of a token
    bytes += mtp ? 2 * state : 0; // what the MTP layer continues, and what it hands on
    bytes += 4L * heads * model.vocab() + state * (model.layers() + 2);
    long rows = Heap.times(chunk, a.row() + a.logitRow());
    rows = Heap.plus(rows, a.positions() + a.thread(chunk));
    Heap.require("ids", "a dump of " + tokens + " tokens", Heap.times(tokens, bytes) + rows);
  }

  private void run(boolean graph) {
    tensors.list("ids", Arrays.stream(ids).asLongStream().toArray());
    tensors.room("logits", ids.length, model.vocab(), false);
    for (int from = 0; from < ids.length; from += step.maxRows()) {
      main(from);
    }
    if (model.hasMtp()) {
      int width = forward.mtpStates().cols;
      tensors.room("mtp.logits", ids.length - 1, model.vocab(), false);
      tensors.room(mtpStates(""), ids.length - 1, width, true);
      tensors.room("mtp.chain_logits", links, model.vocab(), false);
      tensors.room(mtpStates("chain_"), links, width, true);
      for (int from = 0; from < ids.length - 1; from += step.maxRows()) {
        mtp(from, graph);
      }
      chain(graph);
    }
  }

  /** What an MTP layer hands on is streams if the model has them. */
  private String mtpStates(String of) {
    return "mtp." + of + (model.hasStreams() ? "streams" : "states");
  }

  private void main(int from) {
    int to = Math.min(from + step.maxRows(), ids.length);
    step.clear();
    for (int p = from; p < to; p++) {
      step.add(ids[p], p, 0, true);
    }
    forward.main(new Watch(executor, step, from));
    for (int p = from; p < Math.min(to, states.length); p++) {
      states[p] = row(forward.states(), p - from);
    }
    tensors.put("logits", forward.logits(), to - from, from);
  }

  private static float[] row(Buffer b, int row) {
    return Arrays.copyOfRange(b.data, b.row(row), b.row(row) + b.cols);
  }

  /** Row p has token p+1, so the last token makes none. */
  private void mtp(int from, boolean graph) {
    int to = Math.min(from + step.maxRows(), ids.length - 1);
    step.clear();
    for (int p = from; p < to; p++) {
      mtpRow(ids[p + 1], p, states[p]);
    }
    launchMtp(graph);
    tensors.put("mtp.logits", forward.mtpLogits(), to - from, from);
    tensors.put(mtpStates(""), forward.mtpStates(), to - from, from);
  }

  /** The first row has the best token of the last logits; each row gives the next one its token. */
  private void chain(boolean graph) {
    long[] drafts = new long[links];
    float[] state = states[ids.length - 1];
    int token = best(forward.logits(), (ids.length - 1) % step.maxRows());
    for (int i = 0; i < links; i++) {
      step.clear();
      mtpRow(token, ids.length - 1 + i, state);
      launchMtp(graph);
      tensors.put("mtp.chain_logits", forward.mtpLogits(), 1, i);
      tensors.put(mtpStates("chain_"), forward.mtpStates(), 1, i);
      state = row(forward.mtpStates(), 0);
      token = best(forward.mtpLogits(), 0);
      drafts[i] = token;
    }
    tensors.list("mtp.drafts", drafts);
  }

  private int best(Buffer logits, int row) {
    return step.kernels().argmax(logits.data, logits.row(row), model.vocab());
  }

  private void mtpRow(int token, int position, float[] state) {
    Buffer in = forward.mtpInput();
    System.arraycopy(state, 0, in.data, in.row(step.rows()), in.cols);
    step.add(token, position, position + 1, 0, true);
  }

  private void launchMtp(boolean graph) {
    if (graph) {
      Capture.of(forward::mtp).run(executor, step);
    } else {
      forward.mtp(new Eager(executor, step));
    }
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
      tensors.tap(name, buffer, buffer.rows(step()), from, ids.length);
    }

    @Override
    public void tap(String name, IntBuffer buffer) {
      tensors.tap(name, buffer, buffer.rows(step()), from, ids.length);
    }
  }
}
