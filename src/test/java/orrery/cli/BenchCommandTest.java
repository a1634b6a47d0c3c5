package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class BenchCommandTest {
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return new CommandLine(new BenchCommand()).setErr(new PrintWriter(err)).execute(args);
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
    assertThat(run("kernels", "--svg", "no/such/place/rows.svg")).isEqualTo(2);
    assertThat(err.toString()).contains("--svg").contains("no/such/place/rows.svg");
  }
}
