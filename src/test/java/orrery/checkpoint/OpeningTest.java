package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OpeningTest {
  private final Arena arena = Arena.ofShared();

  /** Throws what its caller need not declare. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> Object fail(Throwable thrown) throws E {
    throw (E) thrown;
  }

  @ParameterizedTest
  @ValueSource(classes = {OutOfMemoryError.class, IllegalStateException.class})
  void whatIsOpenIsClosedWhateverIsThrown(Class<? extends Throwable> kind) throws Exception {
    Throwable thrown = kind.getConstructor().newInstance();
    assertThatThrownBy(
            () -> Opening.orClose(arena::close, () -> OpeningTest.<RuntimeException>fail(thrown)))
        .isSameAs(thrown);
    assertThat(arena.scope().isAlive()).isFalse();
  }

  @Test
  void whatWasMadeStaysOpen() {
    assertThat(Opening.orClose(arena::close, () -> "all")).isEqualTo("all");
    assertThat(arena.scope().isAlive()).isTrue();
    arena.close();
  }
}
