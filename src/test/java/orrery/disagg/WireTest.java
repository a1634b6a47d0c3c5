package orrery.disagg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.disagg.Frame.Type;
import orrery.disagg.PrefilledCodec.First;
import orrery.engine.Prefilled;
import orrery.engine.Prefilled.FirstToken;
import orrery.sampling.Logprobs;
import orrery.sampling.Logprobs.TokenLogprob;
import orrery.speculation.DrafterState;

/** The bytes between two engines: as documented, and nothing else is taken for them. */
class WireTest {
  private static final long ROOM = 0x0102030405060708L;

  /** A channel that reads given bytes, a few at a time, and keeps what is written. */
  private static class Bytes implements ByteChannel {
    private final ReadableByteChannel in;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Random pieces = new Random(1);

    Bytes(byte[] in) {
      this.in = Channels.newChannel(new ByteArrayInputStream(in));
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      int limit = into.limit();
      into.limit(Math.min(limit, into.position() + 1 + pieces.nextInt(5)));
      int n = in.read(into);
      into.limit(limit);
      return n;
    }

    @Override
    public int write(ByteBuffer from) {
      int n = Math.min(from.remaining(), 1 + pieces.nextInt(5));
      byte[] piece = new byte[n];
      from.get(piece);
      out.writeBytes(piece);
      return n;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  private static byte[] written(Frame frame) throws IOException {
    Bytes channel = new Bytes(new byte[0]);
    new ChannelTransfer(channel).send(frame);
    return channel.out.toByteArray();
  }

  private static Frame read(byte[] bytes, Type... expected) throws IOException {
    return new ChannelTransfer(new Bytes(bytes)).receive(expected);
  }

  /** The bytes are written out by hand from the package's documentation. */
  @Test
  void aFrameHasTheBytesThatTheDocumentationSays() throws IOException {
    byte[] bytes = written(Frame.ints(Type.WELCOME, ROOM, 3, 258));
    assertThat(HexFormat.of().formatHex(bytes, 0, 20))
        .isEqualTo("4f524b56" + "01" + "02" + "0000" + "0807060504030201" + "08000000");
    assertThat(HexFormat.of().formatHex(bytes, 24, 32)).isEqualTo("03000000" + "02010000");
    assertThat(ByteBuffer.wrap(bytes, 20, 4).order(ByteOrder.LITTLE_ENDIAN).getInt())
        .isEqualTo(crc32c(bytes));
  }

  /** CRC-32C bit by bit, of all but the checksum itself. */
  private static int crc32c(byte[] frame) {
    int crc = -1;
    for (int i = 0; i < frame.length; i++) {
      if (i < 20 || i >= 24) {
        crc ^= frame[i] & 0xFF;
        for (int bit = 0; bit < 8; bit++) {
          crc = (crc & 1) != 0 ? crc >>> 1 ^ 0x82F63B78 : crc >>> 1;
        }
      }
    }
    return ~crc;
  }

  @Test
  void everyTypeOfFrameComesAsItWasSent() throws IOException {
    for (Type type : Type.values()) {
      if (type != Type.ABORT) {
        Frame got = read(written(Frame.text(type, -ROOM, "ein Grund: ü")), Type.values());
        assertThat(got.type()).isEqualTo(type);
        assertThat(got.of(-ROOM).text()).isEqualTo("ein Grund: ü");
        assertThatThrownBy(() -> got.of(ROOM)).isInstanceOf(TransferException.class);
      }
    }
  }

  @Test
  void aFrameWithAnyBitWrongIsRefused() throws IOException {
    byte[] bytes = written(Frame.ints(Type.PAGE, ROOM, 1, 2, 3));
    for (int bit = 0; bit < 8 * bytes.length; bit++) {
      byte[] wrong = bytes.clone();
      wrong[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> read(wrong, Type.PAGE))
          .as("bit " + bit)
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aFrameThatEndsEarlyIsRefusedWithWhatIsMissing() throws IOException {
    byte[] bytes = written(Frame.ints(Type.PAGE, ROOM, 1, 2, 3));
    for (int n = 0; n < bytes.length; n++) {
      byte[] early = Arrays.copyOf(bytes, n);
      assertThatThrownBy(() -> read(early, Type.PAGE))
          .isInstanceOf(EOFException.class)
          .hasMessageContaining("closed the connection");
    }
  }

  @Test
  void anotherFrameThanExpectedIsRefusedAndAnAbortSaysItsReason() throws IOException {
    byte[] done = written(Frame.ints(Type.DONE, 1));
    assertThatThrownBy(() -> read(done, Type.PAGE, Type.FIRST))
        .hasMessage("expected PAGE or FIRST, found DONE");
    byte[] abort = written(Frame.text(Type.ABORT, 1, "no room"));
    assertThatThrownBy(() -> read(abort, Type.FIRST)).hasMessage("the other side gave up: no room");
    byte[] chatty = written(Frame.text(Type.ABORT, 1, "x".repeat(5000)));
    assertThatThrownBy(() -> read(chatty, Type.FIRST))
        .hasMessage("the other side gave up: " + "x".repeat(1000) + "…");
  }

  /** Else a stranger's 24 bytes would take a quarter of a gigabyte. */
  @Test
  void aLengthTakesNoMemoryBeforeItsBytesCome() throws IOException {
    byte[] hello = written(Frame.ints(Type.HELLO, ROOM));
    ByteBuffer.wrap(hello).order(ByteOrder.LITTLE_ENDIAN).putInt(16, 1 << 28);
    assertThatThrownBy(() -> read(hello, Type.HELLO))
        .hasMessage("HELLO: expected at most 262144 bytes, found 268435456");
    assertThatThrownBy(() -> read(written(Frame.ints(Type.PAGE, ROOM)), Type.HELLO))
        .hasMessage("expected HELLO, found PAGE");
    byte[] page = written(Frame.ints(Type.PAGE, ROOM, 1, 2, 3));
    ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN).putInt(16, 1 << 28);
    int[] most = {0};
    Bytes channel =
        new Bytes(page) {
          @Override
          public int read(ByteBuffer into) throws IOException {
            most[0] = Math.max(most[0], into.capacity());
            return super.read(into);
          }
        };
    assertThatThrownBy(() -> new ChannelTransfer(channel).receive(Type.PAGE))
        .isInstanceOf(EOFException.class);
    assertThat(most[0]).isBetween(24, 1 << 20);
  }

  @Test
  void aPayloadOfMegabytesComesWhole() throws IOException {
    byte[] bytes = new byte[3_000_001];
    new Random(3).nextBytes(bytes);
    byte[] sent = written(new Frame(Type.PAGE, ROOM, ByteBuffer.wrap(bytes)));
    assertThat(read(sent, Type.PAGE).payload()).isEqualTo(ByteBuffer.wrap(bytes));
  }

  /** Any number of states without width has no bytes, but would take memory. */
  @Test
  void statesWithoutWidthAreRefused() {
    DrafterState none = new DrafterState(0, List.of(new float[0], new float[0]));
    ByteBuffer bytes =
        PrefilledCodec.encode(
            new First(0, new Prefilled(List.of(), List.of(), List.of(), 0, none)));
    assertThatThrownBy(() -> PrefilledCodec.decode(bytes)).isInstanceOf(TransferException.class);
  }

  private static First first(Random r) {
    List<FirstToken> tokens = new ArrayList<>();
    for (int i = 1 + r.nextInt(3); i > 0; i--) {
      Optional<Logprobs> told = r.nextBoolean() ? Optional.of(logprobs(r)) : Optional.empty();
      tokens.add(new FirstToken(r.nextInt(), told));
    }
    List<Logprobs> prompt = new ArrayList<>();
    for (int i = r.nextInt(4); i > 0; i--) {
      prompt.add(logprobs(r));
    }
    List<float[]> states = new ArrayList<>();
    for (int i = r.nextInt(4); i > 0; i--) {
      states.add(new float[] {r.nextFloat(), -0f, Float.NaN});
    }
    List<Integer> pages = r.ints(r.nextInt(4)).boxed().toList();
    DrafterState state = new DrafterState(r.nextInt(), states);
    return new First(r.nextInt(), new Prefilled(pages, tokens, prompt, r.nextInt(), state));
  }

  private static Logprobs logprobs(Random r) {
    List<TokenLogprob> top = new ArrayList<>();
    for (int i = r.nextInt(3); i > 0; i--) {
      top.add(new TokenLogprob(r.nextInt(), r.nextGaussian()));
    }
    TokenLogprob chosen = new TokenLogprob(r.nextInt(), Double.NEGATIVE_INFINITY);
    return new Logprobs(chosen, r.nextInt(), top);
  }

  @Test
  void whatAPrefillEngineKnowsComesToTheBit() throws IOException {
    for (int seed = 0; seed < 200; seed++) {
      First sent = first(new Random(seed));
      First got = PrefilledCodec.decode(PrefilledCodec.encode(sent));
      assertThat(got.pages()).isEqualTo(sent.pages());
      assertThat(got.prefilled().first()).isEqualTo(sent.prefilled().first());
      assertThat(got.prefilled().tokens()).isEqualTo(sent.prefilled().tokens());
      assertThat(got.prefilled().promptLogprobs()).isEqualTo(sent.prefilled().promptLogprobs());
      assertThat(got.prefilled().cachedTokens()).isEqualTo(sent.prefilled().cachedTokens());
      DrafterState state = got.prefilled().drafter();
      assertThat(state.written()).isEqualTo(sent.prefilled().drafter().written());
      Object[] states = sent.prefilled().drafter().states().toArray();
      assertThat(Arrays.deepEquals(state.states().toArray(), states)).isTrue(); // NaN is NaN
    }
  }

  @Test
  void whatAPrefillEngineKnowsIsRefusedIfItIsCutOrLonger() throws IOException {
    ByteBuffer whole = PrefilledCodec.encode(first(new Random(7)));
    for (int n = 0; n < whole.limit(); n++) {
      ByteBuffer cut = whole.duplicate().limit(n);
      assertThatThrownBy(() -> PrefilledCodec.decode(cut)).isInstanceOf(TransferException.class);
    }
    ByteBuffer longer = ByteBuffer.wrap(Arrays.copyOf(whole.array(), whole.limit() + 1));
    assertThatThrownBy(() -> PrefilledCodec.decode(longer)).isInstanceOf(TransferException.class);
  }

  /** The example of docs/disaggregation.md: one pool, one answer, no drafter. */
  @Test
  void theFirstTokenOfOneAnswerTakes44Bytes() throws IOException {
    FirstToken first = new FirstToken(41, Optional.empty());
    Prefilled p = new Prefilled(List.of(0), List.of(first), List.of(), 0, DrafterState.NONE);
    ByteBuffer bytes = PrefilledCodec.encode(new First(3, p));
    assertThat(bytes.remaining()).isEqualTo(44);
    assertThat(PrefilledCodec.decode(bytes).prefilled().tokens()).containsExactly(first);
  }
}
