package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.quantization.RowFormat;

class RowOriginTest {
  private static final int P = 128;

  private static KvLayout layout(Stream... streams) {
    return new KvLayout(List.of(streams));
  }

  @Test
  void whateverChangesRowsOrTheirOrderChangesTheWords() {
    KvLayout plain = layout(Stream.whole("key", 8), Stream.whole("value", 8));
    List<String> all =
        List.of(
            RowOrigin.of("a", ActivationDtype.F32, plain, 16),
            RowOrigin.of("b", ActivationDtype.F32, plain, 16),
            RowOrigin.of("a", ActivationDtype.FP8, plain, 16),
            RowOrigin.of("a", ActivationDtype.F32, plain, 32),
            origin(Stream.whole("value", 8), Stream.whole("key", 8)),
            origin(Stream.whole("key", 8), Stream.whole("value", 9)),
            origin(Stream.whole("key", 8), Stream.whole("value", 8, RowFormat.BF16)),
            origin(Stream.whole("key", 8), Stream.whole("value", 8, RowFormat.fp8(4, 0))),
            origin(Stream.whole("key", 8), Stream.whole("value", 8, RowFormat.fp8(4, 2))),
            origin(Stream.whole("key", 8), Stream.whole("value", 8, RowFormat.fp8(2, 2))),
            origin(Stream.whole("key", 8), new Stream("value", 8, 2, Stream.ALL, Stream.ALL)),
            origin(Stream.whole("key", 8), new Stream("value", 8, 1, 4, 3)),
            origin(Stream.whole("key", 8), new Stream("value", 8, 1, 5, 3)),
            origin(Stream.whole("key", 8), new Stream("value", 8, 1, 5, 2)),
            origin(Stream.whole("key", 8), Stream.boundary("value", 8)),
            origin(Stream.whole("key", 8)));
    assertThat(all).doesNotHaveDuplicates();
    assertThat(origin(Stream.whole("key", 8), Stream.whole("value", 8))).isEqualTo(all.getFirst());
  }

  private static String origin(Stream... streams) {
    return RowOrigin.of("a", ActivationDtype.F32, layout(streams), 16);
  }

  @Test
  void theWordsCanBeRead() {
    assertThat(origin(Stream.whole("key", 8), new Stream("state", 6, 1, 4, 3)))
        .isEqualTo(
            """
            rows 1
            model a
            activation-dtype f32
            page-size 16
            key 8 floats, row of 1, keeps all, needs all, F32 0 0
            state 6 floats, row of 1, keeps 4, needs 3, F32 0 0\
            """);
  }

  /**
   * The bytes of all parts of a prompt. If this fails though the models are the same, parts that
   * older releases have stored would be read and have other bits than this release computes: raise
   * {@link RowOrigin#VERSION}, and then write the new digests here.
   */
  @ParameterizedTest
  @CsvSource({
    "speck-mtp, F32, 5ff3bb5544976427",
    "speck-mtp, FP8, 326185a13ed70ffc",
    "speck-v4-mtp, F32, 307fc38e07a6cdf1",
    "speck-v4-mtp, FP8, 699daec4a07050b1",
  })
  void thisVersionOfTheRowsHasTheseBytes(Path name, KvDtype dtype, String digest)
      throws NoSuchAlgorithmException {
    assertThat(RowOrigin.VERSION).isEqualTo(1);
    Path directory = Path.of("tiny-models").resolve(name);
    try (LoadedModel loaded = LoadedModel.load(directory)) {
      assertThat(digestOfParts(loaded.model(), dtype, TinyModels.ids(directory))).isEqualTo(digest);
    }
  }

  /** Computes two blocks of tokens, stores their parts in host slots, and digests these. */
  private static String digestOfParts(Model model, KvDtype dtype, int[] some)
      throws NoSuchAlgorithmException {
    int[] ids = new int[2 * P];
    Arrays.setAll(ids, i -> some[i % some.length]);
    KvCache cache = new KvCache(model.kvLayout(false, dtype), P, ids.length, 3);
    PageTable table = cache.newTable();
    cache.reserve(table, ids.length);
    compute(model, cache, table, ids);
    PartLayout layout = new PartLayout(cache.layout(), cache.geometry());
    int[] slots = new int[layout.pools()];
    Arrays.setAll(slots, pool -> layout.pages(pool) == 0 ? 0 : 1);
    MessageDigest sha = MessageDigest.getInstance("SHA-256");
    try (HostPool host = new HostPool(layout, slots)) {
      InlineMover mover = new InlineMover(cache, host);
      for (int block = 0; block < 2; block++) {
        for (int pool = 0; pool < layout.pools(); pool++) {
          if (layout.pages(pool) > 0) {
            Part part = new Part(Parts.part(block).block(), pool);
            mover.store(
                new Copy(Copy.Way.STORE, part, 0, pages(table, layout, cache, block, pool)));
            sha.update(host.at(pool, 0).asByteBuffer());
          }
        }
      }
    }
    return HexFormat.of().formatHex(sha.digest(), 0, 8);
  }

  private static int[] pages(
      PageTable table, PartLayout layout, KvCache cache, int block, int pool) {
    int from = block * cache.geometry().perBlock(pool) + layout.first(pool);
    return Arrays.copyOfRange(table.pages(pool), from, from + layout.pages(pool));
  }

  private static void compute(Model model, KvCache cache, PageTable table, int[] ids) {
    try (Team team = new Team(1)) {
      var runner = new ModelRunner(model, cache, team, ids.length, ids.length, true);
      Step step = new Step(ids.length, 1, 1, new ScalarKernels());
      step.tables[0] = table;
      for (int i = 0; i < ids.length; i++) {
        step.add(ids[i], i, 0, i == ids.length - 1);
      }
      runner.run(step);
    }
  }
}
