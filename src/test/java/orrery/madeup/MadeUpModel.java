package orrery.madeup;

import static orrery.madeup.MadeUp.HIDDEN;
import static orrery.madeup.MadeUp.VOCAB;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;
import orrery.graph.Buffer;
import orrery.kernels.PackedMatrix;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.Activations;
import orrery.model.BoundaryKv;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelInfo;
import orrery.model.ModelSpec;
import orrery.quantization.WeightFormat;

/**
 * A made-up model as the engine runs it. Its rows are a float wider than a state, for their slot.
 *
 * <p>Behind a prefix of whole groups a token needs the rows of one group, although a later token of
 * its group may read nearly two: the stream of groups needs less than it keeps.
 */
public final class MadeUpModel implements Model {
  private static final int ROW = HIDDEN + 1;

  private final MadeUp m;
  private final MadeUpForward.Weights weights;

  public MadeUpModel(MadeUp m) {
    this.m = m;
    this.weights =
        new MadeUpForward.Weights(
            m.layers,
            pack(m.embedding),
            pack(m.head),
            pack(m.whole),
            pack(m.window),
            pack(m.state),
            pack(m.mtpState),
            pack(m.mtp),
            pack(m.heavy));
  }

  private static PackedMatrix pack(float[][] w) {
    return PackedMatrix.pack(
        WeightFormat.F32,
        w.length,
        HIDDEN,
        (row, into) -> System.arraycopy(w[row], 0, into, 0, HIDDEN));
  }

  /** What the model is. */
  private final class Config implements ModelSpec {
    @Override
    public String architecture() {
      return "made-up " + m.name;
    }

    @Override
    public int vocab() {
      return VOCAB;
    }

    @Override
    public int hidden() {
      return HIDDEN;
    }

    @Override
    public int layers() {
      return 2 + (m.layers.whole() ? 1 : 0) + (m.layers.heavy() > 0 ? 1 : 0);
    }

    @Override
    public int maxPositions() {
      return m.layers.positions();
    }

    @Override
    public boolean hasMtp() {
      return m.layers.mtp();
    }

    @Override
    public KvLayout kvLayout(boolean mtp, KvDtype dtype) {
      MadeUp.Layers l = m.layers;
      List<Stream> streams = new ArrayList<>();
      if (l.whole()) {
        streams.add(Stream.whole("whole", ROW));
      }
      streams.add(new Stream("window", ROW, 1, l.window(), l.window() - 1));
      streams.add(new Stream("state", ROW, 1, 2 * l.group(), l.group()));
      if (l.compressed()) {
        streams.add(new Stream("entries", ROW, l.group(), Stream.ALL, Stream.ALL));
      }
      if (l.heavy() > 0) { // its rows are of no use behind a complete group
        streams.add(new Stream("heavy.state", ROW, 1, l.heavy(), 0));
        streams.add(new Stream("heavy.entries", ROW, l.heavy(), Stream.ALL, Stream.ALL));
      }
      if (mtp) {
        streams.add(new Stream("mtp", ROW, 1, l.window(), l.window() - 1));
        streams.add(Stream.boundary("mtp.boundary", HIDDEN));
      }
      return new KvLayout(streams);
    }

    @Override
    public ModelInfo info() {
      return new ModelInfo(List.of());
    }

    @Override
    public Activations activations(boolean mtp, int slots) {
      return new Activations(
          8 * Buffer.bytes(HIDDEN), Buffer.bytes(HIDDEN) + 2 * Buffer.bytes(VOCAB), 0, 0, 0, 0);
    }
  }

  @Override
  public ModelSpec config() {
    return new Config();
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    List<String> names = cache.layout().streams().stream().map(Stream::name).toList();
    MadeUpForward.Streams streams =
        new MadeUpForward.Streams(
            stream(cache, names, "whole"),
            stream(cache, names, "window"),
            stream(cache, names, "state"),
            stream(cache, names, "entries"),
            stream(cache, names, "heavy.state"),
            stream(cache, names, "heavy.entries"),
            stream(cache, names, "mtp"),
            cache.layout().boundary() < 0 ? null : BoundaryKv.of(cache));
    List<RowStream> tagged =
        java.util.stream.Stream.of(
                streams.whole(),
                streams.window(),
                streams.state(),
                streams.entries(),
                streams.heavyState(),
                streams.heavyEntries())
            .filter(Objects::nonNull)
            .toList();
    int pageTokens = cache.geometry().pageTokens();
    RequireRows check = new RequireRows(tagged, streams.mtp(), pageTokens);
    return maxRows -> new MadeUpForward(weights, streams, check, maxRows, maxLogitRows);
  }

  private static RowStream stream(KvCache cache, List<String> names, String name) {
    return names.contains(name) ? RowStream.of(cache, names.indexOf(name)) : null;
  }
}
