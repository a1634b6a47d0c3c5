package orrery.moe;

import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.kernels.PackedMatrix;

/**
 * A mixture-of-experts feed-forward: a router sends each row to {@code topK} of many small
 * feed-forwards, and a shared one computes every row ("Outrageously Large Neural Networks", Shazeer
 * et al., 2017; the shared expert is from DeepSeekMoE, 2024).
 *
 * @param spec how the router selects
 * @param router [experts][hidden]
 * @param bias [experts] selection bias; null if {@code tid2eid} selects
 * @param tid2eid [vocab][topK] the experts of each token id, if the token alone selects them
 *     (DeepSeek-V4's hash layers); null if the scores select
 * @param gate [experts] gate matrix of each expert, [intermediate][hidden]
 * @param up [experts] up matrix of each expert, [intermediate][hidden]
 * @param down [experts] down matrix of each expert, [hidden][intermediate]
 * @param swigluLimit as {@link FeedForward#swigluLimit}, for the routed experts
 * @param shared the shared expert
 */
public record MixtureOfExperts(
    RouterSpec spec,
    PackedMatrix router,
    float[] bias,
    int[] tid2eid,
    PackedMatrix[] gate,
    PackedMatrix[] up,
    PackedMatrix[] down,
    float swigluLimit,
    FeedForward shared) {
  public MixtureOfExperts {
    if ((bias == null) == (tid2eid == null)) {
      throw new IllegalArgumentException(
          "mixture of experts: expected either a selection bias or a table from tokens to experts"
              + (bias == null ? ", found neither" : ", found both"));
    }
    if (tid2eid != null) {
      LookUpExperts.requireExperts(tid2eid, spec);
    }
  }

  /** Buffers for the activations of up to {@code maxRows} rows. */
  public static final class Space {
    final Buffer logits;
    final Buffer biasedScores;
    final Buffer groupScores;
    final ExpertGroups groups;
    final Buffer x; // this and the next four: one row per assignment
    final Buffer gate;
    final Buffer up;
    final Buffer act;
    final Buffer down;
    final FeedForward.Space shared;
    final Buffer sharedOut;

    /** The most floats that its ops have in the scratch of a thread. */
    public static long opScratch(int hidden) {
      return Math.max(GateUp.scratch(hidden), ExpertDown.scratch()); // ExpertGateUp has as many
    }

    /** Bytes of the list that a thread makes of a step's assignments, for each row. */
    public static long listBytes(RouterSpec spec) {
      return 2 * 4L * spec.topK(); // it grows to powers of two
    }

    /** Bytes for each row. */
    public static long bytes(RouterSpec spec, int hidden, int intermediate, int sharedSize) {
      return 2 * Buffer.bytes(spec.experts())
          + Buffer.bytes(spec.groups())
          + ExpertGroups.bytes(spec)
          + spec.topK() * (2 * Buffer.bytes(hidden) + 3 * Buffer.bytes(intermediate))
          + FeedForward.Space.bytes(sharedSize)
          + Buffer.bytes(hidden);
    }

    public Space(
        RouterSpec spec, RowCount rows, int maxRows, int hidden, int intermediate, int sharedSize) {
      logits = new Buffer("router", rows, maxRows, spec.experts());
      biasedScores = new Buffer("biasedScores", rows, maxRows, spec.experts());
      groupScores = new Buffer("groups", rows, maxRows, spec.groups());
      groups = new ExpertGroups(spec, rows, maxRows);
      RowCount assignments = groups::assignments;
      int most = maxRows * spec.topK();
      x = new Buffer("expertIn", assignments, most, hidden);
      gate = new Buffer("expertGate", assignments, most, intermediate);
      up = new Buffer("expertUp", assignments, most, intermediate);
      act = new Buffer("expertAct", assignments, most, intermediate);
      down = new Buffer("expertOut", assignments, most, hidden);
      shared = new FeedForward.Space(rows, maxRows, sharedSize);
      sharedOut = new Buffer("sharedOut", rows, maxRows, hidden);
    }
  }

  /**
   * out = Σ weight · expert(h) + shared(h).
   *
   * @param name prefix of the taps, for example {@code router.3}
   */
  public void run(Launcher g, Buffer h, Space s, Buffer out, String name) {
    g.matmul(h, router, s.logits);
    g.launch(
        tid2eid == null
            ? new SelectExperts(s.logits, s.biasedScores, s.groupScores, bias, s.groups)
            : new LookUpExperts(s.logits, tid2eid, s.groups));
    g.tap(name + ".experts", s.groups.topkIds);
    g.tap(name + ".weights", s.groups.topkWeights);
    g.launch(new GroupRows(s.groups));
    g.launch(new GatherRows(h, s.groups, s.x));
    g.launch(new ExpertMatMul(s.x, gate, s.groups, s.gate));
    g.launch(new ExpertMatMul(s.x, up, s.groups, s.up));
    g.swiglu(s.gate, s.up, swigluLimit, s.act);
    g.launch(new ExpertMatMul(s.act, down, s.groups, s.down));
    g.launch(new Combine(s.down, s.groups, out));
    shared.run(g, h, s.shared, s.sharedOut);
    g.add(s.sharedOut, out);
  }
}
