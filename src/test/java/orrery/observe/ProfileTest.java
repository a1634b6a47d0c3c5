package orrery.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.events.Event;

/** Which traces a profile tells of: those that were written. */
class ProfileTest {
  @TempDir private Path parent;
  private Path directory;
  private Profile profile;

  @BeforeEach
  void open() throws IOException {
    directory = Files.createDirectory(parent.resolve("traces"));
    profile = new Profile(Optional.of(directory));
  }

  private void step() {
    profile.accept(
        new Event.StepDone(9, 0, 1, 0, 0, 0, 1, 0, List.of(), "NOTHING_WAITS", 1, 1, 1, 1, 1, 1));
  }

  private void move() throws IOException {
    Files.move(directory, parent.resolve("elsewhere"));
  }

  private void startIsRefused() {
    assertThatIOException()
        .isThrownBy(() -> profile.start(0))
        .withMessageContaining("profile-")
        .withMessageContaining("existing directory");
  }

  @Test
  void aTraceThatCouldNotBeStartedIsNotTold() throws IOException {
    move();
    startIsRefused();
    assertThat(profile.stop()).isEmpty();
  }

  @Test
  void aTraceThatHasEndedByItselfIsStillToldAfterAnotherCouldNotBeStarted() throws IOException {
    assertThat(profile.start(1)).isTrue();
    step();
    move();
    startIsRefused();
    assertThat(profile.stop()).contains(directory.resolve("profile-1.json"));
    assertThat(profile.stop()).isEmpty();
  }

  @Test
  void aStartThatFailedTakesNoNumber() throws IOException {
    move();
    startIsRefused();
    Files.createDirectory(directory);
    assertThat(profile.start(0)).isTrue();
    step();
    Path file = profile.stop().orElseThrow();
    assertThat(file).isEqualTo(directory.resolve("profile-1.json")).isNotEmptyFile();
  }
}
