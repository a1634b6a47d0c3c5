package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** An engine that has no memory left. */
class OutOfMemoryTest {
  @Test
  void everyCallerHearsOfItAlsoIfAllMemoryIsGone() throws Exception {
    List<String> flags =
        List.of(
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED");
    Process process = ForkedProgram.start(flags, HoardingProgram.class.getName());
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("it ends").isTrue();
      assertThat(ForkedProgram.output(process))
          .contains(HoardingProgram.REQUESTS + " failed, ended: true");
    } finally {
      process.destroyForcibly();
    }
  }
}
