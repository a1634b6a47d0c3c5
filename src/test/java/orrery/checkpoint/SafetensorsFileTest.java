package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {
  /** Written by the reference implementation, safetensors 0.x for Python. */
  private static final Path REFERENCE =
      Path.of("src/test/resources/orrery/checkpoint/reference.safetensors");

  @TempDir Path directory;

  private Path write(long headerLength, String header, int dataBytes) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(8 + text.length + dataBytes);
    all.order(ByteOrder.LITTLE_ENDIAN).putLong(headerLength).put(text);
    return Files.write(directory.resolve("model.safetensors"), all.array());
  }

  private void refused(String header, int dataBytes, String... messageParts) throws IOException {
    Path file = write(header.getBytes(StandardCharsets.UTF_8).length, header, dataBytes);
    assertThatThrownBy(() -> SafetensorsFile.open(file).close())
        .as(header)
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContainingAll(messageParts);
  }

  private static String entry(String name, String dtype, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}"
        .formatted(name, dtype, shape, offsets);
  }

  @Test
  void aFileOfTheReferenceImplementationIsReadExactly() {
    try (SafetensorsFile file = SafetensorsFile.open(REFERENCE)) {
      assertThat(file.names())
          .containsExactlyInAnyOrder("f32", "bf16", "f16", "i64", "scalar", "empty");
      assertThat(file.metadata()).containsEntry("format", "pt");
      assertThat(file.tensor("f32").requireShape(2, 3).floats())
          .containsExactly(1.5f, -0f, 3.4e38f, Float.POSITIVE_INFINITY, Float.MIN_VALUE, -2f);
      // 0.1 has 8 bits in bfloat16; 1e-40 is nearest to its smallest subnormal, 2^-133.
      assertThat(file.tensor("bf16").requireShape(2, 2).floats())
          .containsExactly(1.5f, -2f, 0.10009765625f, 0x1p-133f);
      assertThat(file.tensor("bf16").requireShape(2, 2).bf16())
          .containsExactly((short) 0x3FC0, (short) 0xC000, (short) 0x3DCD, (short) 0x0001);
      assertThat(file.tensor("f16").requireShape(4).floats())
          .containsExactly(0.0999755859375f, 65504f, 0x1p-24f, -1f);
      assertThat(file.tensor("i64").requireShape(3).longs()).containsExactly(1L << 62, -1, 0);
      assertThat(file.tensor("scalar").requireShape().floats()).containsExactly(7f);
      assertThat(file.tensor("empty").requireShape(0, 3).floats()).isEmpty();
    }
  }

  @Test
  void rowsRunAlongTheLastDimensionAndAreCopiedInPlace() {
    Path path = directory.resolve("rows.safetensors");
    float[] values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    short[] codes = {0, 1, 2, 3, 4, 5};
    new SafetensorsWriter().floats("w", values, 2, 2, 3).bf16("b", codes, 2, 3).write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      Tensor w = file.tensor("w");
      assertThat(w.rows()).isEqualTo(4);
      assertThat(w.rowLength()).isEqualTo(3);
      float[] into = new float[5];
      w.copyRow(3, into, 1);
      assertThat(into).containsExactly(0, 9, 10, 11, 0);
      assertThat(w.getFloat(7)).isEqualTo(7);
      short[] bits = new short[4];
      file.tensor("b").copyRowBits(1, bits, 1);
      assertThat(bits).containsExactly((short) 0, (short) 3, (short) 4, (short) 5);
      file.tensor("b").copyRow(1, into, 0);
      assertThat(into[2]).isEqualTo(Float.intBitsToFloat(5 << 16));
      assertThatThrownBy(() -> w.copyRow(4, into, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void readingWithAnotherTypeOrShapeNamesFileTensorExpectedAndFound() {
    try (SafetensorsFile file = SafetensorsFile.open(REFERENCE)) {
      assertThatThrownBy(() -> file.tensor("f32").requireShape(3, 2).floats())
          .isInstanceOf(CheckpointException.class)
          .hasMessage(REFERENCE + ": tensor f32: expected shape [3, 2], found [2, 3]");
      assertThatThrownBy(() -> file.tensor("f16").requireShape(4).bf16())
          .hasMessage(REFERENCE + ": tensor f16: expected BF16 elements, found F16");
      assertThatThrownBy(() -> file.tensor("i64").requireShape(3).floats())
          .hasMessage(REFERENCE + ": tensor i64: expected F32, F16 or BF16 elements, found I64");
      assertThatThrownBy(() -> file.tensor("i64").getFloat(0)).hasMessageContaining("found I64");
      assertThatThrownBy(() -> file.tensor("f32").requireShape(2, 3).longs())
          .hasMessage(REFERENCE + ": tensor f32: expected I64 elements, found F32");
      assertThatThrownBy(() -> file.tensor("nope"))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll("reference.safetensors", "tensor nope");
    }
  }

  @Test
  void aTypeThatThisReaderDoesNotTakeIsRefusedByName() throws IOException {
    for (String type : new String[] {"F4", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F64", "BOOL"}) {
      refused(
          "{" + entry("w", type, "[4]", "[0,4]") + "}",
          4,
          "tensor w: stored as "
              + type
              + ", this reader takes I64, F32, I32, BF16, F16, F8_E8M0, F8_E4M3, F8_E5M2, I8, U8");
    }
  }

  @Test
  void aHeaderOfTwoGigabytesIsRefusedFromItsLengthAloneEvenInAFileThatLarge() throws IOException {
    Path file = directory.resolve("huge.safetensors");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(1L << 31).array());
      sparse.setLength((1L << 31) + 100);
    }
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + ": header length: expected at most 100000000 bytes, found 2147483648");
  }

  @Test
  void aHeaderOfNinetyMegabytesThatIsWrongAtOnceIsRefusedWithoutBeingReadIn() throws IOException {
    ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Path file = directory.resolve("big.safetensors");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      ByteBuffer start = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
      sparse.write(start.putLong(90_000_000).put((byte) '{').array());
      sparse.setLength(90_000_008);
    }
    long before = thread.getCurrentThreadAllocatedBytes();
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": header: expected valid JSON");
    assertThat(thread.getCurrentThreadAllocatedBytes() - before).isLessThan(8 << 20);
  }

  @Test
  void aHeaderLongerThanTheFileAndAFileShorterThanALengthAreRefused() throws IOException {
    Path file = write(50, "{}", 0);
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .hasMessageContainingAll(file.toString(), "header length", "truncated", "found 50");
    Path tiny = Files.write(directory.resolve("tiny.safetensors"), new byte[5]);
    assertThatThrownBy(() -> SafetensorsFile.open(tiny))
        .hasMessage(tiny + ": header length: expected 8 bytes, found a file of 5");
    Path none = directory.resolve("none.safetensors");
    assertThatThrownBy(() -> SafetensorsFile.open(none)).hasMessage(none + ": no such file");
    assertThatThrownBy(() -> SafetensorsFile.open(directory))
        .hasMessage(directory + ": not a file");
  }

  @Test
  void anEmptyHeaderObjectWithoutDataIsAFileWithoutTensors() throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(write(2, "{}", 0))) {
      assertThat(file.names()).isEmpty();
    }
  }

  @Test
  void aTruncatedFileIsRefusedWithItsNameAndSizes() throws IOException {
    refused(
        "{" + entry("w", "F32", "[4]", "[0,16]") + "}",
        15,
        "tensor w",
        "15 data bytes",
        "truncated",
        "found an end offset of 16");
  }

  @Test
  void offsetsThatOverlapLeaveHolesRunBackwardsOrMissTheEndAreRefused() throws IOException {
    String first = entry("a", "F32", "[2]", "[0,8]");
    refused(
        "{" + first + "," + entry("b", "F32", "[2]", "[4,12]") + "}", 12, "tensor b", "overlaps");
    refused(
        "{" + first + "," + entry("b", "F32", "[2]", "[12,20]") + "}", 20, "tensor b", "a hole");
    refused("{" + entry("a", "F32", "[2]", "[4,12]") + "}", 12, "tensor a", "offset 0", "a hole");
    refused("{" + entry("a", "F32", "[2]", "[8,0]") + "}", 8, "tensor a: data_offsets", "[8, 0]");
    refused("{" + entry("a", "F32", "[2]", "[0]") + "}", 8, "tensor a: data_offsets", "[0]");
    refused("{" + first + "}", 20, "data: expected 8 bytes", "found 20 bytes");
    refused("{" + entry("a", "F32", "[2]", "[-8,0]") + "}", 8, "data_offsets", "found -8");
  }

  @Test
  void aSizeThatDoesNotFollowFromShapeAndTypeIsRefusedWithBoth() throws IOException {
    refused(
        "{" + entry("w", "BF16", "[2,3]", "[0,24]") + "}",
        24,
        "tensor w: expected 12 bytes for BF16[2, 3], found 24 bytes at data_offsets [0, 24]");
    refused("{" + entry("w", "F32", "[4294967296,4294967296]", "[0,0]") + "}", 0, "shape", "2^63");
    refused("{" + entry("w", "F32", "[-2]", "[0,8]") + "}", 8, "shape", "found -2");
    refused("{" + entry("w", "F32", "[2.0]", "[0,8]") + "}", 8, "shape", "found 2.0");
    refused("{" + entry("w", "F32", "[99999999999999999999]", "[0,8]") + "}", 8, "shape", "2^63");
  }

  @Test
  void malformedEntriesAreRefusedByFieldName() throws IOException {
    refused("{\"w\":5}", 0, "tensor w: expected an object, found 5");
    refused("{\"w\":{}}", 0, "tensor w", "found no dtype");
    refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[]}}", 0, "found no data_offsets");
    refused("{\"w\":{\"dtype\":5}}", 0, "tensor w: dtype: expected a string, found 5");
    refused("{\"w\":{\"shape\":\"x\"}}", 0, "tensor w: shape: expected an array", "found \"x\"");
    refused("{\"w\":{\"size\":5}}", 0, "tensor w", "found field \"size\"");
    refused("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__.a: expected a string, found 1");
    String w = entry("w", "F32", "[1]", "[0,4]");
    refused("{" + w + "," + w + "}", 4, "tensor w: expected one entry, found a second");
    String twice = w.replace("{", "{\"shape\":[1],");
    refused("{" + twice + "}", 4, "tensor w: shape: expected one value, found a second");
    String meta = "\"__metadata__\":{\"a\":\"x\"}";
    refused("{" + meta + "," + meta + "}", 0, "__metadata__: expected one entry, found a second");
    String both = meta.replace("{", "{\"a\":\"y\",");
    refused("{" + both + "}", 0, "__metadata__.a: expected one entry, found a second");
  }

  @Test
  void headersThatAreNoJsonObjectAreRefused() throws IOException {
    refused("[]", 0, "header: expected a JSON object", "no '{'");
    refused("", 0, "header: expected a JSON object", "no '{'");
    refused("{\"w\": tru}", 0, "header: expected valid JSON, found \"tru}\" at line 1, column 7");
    refused("{} x", 0, "header: expected valid JSON");
    refused("{}{}", 0, "header: expected nothing after the JSON object");
    refused("{\"a\":" + "[".repeat(5_000), 0, "tensor a");
    refused("{\"__metadata__\":{\"a\":" + "[".repeat(5_000), 0, "found an array");
    Path file = write(3, "{\"\u00E4", 0); // cut inside a character
    assertThatThrownBy(() -> SafetensorsFile.open(file)).hasMessageContaining("UTF-8");
  }

  @Test
  void namesFromAFileCannotWriteToTheTerminalOrFillIt() throws IOException {
    String name = "\\u001b[31m\\u202e" + "n".repeat(1_000);
    refused("{\"" + name + "\":5}", 0, "tensor ?[31m?nnn", "…: expected an object");
  }
}
