package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Machines made up of files. */
class CoresTest {
  @TempDir Path machine;

  /** A machine whose processor i has the siblings i. */
  private int cores(String allowed, int available, String... siblings) throws IOException {
    for (int i = 0; i < siblings.length; i++) {
      Path topology = machine.resolve("cpu" + i + "/topology");
      Files.createDirectories(topology);
      Files.writeString(topology.resolve("thread_siblings_list"), siblings[i] + "\n");
    }
    Path status = machine.resolve("status");
    Files.writeString(
        status, "Name:\tjava\nCpus_allowed:\tff\nCpus_allowed_list:\t" + allowed + "\n");
    return Cores.physical(machine, status, available);
  }

  @Test
  void twoThreadsOfACoreCountOnce() throws IOException {
    assertThat(cores("0-3", 4, "0,2", "1,3", "0,2", "1,3")).isEqualTo(2);
    assertThat(cores("0-3", 4, "0-1", "0-1", "2-3", "2-3")).isEqualTo(2);
  }

  @Test
  void aProcessThatMayUseSomeProcessorsHasTheirCores() throws IOException {
    String[] siblings = {"0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7"};
    assertThat(cores("0-7", 8, siblings)).isEqualTo(4);
    assertThat(cores("0,4", 2, siblings)).isEqualTo(1);
    assertThat(cores("1,3,6-7", 4, siblings)).isEqualTo(3);
  }

  @Test
  void aContainerWithLessTimeHasNoMoreThreadsThanItsTimeIsGoodFor() throws IOException {
    assertThat(cores("0-3", 3, "0", "1", "2", "3")).isEqualTo(3);
    assertThat(cores("0-3", 1, "0", "1", "2", "3")).isEqualTo(1);
  }

  @Test
  void whereTheFilesAreMissingOrSayNothingTheProcessorsCount() throws IOException {
    assertThat(Cores.physical(machine, machine.resolve("status"), 6)).isEqualTo(6);
    assertThat(cores("0-3", 6, "0", "1")).as("processors without a folder").isEqualTo(6);
    assertThat(cores("what", 5, "0", "1")).isEqualTo(5);
    Path empty = Files.writeString(machine.resolve("empty"), "Name:\tjava\n");
    assertThat(Cores.physical(machine, empty, 7)).isEqualTo(7);
  }

  @Test
  void thisMachineHasAtLeastOneCoreAndNoMoreThanProcessors() {
    assertThat(Cores.physical()).isBetween(1, Runtime.getRuntime().availableProcessors());
  }
}
