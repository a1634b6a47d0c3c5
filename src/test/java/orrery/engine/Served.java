package orrery.engine;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import orrery.Naive;
import orrery.TinyModels;
import orrery.madeup.MadeUp;
import orrery.madeup.MadeUpModel;
import orrery.madeup.NaiveMadeUp;
import orrery.model.Model;
import orrery.text.Tokenizer;

/**
 * The models of the matrix: all specks, and three made-up models whose caches have windows. Another
 * model is one more value: how to load it, and its oracle.
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
  V4(MadeUp.v4(6, 16, 256));

  private static final int[] EOS = {5, 17};

  private final boolean madeUp;
  private final Supplier<Model> model;
  private final Supplier<Function<int[], float[]>> oracle;

  Served(boolean madeUp, Supplier<Model> model, Supplier<Function<int[], float[]>> oracle) {
    this.madeUp = madeUp;
    this.model = model;
    this.oracle = oracle;
  }

  Served(String speck) {
    this(
        false,
        () -> LoadedModel.load(TinyModels.speck(speck)).model(),
        () -> {
          Naive naive = new Naive(TinyModels.speck(speck));
          return ids -> naive.logits(ids)[ids.length - 1];
        });
  }

  Served(MadeUp numbers) {
    this(true, () -> new MadeUpModel(numbers), () -> new NaiveMadeUp(numbers)::logits);
  }

  /** Whether it is made up; its pages are whole groups of tokens. */
  boolean madeUp() {
    return madeUp;
  }

  /** Whether it is made up and has an MTP layer; then drafts are often right. */
  boolean drafts() {
    return this == HYBRID || this == V4;
  }

  /** With a tokenizer, its ids are words of that vocabulary: nonsense, but text. */
  LoadedModel load(Optional<Tokenizer> tokenizer) {
    return new LoadedModel(Path.of(name()), model.get(), tokenizer, EOS);
  }

  /** The oracle: from token ids to the logits of the token that follows. */
  Function<int[], float[]> oracle() {
    return oracle.get();
  }
}
