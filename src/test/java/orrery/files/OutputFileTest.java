package orrery.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writes to paths of all kinds. */
class OutputFileTest {
  @TempDir Path directory;

  private Stream<String> names() throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.map(p -> p.getFileName().toString()).sorted().toList().stream();
    }
  }

  @Test
  void aFileIsMadeOrReplacedAndKeepsItsPermissions() throws IOException {
    Path file = directory.resolve("f");
    OutputFile.of(file).write("new\n");
    Path plain = Files.createFile(directory.resolve("plain"));
    assertThat(Files.getPosixFilePermissions(file)).isEqualTo(Files.getPosixFilePermissions(plain));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-x---"));
    OutputFile.of(file).write("newer\n");
    assertThat(file).hasContent("newer\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-r-x---");
    assertThat(names()).containsExactly("f", "plain");
  }

  @Test
  void aLinkStaysALinkAndWhatItLeadsToIsReplaced() throws IOException {
    Path real = Files.createDirectory(directory.resolve("real")).resolve("f");
    Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("real/f"));
    Path second = Files.createSymbolicLink(directory.resolve("second"), Path.of("link"));
    for (String text : new String[] {"made where the link leads", "replaced there"}) {
      OutputFile.of(second).write(text);
      assertThat(real).hasContent(text);
      assertThat(link).isSymbolicLink();
      assertThat(second).isSymbolicLink();
    }
    assertThat(OutputFile.of(second).part()).isEqualTo(real.toRealPath().resolveSibling("f.part"));
  }

  @Test
  void anotherNameOfTheOldFileKeepsTheOldContent() throws IOException {
    Path file = Files.writeString(directory.resolve("f"), "old");
    Path other = Files.createLink(directory.resolve("other"), file);
    OutputFile.of(file).write("new");
    assertThat(other).hasContent("old");
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = Files.writeString(directory.resolve("f"), "old");
    OutputFile out = OutputFile.of(file);
    assertThatThrownBy(
            () ->
                out.write(
                    o -> {
                      o.write("half".getBytes());
                      throw new IOException("the disk is full");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage(file + ": cannot be written: the disk is full");
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("f");
  }

  @Test
  void aDeviceIsWrittenThroughAndStaysADevice() throws IOException {
    assumeTrue(Files.exists(Path.of("/dev/full")));
    Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("/dev/null"));
    for (Path path : new Path[] {Path.of("/dev/null"), link}) {
      OutputFile.of(path).write("gone");
      assertThat(OutputFile.of(path).isStream()).isTrue();
      assertThat(Files.readAttributes(path, "isOther")).containsEntry("isOther", true);
    }
    OutputFile full = OutputFile.of(Path.of("/dev/full"));
    assertThatThrownBy(() -> full.write("too much"))
        .hasMessageStartingWith("/dev/full: cannot be written: ");
    assertThat(Files.isRegularFile(Path.of("/dev/full"), LinkOption.NOFOLLOW_LINKS)).isFalse();
  }

  @Test
  void standardOutputIsADescriptorUnderAllItsNames() throws IOException {
    assumeTrue(Files.exists(Path.of("/proc/self/fd/1")));
    Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("/dev/stdout"));
    for (String name : new String[] {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "" + link}) {
      assertThat(OutputFile.of(Path.of(name)).isDescriptor()).as(name).isTrue();
    }
    assertThat(OutputFile.of(Path.of("/dev/null")).isDescriptor()).isFalse();
  }

  @Test
  void aFileThatGrowsInPlaceKeepsItsContentUntilItIsTruncated() throws IOException {
    Path file = Files.writeString(directory.resolve("f"), "old ");
    try (OutputStream out = OutputFile.of(file).open()) {
      assertThat(file).hasContent("old ");
      out.write("new".getBytes());
    }
    assertThat(file).hasContent("old new");
  }

  @Test
  void aPathThatCannotBeWrittenIsNamed() throws IOException {
    Path nowhere = directory.resolve("no/such/f");
    assertThatThrownBy(() -> OutputFile.of(nowhere))
        .isInstanceOf(IOException.class)
        .hasMessage(
            nowhere
                + ": expected a file in an existing directory, found none at "
                + nowhere.getParent());
    assertThatThrownBy(() -> OutputFile.of(directory))
        .hasMessage(directory + ": expected a file to write, found a directory");
    assertThatThrownBy(() -> OutputFile.of(Path.of("/")))
        .hasMessage("/: expected a file to write, found a directory");
    assertThatThrownBy(() -> OutputFile.of(Path.of("")))
        .hasMessage("\"\": expected a file to write, found a directory");
    Path loop = directory.resolve("loop");
    Files.createSymbolicLink(loop, Path.of("loop"));
    assertThatThrownBy(() -> OutputFile.of(loop))
        .hasMessage(loop + ": expected a file to write, found a link that leads nowhere");
  }

  @Test
  void aReadOnlyFileOrDirectoryIsRefused() throws IOException {
    Path file = Files.createFile(directory.resolve("f"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
    assumeFalse(Files.isWritable(file)); // the superuser may write everything
    assertThatThrownBy(() -> OutputFile.of(file))
        .hasMessage(file + ": cannot be written: it is read-only");
    Path closed = Files.createDirectory(directory.resolve("closed"));
    Path old = Files.createFile(closed.resolve("old"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("r-xr-xr-x"));
    assertThatThrownBy(() -> OutputFile.of(closed.resolve("new")))
        .hasMessageContaining("its directory is read-only");
    assertThatThrownBy(() -> OutputFile.of(old).replaceable())
        .hasMessageContaining("its directory is read-only");
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
