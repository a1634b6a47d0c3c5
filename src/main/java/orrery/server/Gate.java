package orrery.server;

/** Whether calls come in, and how many are inside. */
final class Gate {
  private Routes routes; // null before the server is open
  private boolean draining;
  private int inside; // calls

  /** Opens the gate. */
  synchronized void open(Routes routes) {
    this.routes = routes;
  }

  /**
   * Lets a call of a path in; the caller calls {@link #leave} when it is answered.
   *
   * @throws HttpException 503 before the server is open; when it drains, too, but for a path that
   *     is answered until the end
   */
  synchronized Routes enter(String path) {
    if (routes == null) {
      throw HttpException.unavailable("the server is starting; try again later");
    }
    if (draining && !routes.isToTheEnd(path)) {
      throw HttpException.unavailable(
          "the server is draining: it finishes the calls that it has, and takes no more");
    }
    inside++;
    return routes;
  }

  synchronized void leave() {
    inside--;
    notifyAll();
  }

  /** Closes the gate, and waits until no call is inside. */
  synchronized void drain() throws InterruptedException {
    draining = true;
    while (inside > 0) {
      wait();
    }
  }
}
