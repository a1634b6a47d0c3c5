package orrery.disagg;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import orrery.engine.Prefilled;
import orrery.engine.Prefilled.FirstToken;
import orrery.sampling.Logprobs;
import orrery.sampling.Logprobs.TokenLogprob;
import orrery.speculation.DrafterState;

/**
 * The bytes of a FIRST frame. A list is its length and its members.
 *
 * <pre>
 *   int pages sent
 *   list of int                     the first page that is needed, of each pool
 *   list of first tokens            int token, list of at most one log-probability
 *   list of log-probabilities       of the prompt
 *   int                             cached tokens
 *   int written, int states, int width, float[states][width]      the drafter's state
 *
 *   log-probability                 int token, double, int rank among all tokens,
 *                                   list of (int token, double)
 * </pre>
 */
final class PrefilledCodec {
  private PrefilledCodec() {}

  /** A message with what it says of pages. */
  record First(int pages, Prefilled prefilled) {}

  static ByteBuffer encode(First first) {
    Prefilled p = first.prefilled();
    ByteBuffer out = ByteBuffer.allocate(bytes(p)).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(first.pages()).putInt(p.first().size());
    p.first().forEach(out::putInt);
    out.putInt(p.tokens().size());
    for (FirstToken t : p.tokens()) {
      out.putInt(t.token());
      put(out, t.logprobs().map(List::of).orElse(List.of()));
    }
    put(out, p.promptLogprobs());
    out.putInt(p.cachedTokens()).putInt(p.drafter().written());
    List<float[]> states = p.drafter().states();
    out.putInt(states.size()).putInt(states.isEmpty() ? 0 : states.getFirst().length);
    for (float[] state : states) {
      for (float f : state) {
        out.putFloat(f);
      }
    }
    return out.flip();
  }

  private static void put(ByteBuffer out, List<Logprobs> all) {
    out.putInt(all.size());
    for (Logprobs l : all) {
      put(out, l.chosen());
      out.putInt(l.rank()).putInt(l.top().size());
      l.top().forEach(t -> put(out, t));
    }
  }

  private static void put(ByteBuffer out, TokenLogprob t) {
    out.putInt(t.token()).putDouble(t.logprob());
  }

  private static int bytes(Prefilled p) {
    long bytes = 32L + 4L * p.first().size() + bytes(p.promptLogprobs());
    for (FirstToken t : p.tokens()) {
      bytes += 8 + bytes(t.logprobs().map(List::of).orElse(List.of()));
    }
    for (float[] state : p.drafter().states()) {
      bytes += (long) Float.BYTES * state.length;
    }
    return Math.toIntExact(bytes);
  }

  private static long bytes(List<Logprobs> all) {
    return all.stream().mapToLong(l -> 20 + 12L * l.top().size()).sum();
  }

  /**
   * Reads what {@link #encode} has written.
   *
   * @throws TransferException if there are fewer or more bytes
   */
  static First decode(ByteBuffer payload) throws TransferException {
    ByteBuffer in = payload.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    try {
      int pages = in.getInt();
      List<Integer> first = new ArrayList<>();
      for (int n = count(in, 4); n > 0; n--) {
        first.add(in.getInt());
      }
      List<FirstToken> tokens = new ArrayList<>();
      for (int n = count(in, 8); n > 0; n--) {
        tokens.add(new FirstToken(in.getInt(), Optional.of(logprobs(in)).flatMap(one())));
      }
      List<Logprobs> prompt = logprobs(in);
      int cached = in.getInt();
      DrafterState state = state(in);
      if (in.hasRemaining()) {
        throw new TransferException("FIRST: found " + in.remaining() + " bytes after its end");
      }
      return new First(pages, new Prefilled(first, tokens, prompt, cached, state));
    } catch (BufferUnderflowException e) {
      throw new TransferException(
          "FIRST: expected more than its " + payload.remaining() + " bytes");
    }
  }

  private static Function<List<Logprobs>, Optional<Logprobs>> one() {
    return list -> list.stream().findFirst();
  }

  /** A length; a damaged one asks for no more memory than the frame has bytes. */
  private static int count(ByteBuffer in, int each) {
    int n = in.getInt();
    if (n < 0 || (long) n * each > in.remaining()) {
      throw new BufferUnderflowException();
    }
    return n;
  }

  private static List<Logprobs> logprobs(ByteBuffer in) {
    List<Logprobs> all = new ArrayList<>();
    for (int n = count(in, 20); n > 0; n--) {
      TokenLogprob chosen = token(in);
      int rank = in.getInt();
      List<TokenLogprob> top = new ArrayList<>();
      for (int t = count(in, 12); t > 0; t--) {
        top.add(token(in));
      }
      all.add(new Logprobs(chosen, rank, top));
    }
    return all;
  }

  private static TokenLogprob token(ByteBuffer in) {
    return new TokenLogprob(in.getInt(), in.getDouble());
  }

  private static DrafterState state(ByteBuffer in) {
    int written = in.getInt();
    int states = in.getInt();
    int width = in.getInt();
    boolean empty = width == 0 && states > 0; // any number of these would have no bytes
    if (states < 0 || width < 0 || empty || (long) states * width * Float.BYTES != in.remaining()) {
      throw new BufferUnderflowException();
    }
    List<float[]> all = new ArrayList<>();
    for (int i = 0; i < states; i++) {
      float[] state = new float[width];
      in.asFloatBuffer().get(state);
      in.position(in.position() + Float.BYTES * width);
      all.add(state);
    }
    return new DrafterState(written, all);
  }
}
