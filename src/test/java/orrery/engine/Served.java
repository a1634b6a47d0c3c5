package orrery.engine;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import orrery.Naive;
import orrery.TinyModels;
import orrery.madeup.MadeUp;
import orrery.madeup.MadeUpModel;
import orrery.madeup.NaiveMadeUp;
import orrery.model.Model;
import orrery.text.Tokenizer;

/** The models of the matrix: all specks, and two made-up models whose caches have windows. */
enum Served {
  BIAS,
  GROUPS,
  MTP,
  SHARDED,
  TRAINED,
  /** Made up: rows that stay, windows, groups, compressed rows, and an MTP layer. */
  HYBRID,
  /** Made up: windows only, so that memory for a few windows is enough for any length. */
  WINDOWS;

  private static final int[] EOS = {5, 17};

  boolean madeUp() {
    return this == HYBRID || this == WINDOWS;
  }

  private Path directory() {
    return TinyModels.speck(name().toLowerCase(java.util.Locale.ROOT));
  }

  private MadeUp numbers() {
    return this == HYBRID ? MadeUp.hybrid() : MadeUp.windows();
  }

  /** With a tokenizer, its ids are words of that vocabulary: nonsense, but text. */
  LoadedModel load(Optional<Tokenizer> tokenizer) {
    Model model;
    if (madeUp()) {
      model = new MadeUpModel(numbers());
    } else {
      model = LoadedModel.load(directory()).model();
    }
    return new LoadedModel(directory(), model, tokenizer, EOS);
  }

  /** The oracle: from token ids to the logits of the token that follows. */
  Function<int[], float[]> oracle() {
    if (madeUp()) {
      return new NaiveMadeUp(numbers())::logits;
    }
    Naive naive = new Naive(directory());
    return ids -> naive.logits(ids)[ids.length - 1];
  }
}
