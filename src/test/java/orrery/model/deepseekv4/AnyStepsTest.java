package orrery.model.deepseekv4;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.Oracle;
import orrery.RandomV4;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.Model;
import orrery.model.Session;
import orrery.model.Session.Piece;
import orrery.model.Session.Rows;
import orrery.model.Steps;

/**
 * However the rows of DeepSeek-V4 are cut into steps, and whatever was computed and rejected
 * before: every row has the bits of an oracle that knows no steps. Pages that no coming token can
 * see are given back at once, and then hold NaN.
 */
class AnyStepsTest {
  private static final int TOKENS = RandomCase.LENGTH;
  private static final int VOCAB = RandomCase.VOCAB;

  /** Every model with every dtype of its cached rows; each has an oracle of its own. */
  static List<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (RandomV4 kind : RandomV4.values()) {
      for (KvDtype dtype : KvDtype.values()) {
        cases.add(Arguments.of(kind, dtype));
      }
    }
    return cases;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everySwitchGivesTheBitsOfTheNaiveForward(RandomV4 kind, KvDtype dtype) {
    RandomCase c = RandomCase.of(kind, dtype);
    float[][] states = c.naive().states(c.ids());
    float[][] mtp = c.naive().mtpLogits(c.ids());
    int cells = 0;
    boolean all = dtype == KvDtype.F32; // of the others, what may touch cached rows
    for (Kernels kernels : new Kernels[] {new ScalarKernels(), new VectorKernels()}) {
      for (int threads : all ? new int[] {1, 2} : new int[] {2}) {
        for (boolean graph : all ? new boolean[] {false, true} : new boolean[] {true}) {
          for (int pages : new int[] {1, 2, 4, 96}) {
            for (int[] pieces : new int[][] {{TOKENS}, {1}, {7}, {16, 1}, {3, 13, 2}}) {
              int page = pages * kind.unit;
              Steps steps = new Steps(c.model(), kernels, threads, graph, page, dtype);
              Steps.Outcome o = steps.run(c.ids(), pieces);
              String cell = kind + " " + kernels.name() + " " + steps + Arrays.toString(pieces);
              c.requireBits(o.logits(), 0, cell);
              assertThat(o.states()).as(cell).isDeepEqualTo(states);
              assertThat(o.mtpLogits()).as(cell + " MTP").isDeepEqualTo(mtp);
              cells++;
            }
          }
        }
      }
    }
    System.out.println(
        kind + ", " + dtype + ": " + cells + " combinations of switches, all bits equal");
  }

  static List<Path> specks() {
    return TinyModels.v4Specks();
  }

  /** One of them has entries of 128 tokens, as DeepSeek's models have. */
  @ParameterizedTest
  @MethodSource("specks")
  void everySpeckHasTheBitsOfTheNaiveForward(Path speck) {
    Model model = LoadedModel.load(speck).model();
    for (KvDtype dtype : KvDtype.values()) {
      requireOracle(speck, model, dtype);
    }
  }

