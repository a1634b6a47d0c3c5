package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BenchCommandTest {
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    String[] all = Stream.concat(Stream.of("bench"), Stream.of(args)).toArray(String[]::new);
    return Main.run(new PrintWriter(new StringWriter()), new PrintWriter(err), all);
  }

  @Test
  void withoutASubjectItSaysWhatCanBeMeasured() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString()).contains("orrery bench kernels");
  }

  @Test
  void anImpossibleThreadCountIsRefusedBeforeMeasuring() {
    assertThat(run("kernels", "--threads", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--threads: expected 1 to 256, found 0");
  }

  @Test
  void aPictureInAMissingDirectoryIsRefusedBeforeMeasuring() {
    assertThat(run("kernels", "--svg", "no/such/place/rows.svg")).isEqualTo(1);
    assertThat(err.toString()).contains("--svg: no/such/place/rows.svg: expected a file in an");
  }
}
