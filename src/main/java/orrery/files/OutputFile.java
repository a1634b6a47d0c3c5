package orrery.files;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributeView;

/**
 * A path to be written, and the file that it leads to: a regular file, which may not exist yet, or
 * a stream. A stream is a device, a pipe or an open file descriptor.
 *
 * <p>Unlike the streams of {@link Files}, those of this class cannot be interrupted: a thread that
 * is asked to stop writes its line to the end.
 */
public final class OutputFile {
  private static final int MOST_LINKS = 40; // as many as Linux follows

  private final Path named;
  private final Path target; // absolute, links followed
  private final int descriptor; // number of an open file descriptor, or -1
  private final boolean stream;

  private OutputFile(Path named, Path target, int descriptor, boolean stream) {
    this.named = named;
    this.target = target;
    this.descriptor = descriptor;
    this.stream = stream;
  }

  /** Writes a file's bytes. */
  public interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Looks where a path leads; changes nothing.
   *
   * @throws IOException naming the path, if nothing can be written there
   */
  public static OutputFile of(Path named) throws IOException {
    if (Files.isDirectory(named)) {
      throw new IOException(shown(named) + ": expected a file to write, found a directory");
    }
    Path path = named.toAbsolutePath();
    for (int links = 0; links < MOST_LINKS; links++) {
      Path parent = path.getParent();
      if (!Files.isDirectory(parent)) {
        throw new IOException(
            named + ": expected a file in an existing directory, found none at " + parent);
      }
      path = parent.toRealPath().resolve(path.getFileName());
      int descriptor = descriptor(path);
      if (descriptor >= 0) {
        return new OutputFile(named, path, descriptor, true);
      }
      if (!Files.isSymbolicLink(path)) {
        return leaf(named, path);
      }
      path = path.resolveSibling(Files.readSymbolicLink(path));
    }
    throw new IOException(named + ": expected a file to write, found a link that leads nowhere");
  }

  private static OutputFile leaf(Path named, Path target) throws IOException {
    boolean there = Files.exists(target, LinkOption.NOFOLLOW_LINKS);
    if (there && !Files.isWritable(target)) {
      throw new IOException(named + ": cannot be written: it is read-only");
    }
    OutputFile file = new OutputFile(named, target, -1, there && !Files.isRegularFile(target));
    return there ? file : file.replaceable();
  }

  /**
   * Returns this, if it is a stream or if another file can take its place.
   *
   * @throws IOException naming the path, if its directory does not allow that
   */
  public OutputFile replaceable() throws IOException {
    if (!stream && !Files.isWritable(target.getParent())) {
      throw new IOException(
          named + ": cannot be written: its directory is read-only: " + target.getParent());
    }
    return this;
  }

  /** The number of /dev/fd/N and /proc/self/fd/N, where links are followed no further; else -1. */
  private static int descriptor(Path path) {
    String own = "/proc/" + ProcessHandle.current().pid() + "/fd";
    String directory = path.getParent().toString();
    String name = path.getFileName().toString();
    boolean open = directory.equals(own) || directory.equals("/dev/fd");
    return open && name.matches("\\d{1,9}") ? Integer.parseInt(name) : -1;
  }

  /** Where the bytes go: absolute, links followed. */
  public Path target() {
    return target;
  }

  /** Whether it is a device, a pipe or an open descriptor, none of which can be replaced. */
  public boolean isStream() {
    return stream;
  }

  /** Whether it is a descriptor of this process, such as standard output. */
  public boolean isDescriptor() {
    return descriptor >= 0;
  }

  /**
   * The path of a file that grows and gets its name when it is complete: FILE.part, beside the
   * target.
   */
  public Path part() {
    return target.resolveSibling(target.getFileName() + ".part");
  }

  /**
   * Opens the target for output that is written as it comes. A file keeps its content until it is
   * truncated.
   *
   * @throws IOException naming the path
   */
  public OutputStream open() throws IOException {
    try {
      return switch (descriptor) {
        case 1 -> new KeptOpen(FileDescriptor.out);
        case 2 -> new KeptOpen(FileDescriptor.err);
        default -> new FileOutputStream(target.toFile(), true);
      };
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /**
   * Writes everything in one step: the old file is replaced when the new one is complete, and stays
   * as it was if that fails.
   *
   * @throws IOException naming the path
   */
  public void write(Content content) throws IOException {
    if (stream) {
      try (OutputStream out = open()) {
        content.writeTo(out);
      } catch (IOException e) {
        throw failed(e);
      }
      return;
    }
    String name = "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".writing";
    Path temporary = target.resolveSibling(name);
    try {
      try (OutputStream out = new FileOutputStream(temporary.toFile())) {
        content.writeTo(out);
      }
      replaceBy(temporary);
    } catch (IOException e) {
      throw failed(e);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /** The same, of a text. */
  public void write(String text) throws IOException {
    write(out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Puts a complete file in the target's place, with the permissions of the replaced file.
   *
   * @param complete a file in the same directory
   */
  public void replaceBy(Path complete) throws IOException {
    if (Files.exists(target)) {
      var old = Files.getFileAttributeView(target, PosixFileAttributeView.class);
      if (old != null) {
        Files.setPosixFilePermissions(complete, old.readAttributes().permissions());
      }
    }
    Files.move(
        complete, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** A failure to write the path, which is named as the user wrote it. */
  public IOException failed(Exception e) {
    return new IOException(named + ": cannot be written: " + e.getMessage(), e);
  }

  private static String shown(Path path) {
    return path.toString().isEmpty() ? "\"\"" : path.toString();
  }

  /** Standard output or error; closing it only flushes it. */
  private static final class KeptOpen extends FilterOutputStream {
    KeptOpen(FileDescriptor descriptor) {
      super(new FileOutputStream(descriptor));
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      out.write(bytes, from, count);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }
}
