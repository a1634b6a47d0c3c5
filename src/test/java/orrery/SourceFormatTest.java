package orrery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SourceFormatTest {

  @Test
  void everySourceFileIsFormatted() throws IOException {
    List<Path> files = SourceFormat.javaFiles(SourceFormat.SOURCES);
    assertThat(files).contains(Path.of("src/test/java/orrery/SourceFormatTest.java"));
    assertThat(files.stream().filter(file -> !SourceFormat.isFormatted(file)))
        .as("files to format with: mvn -q test-compile exec:exec@format")
        .isEmpty();
  }

  @Test
  void aBadlySpacedFileOfAnySourceSetIsFound(@TempDir Path sources) throws IOException {
    Path file = sources.resolve("jmh/java/orrery/Crooked.java");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "package orrery;\nimport java.util.List;\nclass Crooked{int x  =1;}\n");
    Files.writeString(sources.resolve("jmh/NotJava.txt"), "class");
    assertThat(SourceFormat.javaFiles(sources)).containsExactly(file);
    assertThat(SourceFormat.isFormatted(file)).isFalse();
    Files.writeString(file, SourceFormat.formatted(file, Files.readString(file)));
    assertThat(SourceFormat.isFormatted(file)).isTrue();
    assertThat(file).hasContent("package orrery;\n\nclass Crooked {\n  int x = 1;\n}\n");
  }
}
