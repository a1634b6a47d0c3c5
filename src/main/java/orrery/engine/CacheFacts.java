package orrery.engine;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import orrery.graph.ActivationDtype;
import orrery.kv.KvCache;
import orrery.kv.Stream;
import orrery.model.Fp8Activations;
import orrery.model.Model;
import orrery.offload.RowOrigin;

/** What others may know of an engine's cached rows: their format, their pages, their room. */
final class CacheFacts {
  private final KvCache kv;
  private final Model model;
  private final boolean rounds;
  private final int ahead;

  /**
   * @param ahead slots beyond its computed tokens that a sequence has rows for
   */
  CacheFacts(EngineState state, int ahead) {
    this.kv = state.kv;
    this.model = state.model;
    this.rounds = model instanceof Fp8Activations && Fp8Activations.matter(state.loaded.model());
    this.ahead = ahead;
  }

  /** P. */
  int pageTokens() {
    return kv.geometry().pageTokens();
  }

  /** Bytes of the largest page that another engine may want. */
  long pageBytes() {
    return KvPages.mostBytes(kv);
  }

  /** All that a cached row, or its place in a page, depends on beside the model and the tokens. */
  Map<String, String> kvFormat() {
    ActivationDtype activations = rounds ? ActivationDtype.FP8 : ActivationDtype.F32;
    Map<String, String> format =
        new LinkedHashMap<>(RowOrigin.properties(activations, kv.layout(), pageTokens()));
    format.put("vocabulary", Integer.toString(model.vocab()));
    format.put("slots ahead", Integer.toString(ahead));
    return format;
  }

  /** Tokens that the pool whose rows live longest has room for; one page is the dummy. */
  long cacheTokens() {
    return (kv.pool(0).total() - 1L) * kv.geometry().span(0);
  }

  /** Whether products multiply rounded rows. */
  boolean roundsActivations() {
    return rounds;
  }

  /** Whether a pool keeps only a window. */
  boolean hasWindows() {
    return Arrays.stream(kv.layout().pools()).anyMatch(keeps -> keeps != Stream.ALL);
  }
}
