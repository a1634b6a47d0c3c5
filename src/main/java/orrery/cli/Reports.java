package orrery.cli;

import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;

/** What a command that serves says on standard error. */
record Reports(CommandSpec spec) {
  /** Says a line under the command's name. */
  void say(String what) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(spec.qualifiedName() + ": " + what);
    err.flush();
  }

  /**
   * Reports a bug.
   *
   * @param call in which it showed
   */
  void bug(String call, Throwable bug) {
    PrintWriter err = spec.commandLine().getErr();
    synchronized (err) {
      say(call + ": this is a bug of Orrery, please report it with what follows");
      bug.printStackTrace(err);
      err.flush();
    }
  }
}
