package orrery.disagg;

import java.io.IOException;

/** What came over a connection is not what the format says, or the other side gave up. */
public final class TransferException extends IOException {
  private static final long serialVersionUID = 1L;

  TransferException(String message) {
    super(message);
  }
}
