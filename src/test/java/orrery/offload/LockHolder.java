package orrery.offload;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A process that holds the lock of a file until it is closed. */
record LockHolder(ChildJvm child) implements AutoCloseable {
  static LockHolder of(Path file) throws IOException {
    return new LockHolder(ChildJvm.start(LockHolder.class, file.toString()));
  }

  /** Waits until the lock is held. */
  boolean isHeld() throws IOException {
    return "held".equals(child.out().readLine());
  }

  @Override
  public void close() throws IOException {
    child.close();
  }

  public static void main(String[] arguments) throws IOException {
    var channel = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.WRITE);
    channel.lock();
    System.out.println("held");
    System.in.read();
  }
}
