package orrery.kernels;

/**
 * The JDK's module with the Vector API, which a JVM has only if it is asked for. Vector kernels
 * cannot run without it. Scalar kernels can, and give the same bits, but many times slower: so they
 * are taken only where a program asks for them, and never silently.
 */
public final class VectorModule {
  private static final String NAME = "jdk.incubator.vector";

  private VectorModule() {}

  /** This JVM was started without the module. */
  public static final class MissingException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    MissingException() {
      super(
          "vector kernels need the JVM flag --add-modules="
              + NAME
              + ", and this JVM was started without it; scalar kernels run without,"
              + " many times slower, where they are chosen");
    }
  }

  /** Whether this JVM was started with the module. */
  static boolean present() {
    return ModuleLayer.boot().findModule(NAME).isPresent();
  }

  /**
   * Says what is missing before a class does that cannot be found.
   *
   * @throws MissingException if the JVM was started without the module
   */
  public static void require() {
    if (!present()) {
      throw new MissingException();
    }
  }
}
