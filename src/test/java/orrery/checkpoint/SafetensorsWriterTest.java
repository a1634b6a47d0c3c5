package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
  @TempDir Path directory;

  @Test
  void everyTypeComesBackAsWritten() {
    Random random = new Random(3);
    float[] floats = new float[100_003]; // more than one buffer
    for (int i = 0; i < floats.length; i++) {
      floats[i] = random.nextFloat();
    }
    short[] codes = {1, -1, Short.MIN_VALUE, Short.MAX_VALUE, 0, 7};
    long[] longs = {Long.MIN_VALUE, -1, Long.MAX_VALUE};
    Path path = directory.resolve("all.safetensors");
    new SafetensorsWriter()
        .metadata("format", "pt")
        .floats("f", floats, floats.length)
        .bf16("b", codes, 2, 3)
        .f16("h", codes, 6)
        .longs("l", longs, 3, 1)
        .floats("scalar", new float[] {5})
        .write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.tensor("f").requireShape(floats.length).floats()).containsExactly(floats);
      assertThat(file.tensor("b").requireShape(2, 3).bf16()).containsExactly(codes);
      assertThat(file.tensor("h").dtype()).isEqualTo(DType.F16);
      assertThat(file.tensor("l").requireShape(3, 1).longs()).containsExactly(longs);
      assertThat(file.tensor("scalar").requireShape().floats()).containsExactly(5f);
      assertThat(file.metadata()).containsOnlyKeys("format");
    }
  }

  @Test
  void aTensorOfAnotherFileIsCopiedByteForByte() {
    short[] codes = new short[100_003]; // more than one buffer
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (short) (i * 31);
    }
    byte[] bytes = {-1, 0, 1};
    Path first = directory.resolve("first.safetensors");
    new SafetensorsWriter()
        .bf16("b", codes, codes.length)
        .codes("c", DType.U8, bytes, 3)
        .floats("f", new float[] {Float.NaN}, 1)
        .write(first);
    Path second = directory.resolve("second.safetensors");
    try (SafetensorsFile file = SafetensorsFile.open(first)) {
      new SafetensorsWriter()
          .codes("a", DType.F8_E4M3, bytes, 1, 3)
          .copy(file.tensor("c"))
          .copy(file.tensor("b"))
          .copy(file.tensor("f"))
          .write(second);
    }
    try (SafetensorsFile file = SafetensorsFile.open(second)) {
      byte[] row = new byte[3];
      assertThat(file.tensor("b").requireShape(codes.length).bf16()).containsExactly(codes);
      file.tensor("c").requireShape(3).copyRowBytes(0, row, 0);
      assertThat(row).containsExactly(bytes);
      file.tensor("a").requireShape(1, 3).copyRowBytes(0, row, 0);
      assertThat(row).containsExactly(bytes);
      assertThat(file.tensor("f").floats()).containsExactly(Float.NaN);
    }
  }

  @Test
  void theHeaderIsPaddedAndTensorsStandInCanonicalOrderWhateverTheOrderOfAdding()
      throws IOException {
    float[] two = {1, 2};
    Path one = directory.resolve("one.safetensors");
    Path other = directory.resolve("other.safetensors");
    short[] bits = {3};
    long[] ids = {4};
    new SafetensorsWriter().bf16("a", bits, 1).floats("b", two, 2).longs("z", ids, 1).write(one);
    new SafetensorsWriter().longs("z", ids, 1).floats("b", two, 2).bf16("a", bits, 1).write(other);
    assertThat(Files.mismatch(one, other)).isEqualTo(-1);
    byte[] all = Files.readAllBytes(one);
    long header = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertThat(header % 8).isZero();
    assertThat(new String(all, 8, (int) header, StandardCharsets.UTF_8).strip())
        .isEqualTo(
            "{\"z\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]},"
                + "\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[16,18]}}");
  }

  @Test
  void anOldFileIsReplacedInOneStepAndNothingElseIsLeftBehind() throws IOException {
    Path path = directory.resolve("x.safetensors");
    Files.writeString(path, "old");
    new SafetensorsWriter().floats("a", new float[] {1}, 1).write(path);
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).containsExactly(path);
    }
    Path nowhere = directory.resolve("no/such/x.safetensors");
    assertThatThrownBy(() -> new SafetensorsWriter().write(nowhere))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(nowhere.toString());
  }

  @Test
  void aShapeThatDoesNotFitTheDataAndANameUsedTwiceAreRefused() {
    SafetensorsWriter writer = new SafetensorsWriter().floats("a", new float[2], 2);
    assertThatThrownBy(() -> writer.floats("b", new float[5], 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("b: a shape of 6 elements for 5 values");
    assertThatThrownBy(() -> writer.longs("a", new long[2], 2)).hasMessageContaining("a: name");
    assertThatThrownBy(() -> writer.longs("__metadata__", new long[2], 2))
        .hasMessageContaining("already taken");
  }
}
