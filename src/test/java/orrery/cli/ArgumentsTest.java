package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Arguments as bytes, decoded as Java does in a locale, and read again. */
class ArgumentsTest {
  private static final byte[] ZOE = "Zoë café 😀".getBytes(StandardCharsets.UTF_8);
  private static final byte[] LATIN = "Zoë".getBytes(StandardCharsets.ISO_8859_1);

  /** The arguments as the program reads them, if these stand behind a program's name and a flag. */
  private static String[] given(String encoding, boolean known, byte[]... arguments) {
    ByteArrayOutputStream raw = new ByteArrayOutputStream();
    raw.writeBytes("java\0-cp\0Zoë\0orrery.cli.Main\0".getBytes(StandardCharsets.UTF_8));
    for (byte[] argument : arguments) {
      raw.writeBytes(argument);
      raw.write(0);
    }
    String[] decoded =
        Arrays.stream(arguments)
            .map(bytes -> new String(bytes, Charset.forName(encoding)))
            .toArray(String[]::new);
    return Arguments.decoded(decoded, encoding, known ? raw.toByteArray() : new byte[0]);
  }

  @Test
  void argumentsAreUtf8InEveryLocale() {
    byte[] plain = "generate".getBytes(StandardCharsets.UTF_8);
    for (String encoding : new String[] {"UTF-8", "ANSI_X3.4-1968", "ISO-8859-1", "GBK"}) {
      assertThat(given(encoding, true, plain, ZOE, plain))
          .as(encoding)
          .containsExactly("generate", "Zoë café 😀", "generate");
    }
  }

  @Test
  void aReplacementCharacterThatWasGivenIsText() {
    byte[] given = "a\uFFFDb".getBytes(StandardCharsets.UTF_8);
    assertThat(given("UTF-8", true, given)).containsExactly("a\uFFFDb");
  }

  @Test
  void otherBytesAreRefusedRatherThanAnsweredAsAnotherText() {
    for (String encoding : new String[] {"UTF-8", "ANSI_X3.4-1968", "ISO-8859-1"}) {
      assertThatThrownBy(() -> given(encoding, true, ZOE, LATIN))
          .as(encoding)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("argument 2: expected UTF-8 text, found other bytes: Zo");
    }
  }

  @Test
  void whereTheBytesAreUnknownALostTextIsRefused() {
    assertThatThrownBy(() -> given("ANSI_X3.4-1968", false, ZOE))
        .hasMessage(
            "argument 1: expected UTF-8 text, found bytes that Java could not decode in the"
                + " encoding ANSI_X3.4-1968; set LC_ALL=C.UTF-8");
    assertThatThrownBy(() -> given("UTF-8", false, LATIN)).hasMessageStartingWith("argument 1");
    assertThat(given("UTF-8", false, ZOE)).containsExactly("Zoë café 😀");
    assertThat(given("ANSI_X3.4-1968", false, "demo".getBytes(StandardCharsets.UTF_8)))
        .containsExactly("demo");
  }
}
