package orrery.engine;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import orrery.Oracle;
import orrery.TinyModels;
import orrery.graph.ActivationDtype;
import orrery.kv.KvDtype;
import orrery.madeup.MadeUp;
import orrery.madeup.MadeUpModel;
import orrery.madeup.NaiveMadeUp;
import orrery.model.Model;
import orrery.text.Tokenizer;

/**
 * The models of the matrix: specks, and three made-up models. Another model is one more value: how
 * to load it, its oracle, and pages for it.
 */
enum Served {
  BIAS("bias"),
  GROUPS("groups"),
  MTP("mtp"),
  SHARDED("sharded"),
  TRAINED("trained"),
  /** Made up: rows that stay, windows, groups, compressed rows, and an MTP layer. */
  HYBRID(MadeUp.hybrid()),
  /** Made up: windows only, so that memory for a few windows is enough for any length. */
  WINDOWS(MadeUp.windows()),
  /** Made up: the streams of DeepSeek-V4, in four pools; rows of 4 and of 16 tokens. */
  V4(MadeUp.v4(6, 16, 256)),
  /** DeepSeek-V4 with an MTP layer: windows of 8, entries of 4 and of 8 tokens. */
  V4_MTP("v4-mtp", 8, 16, 32),
  /** DeepSeek-V4 in transformers' layout, without MTP: windows of 5, entries of 2 and of 6. */
  V4_HF("v4-hf", 6, 12, 24),
  // The same models with cached rows of few bits. Each is another model, with an oracle of its own.
  MTP_BF16("mtp", KvDtype.BF16),
  MTP_FP8("mtp", KvDtype.FP8),
  TRAINED_FP8("trained", KvDtype.FP8),
  V4_MTP_BF16("v4-mtp", KvDtype.BF16, 8, 16, 32),
  V4_MTP_FP8("v4-mtp", KvDtype.FP8, 8, 16, 32),
  V4_HF_FP8("v4-hf", KvDtype.FP8, 6, 12, 24),
  // Quantised weights, with activations as they are and (A8) rounded to FP8.
  FP8_BLOCKS("glm-fp8-block", KvDtype.F32, ActivationDtype.F32),
  FP8_BLOCKS_A8("glm-fp8-block", KvDtype.F32, ActivationDtype.FP8),
  FP8_AND_MXFP4_A8("glm-ct-mixed", KvDtype.F32, ActivationDtype.FP8),
  NVFP4("glm-modelopt-nvfp4", KvDtype.F32, ActivationDtype.F32),
  V4_RELEASE("v4-release", KvDtype.F32, ActivationDtype.F32, 8, 16, 32),
  /** All that DeepSeek-V4 has in few bits: weights, activations and cached rows. */
  V4_RELEASE_A8("v4-release", KvDtype.FP8, ActivationDtype.FP8, 8, 16, 32);

  private static final int[] EOS = {5, 17};

  private final KvDtype rows;
  private final ActivationDtype activations;
  private final boolean quantised;
  private final int[] pages;
  private final boolean windows;
  private final Supplier<Model> model;
  private final Supplier<Function<int[], float[][]>> oracle;

  private Served(Path model, KvDtype rows, ActivationDtype activations, int... pages) {
    this.model = () -> LoadedModel.load(model).model();
    this.oracle = () -> Oracle.of(model, rows, activations)::logits;
    this.rows = rows;
    this.activations = activations;
    this.quantised = TinyModels.quantised().contains(model);
    this.windows = pages.length > 0;
    this.pages = windows ? pages : new int[] {1, 4, 16};
  }

  Served(String speck, int... pages) {
    this(TinyModels.speck(speck), KvDtype.F32, ActivationDtype.F32, pages);
  }

  Served(String speck, KvDtype rows, int... pages) {
    this(TinyModels.speck(speck), rows, ActivationDtype.F32, pages);
  }

  Served(String quantised, KvDtype rows, ActivationDtype activations, int... pages) {
    this(TinyModels.quantised(quantised), rows, activations, pages);
  }

  Served(MadeUp numbers) {
    this.model = () -> new MadeUpModel(numbers);
    this.oracle = () -> new NaiveMadeUp(numbers)::logits;
    this.rows = KvDtype.F32;
    this.activations = ActivationDtype.F32;
    this.quantised = false;
    this.windows = true;
    this.pages = new int[] {4, 8, 32};
  }

  /** Models in the float32 of their files, or those with numbers of fewer bits somewhere. */
  static List<Served> all(boolean fewBits) {
    return Arrays.stream(values())
        .filter(m -> (m.quantised || m.rows != KvDtype.F32) == fewBits)
        .toList();
  }

  /** These options with the dtypes of its cached rows and of its activations. */
  EngineOptions numbers(EngineOptions options) {
    return options
        .withKv(kv -> kv.withKvCacheDtype(rows))
        .withCompute(c -> c.withActivationDtype(activations));
  }

  /** Whether it has an indexer, which chooses the entries that a row reads. */
  boolean indexes() {
    return windows && !List.of(HYBRID, WINDOWS, V4).contains(this);
  }

  /** Whether its cache has windows. */
  boolean windows() {
    return windows;
  }

  /** Page sizes for it: less than a window, about one, and 2 or more windows. */
  List<Integer> pages() {
    return Arrays.stream(pages).boxed().toList();
  }

  /** A length of whole pages, whichever of its page sizes it has. */
  int wholePages() {
    return windows ? pages[2] : 2 * pages[2];
  }

  /** Whether the drafts of its MTP layer are often right: it is trained, or made up so. */
  boolean guesses() {
    return List.of(TRAINED, TRAINED_FP8, HYBRID, V4).contains(this);
  }

  /** With a tokenizer, its ids are words of that vocabulary: nonsense, but text. */
  LoadedModel load(Optional<Tokenizer> tokenizer) {
    Path directory = TinyModels.speck("mtp"); // files of rows are named after what lies there
    return new LoadedModel(directory, model.get(), tokenizer, EOS);
  }

  /** The oracle: from token ids to the logits of every position, [tokens][vocab]. */
  Function<int[], float[][]> oracle() {
    return oracle.get();
  }
}