  private static void requireOracle(Path speck, Model model, KvDtype dtype) {
    int[] ids = TinyModels.ids(speck);
    Oracle naive = Oracle.of(speck, dtype);
    float[][] logits = naive.logits(ids);
    float[][] mtp = model.hasMtp() ? naive.mtpLogits(ids) : new float[ids.length - 1][];
    int unit = model.kvLayout(model.hasMtp(), dtype).unit();
    for (Kernels kernels : new Kernels[] {new ScalarKernels(), new VectorKernels()}) {
      for (int[] pieces : new int[][] {{ids.length}, {1}, {7}, {16, 1}, {61, 2}}) {
        Steps steps = new Steps(model, kernels, 2, true, unit * pieces.length, dtype);
        Steps.Outcome o = steps.run(ids, pieces);
        String cell = speck + " " + steps + Arrays.toString(pieces);
        assertThat(o.logits()).as(cell).isDeepEqualTo(logits);
        assertThat(o.mtpLogits()).as(cell + " MTP").isDeepEqualTo(mtp);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void anyCutOfTheTokensGivesTheBitsOfOneShot(RandomV4 kind, KvDtype dtype) {
    RandomCase c = RandomCase.of(kind, dtype);
    for (int pages : new int[] {1, 2, 4}) {
      for (int most : new int[] {1, 2, 5, 11, TOKENS}) {
        for (int again = 0; again < 3; again++) {
          try (Session session = c.session(pages, 1)) {
            c.feed(session, 0, 0, TOKENS, most, new Random(again));
            assertThat(session.passed(0)).as("pages passed").isPositive();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void rejectedDraftsLeaveNoTrace(RandomV4 kind, KvDtype dtype) {
    RandomCase c = RandomCase.of(kind, dtype);
    for (int drafts : new int[] {1, 3, 5, 9}) {
      Random r = new Random(drafts);
      try (Session session = c.session(1 + drafts % 2, 1)) {
        for (int at = 0; at < TOKENS; ) {
          int right = Math.min(r.nextInt(drafts + 1), TOKENS - at - 1);
          int[] rows = Arrays.copyOfRange(c.ids(), at, at + 1 + drafts);
          for (int i = 1 + right; i < rows.length; i++) {
            rows[i] = r.nextInt(VOCAB); // a draft that the target does not accept
          }
          float[][] logits = session.feed(0, at, rows).logits();
          String what = kind + ", " + drafts + " drafts from " + at;
          c.requireBits(Arrays.copyOf(logits, 1 + right), at, what);
          at += 1 + right;
          session.settle(0, at, at);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void rejectedDraftsLeaveNoTraceInTheMtpLayer(RandomV4 kind, KvDtype dtype) {
    RandomCase c = RandomCase.of(kind, dtype);
    float[][] states = c.naive().states(c.ids());
    float[][] expected = c.naive().mtpLogits(c.ids());
    KvLayout layout = c.model().kvLayout(true, dtype);
    Random r = new Random(3);
    try (Session session = new Session(c.how(1), layout, 96, 1)) {
      for (int at = 0; at < TOKENS - 1; ) {
        int n = Math.min(1 + r.nextInt(4), TOKENS - 1 - at);
        session.feed(0, at, Arrays.copyOfRange(c.ids(), at, at + n));
        float[][] mine = Arrays.copyOfRange(states, at, at + n);
        int[] next = Arrays.copyOfRange(c.ids(), at + 1, at + n + 1);
        Rows rows = session.feedMtp(0, at, mine, next);
        for (int i = 0; i < n; i++) {
          assertThat(rows.logits()[i]).as("%s, row %d", kind, at + i).isEqualTo(expected[at + i]);
        }
        at += n;
        float[][] last = {rows.states()[n - 1]}; // a chain of drafts that are all rejected
        for (int link = 0; link < 3; link++) {
          last = session.feedMtp(0, at + link, last, r.nextInt(VOCAB)).states();
        }
        session.settle(0, at + 1, at);
      }
      assertThat(session.passed(0)).isPositive();
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theCompanyOfOtherSequencesChangesNothing(RandomV4 kind, KvDtype dtype) {
    RandomCase c = RandomCase.of(kind, dtype);
    Random r = new Random(5);
    int[] at = new int[4];
    try (Session session = c.session(1, at.length)) {
      for (int step = 0; step < 60; step++) {
        List<Piece> pieces = new ArrayList<>();
        for (int s = 0; s < at.length; s++) {
          int n = Math.min(r.nextInt(6), TOKENS - at[s]);
          if (n > 0) {
            pieces.add(new Piece(s, at[s], Arrays.copyOfRange(c.ids(), at[s], at[s] + n)));
          }
        }
        Collections.shuffle(pieces, r);
        Rows[] rows = session.feed(pieces.toArray(Piece[]::new));
        for (int i = 0; i < rows.length; i++) {
          Piece p = pieces.get(i);
          c.requireBits(rows[i].logits(), p.from(), kind + ", step " + step);
          at[p.sequence()] += p.ids().length;
          session.settle(p.sequence(), at[p.sequence()], at[p.sequence()]);
          if (at[p.sequence()] == TOKENS) {
            session.end(p.sequence()); // another one begins in its pages
            at[p.sequence()] = 0;
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void promptsOfOneToThreeTokensAfterOthersAreThoseOfAFreshCache(RandomV4 kind, KvDtype dtype) {
    RandomCase c = RandomCase.of(kind, dtype);
    try (Session session = c.session(1, 1)) {
      for (int prompt = 1; prompt <= 3; prompt++) {
        int[] other = new Random(prompt).ints(37, 0, VOCAB).toArray();
        session.feed(0, 0, other);
        session.end(0);
        Rows first = session.feed(0, 0, Arrays.copyOf(c.ids(), prompt));
        c.requireBits(first.logits(), 0, kind + ", prompt of " + prompt);
        c.feed(session, 0, prompt, 20, 1, new Random(1));
        session.end(0);
      }
    }
  }

  /** If a test does not notice rows that are gone, it does not notice anything. */
  @ParameterizedTest
  @MethodSource("cases")
  void aWindowThatIsOneRowShortIsNoticed(RandomV4 kind, KvDtype dtype) {
    RandomCase c = RandomCase.of(kind, dtype);
    List<Stream> streams = c.model().kvLayout(false, dtype).streams();
    for (int s = 0; s < streams.size(); s++) {
      if (streams.get(s).keeps() != Stream.ALL) {
        List<Stream> shorter = new ArrayList<>(streams);
        shorter.set(s, shorter(streams.get(s)));
        assertThat(isRight(c, new KvLayout(shorter))).as("%s: %s", kind, shorter).isFalse();
      }
    }
    assertThat(isRight(c, new KvLayout(streams))).isTrue();
  }

  /**
   * A row of a window less. State is read a whole window of tokens at a time, and its pages end
   * where these windows do, so a row less of it stays held; half of it does not.
   */
  private static Stream shorter(Stream s) {
    int keeps = s.name().endsWith("raw") ? s.keeps() - 1 : s.keeps() / 2;
    int needs = Math.min(s.needs(), keeps - 1);
    return new Stream(s.name(), s.width(), s.tokensPerRow(), keeps, needs, s.format());
  }

  private static boolean isRight(RandomCase c, KvLayout layout) {
    try (Session session = new Session(c.how(1), layout, 96, 1)) {
      for (int at = 0; at < TOKENS; at++) {
        if (!Arrays.equals(session.feed(0, at, c.ids()[at]).logits()[0], c.logits()[at])) {
          return false;
        }
        session.settle(0, at + 1, at + 1);
      }
    }
    return true;
  }
}
