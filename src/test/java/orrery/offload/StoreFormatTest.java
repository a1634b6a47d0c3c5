package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.StringJoiner;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page about the format shows a file as the store writes it. */
class StoreFormatTest {
  @TempDir private Path temporary;

  private byte[] file() throws IOException {
    BlockKey key = BlockKey.root("rows of an example", "").next(new int[] {1, 2, 3, 4}, 0, 4);
    StoreOnDisk disk = new StoreOnDisk(temporary);
    MemorySegment rows = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_BYTE, rows());
    assertThat(disk.open(1000).put(new Part(key, 2), rows)).isTrue();
    return Files.readAllBytes(disk.files().getFirst());
  }

  private static byte[] rows() {
    byte[] rows = new byte[16];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = (byte) i;
    }
    return rows;
  }

  @Test
  void thePageShowsTheBytesOfAFile() throws IOException {
    byte[] file = file();
    StringJoiner dump = new StringJoiner("\n", "\n```\n", "\n```\n");
    for (int at = 0; at < file.length; at += 16) {
      dump.add("%4d  %s".formatted(at, HexFormat.ofDelimiter(" ").formatHex(file, at, at + 16)));
    }
    assertThat(Files.readString(Path.of("docs", "kv-store-format.md"))).contains(dump.toString());
  }

  @Test
  void theChecksumIsThatOfAllOtherBytesOfTheFile() throws IOException {
    byte[] file = file();
    CRC32C crc = new CRC32C();
    crc.update(file, 0, 12);
    crc.update(file, 16, file.length - 16);
    byte[] little = HexFormat.of().parseHex(HexFormat.of().toHexDigits((int) crc.getValue()));
    for (int i = 0; i < 4; i++) {
      assertThat(file[12 + i]).isEqualTo(little[3 - i]);
    }
  }
}
