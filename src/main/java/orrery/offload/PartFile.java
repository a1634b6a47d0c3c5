package orrery.offload;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * The bytes of a file that holds one part. All numbers are little-endian.
 *
 * <pre>
 *   offset  bytes
 *        0      8   "ORRERYKV" in ASCII
 *        8      4   version of this format: 1
 *       12      4   CRC-32C of all other bytes of the file, in their order
 *       16     32   key of the block, as in the file's name
 *       48      4   pool, as in the file's name
 *       52      4   zero
 *       56      8   bytes of the rows, N
 *       64      N   the rows, in the order of {@link PartLayout}; then the file ends
 * </pre>
 *
 * <p>The checksum stands in the middle of what it covers, so no byte of the file is without one. A
 * file of any other length than 64 + N is broken.
 *
 * <p>The name is the part's: 64 hexadecimal digits, a point, the pool, and {@code .kvpart}. The
 * name decides whether a file belongs to the store, and not its first bytes: after a power cut a
 * file of ours may begin with anything.
 */
final class PartFile {
  /** Bytes before the rows. */
  static final int HEADER = 64;

  /** Version of the format; a change that an older reader would not notice needs another one. */
  static final int VERSION = 1;

  private static final byte[] MAGIC = "ORRERYKV".getBytes(StandardCharsets.US_ASCII);
  private static final int VERSION_AT = 8;
  private static final int CHECKSUM_AT = 12;
  private static final int KEY_AT = 16;
  private static final int POOL_AT = 48;
  private static final int ZERO_AT = 52;
  private static final int LENGTH_AT = 56;
  private static final Pattern NAME = Pattern.compile("[0-9a-f]{64}\\.[0-9]{1,10}\\.kvpart");
  private static final Pattern WRITING =
      Pattern.compile("\\." + NAME + "\\.[0-9a-f-]+\\.[0-9]+\\.writing");

  private PartFile() {}

  /** The name of a part's file. */
  static String name(Part part) {
    return part.block() + "." + part.pool() + ".kvpart";
  }

  /** Whether a file with this name would hold a part. */
  static boolean isName(String name) {
    return NAME.matcher(name).matches();
  }

  /**
   * The name of a file that will be a part's when it is whole.
   *
   * @param writer names the store that writes it: hexadecimal digits and dashes
   * @param number of the file among those that it writes
   */
  static String writingName(Part part, String writer, long number) {
    return "." + name(part) + "." + writer + "." + number + ".writing";
  }

  /** Whether a file with this name is being written, or was when its writer was killed. */
  static boolean isWriting(String name) {
    return WRITING.matcher(name).matches();
  }

  /** The header of a part with these rows. */
  static ByteBuffer header(Part part, MemorySegment rows) {
    ByteBuffer header = empty();
    header.put(0, MAGIC).putInt(VERSION_AT, VERSION);
    header.put(KEY_AT, part.block().bytes()).putInt(POOL_AT, part.pool());
    header.putLong(LENGTH_AT, rows.byteSize());
    return header.putInt(CHECKSUM_AT, checksum(header, rows));
  }

  /** Room for a header. */
  static ByteBuffer empty() {
    return ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * What is wrong with a file that was read; empty if it holds this part.
   *
   * @param size bytes of the whole file
   * @param header its first {@link #HEADER} bytes, if it has as many
   * @param rows [as many bytes as the part has] read from behind the header, if the file has as
   *     many
   */
  static Optional<Wrong> wrong(Part part, long size, ByteBuffer header, MemorySegment rows) {
    long whole = HEADER + rows.byteSize();
    if (size != whole) {
      return Optional.of(new Wrong(whole + " bytes", Long.toString(size)));
    }
    byte[] right = header(part, rows).array();
    for (Field field : FIELDS) {
      int end = field.at + field.bytes;
      if (!Arrays.equals(right, field.at, end, header.array(), field.at, end)) {
        return Optional.of(new Wrong(field.shown(right), field.shown(header.array())));
      }
    }
    return Optional.empty();
  }

  /** CRC-32C of the file without the checksum itself. */
  private static int checksum(ByteBuffer header, MemorySegment rows) {
    CRC32C crc = new CRC32C();
    crc.update(header.array(), 0, CHECKSUM_AT);
    crc.update(header.array(), KEY_AT, HEADER - KEY_AT);
    crc.update(rows.asByteBuffer());
    return (int) crc.getValue();
  }

  /** What was expected of a file, and what was found. */
  record Wrong(String expected, String found) {}

  /** A field of the header. */
  private record Field(String name, int at, int bytes) {
    String shown(byte[] header) {
      return name + " " + HexFormat.of().formatHex(header, at, at + bytes);
    }
  }

  /** In the order in which a difference is told; the checksum differs whenever another one does. */
  private static final List<Field> FIELDS =
      List.of(
          new Field("first bytes", 0, MAGIC.length),
          new Field("format version", VERSION_AT, Integer.BYTES),
          new Field("key", KEY_AT, BlockKey.BYTES),
          new Field("pool", POOL_AT, Integer.BYTES),
          new Field("zeros", ZERO_AT, Integer.BYTES),
          new Field("length", LENGTH_AT, Long.BYTES),
          new Field("checksum", CHECKSUM_AT, Integer.BYTES));
}
