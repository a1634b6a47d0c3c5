package orrery.engine;

import static java.lang.Float.NaN;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.kv.KvCache;
import orrery.model.Forward;
import orrery.model.ForwardingForward;
import orrery.model.Model;

/**
 * A model with NaN in the rows of one token, and nowhere before that: in the residual stream
 * between two layers, in the last layer's result, or in what the MTP layer reads. Keys and values
 * that the row wrote before are good, and behind the last layer no other row reads it.
 *
 * @param token whose rows become NaN
 * @param tap the place in the forward pass: the name of a tap, or {@link #MTP}
 */
public record NanModel(Model real, int token, String tap) implements ForwardingModel {
  /** The input of the MTP layer, so that only its rows are NaN. */
  static final String MTP = "mtpInput";

  /** The same loaded model, with NaN. */
  public static LoadedModel of(LoadedModel loaded, int token, String tap) {
    Model model = new NanModel(loaded.model(), token, tap);
    return new LoadedModel(loaded.directory(), model, loaded.tokenizer(), loaded.eos());
  }

  private record Poison(Buffer x, int token) implements Op {
    @Override
    public void run(Step step, int share, int shares) {
      for (int r = 0; share == 0 && r < x.rows(step); r++) {
        if (step.token[r] == token) {
          Arrays.fill(x.data, x.row(r), x.row(r) + x.cols, NaN);
        }
      }
    }

    @Override
    public List<Operand> reads() {
      return List.of(x, StepField.TOKEN);
    }

    @Override
    public List<Operand> writes() {
      return List.of(x);
    }

    @Override
    public long cost(Step step) {
      return 0;
    }

    @Override
    public String line() {
      return x + " = NaN in rows of token " + token;
    }
  }

  private final class Poisoning extends Launcher {
    private final Launcher g;

    private Poisoning(Launcher g) {
      this.g = g;
    }

    @Override
    public void launch(Op op) {
      g.launch(op);
    }

    @Override
    public void tap(String name, Buffer buffer) {
      g.tap(name, buffer);
      if (name.equals(tap)) {
        g.launch(new Poison(buffer, token));
      }
    }
  }

  private final class Poisoned implements ForwardingForward {
    private final Forward real;

    private Poisoned(Forward real) {
      this.real = real;
    }

    @Override
    public Forward real() {
      return real;
    }

    @Override
    public void main(Launcher g) {
      real.main(new Poisoning(g));
    }

    @Override
    public void mtp(Launcher g) {
      poisonInput(g);
      real.mtp(g);
    }

    @Override
    public void mtpKv(Launcher g) {
      poisonInput(g);
      real.mtpKv(g);
    }

    private void poisonInput(Launcher g) {
      if (tap.equals(MTP)) {
        g.launch(new Poison(real.mtpInput(), token));
      }
    }
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    IntFunction<Forward> bound = real.bind(cache, maxLogitRows);
    return rows -> new Poisoned(bound.apply(rows));
  }
}
