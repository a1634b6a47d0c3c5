package orrery.engine;

import java.util.Objects;
import orrery.events.EventSink;
import orrery.kernels.KernelSet;
import orrery.kernels.VectorModule;
import orrery.model.Fp8Activations;
import orrery.model.Model;

/** What must hold before an engine may start. */
final class StartCheck {
  private StartCheck() {}

  /** Requires a model and options. */
  static void requireSome(LoadedModel loaded, EngineOptions options) {
    Objects.requireNonNull(loaded, "model: expected a loaded model, found null");
    Objects.requireNonNull(options, "options: expected engine options, found null");
  }

  /**
   * Requires options that fit the model and the memory.
   *
   * @throws IllegalArgumentException if they do not
   */
  static void requireFit(LoadedModel loaded, EngineOptions options) {
    requireSome(loaded, options);
    Model model = Fp8Activations.of(loaded.model(), options.compute().activationDtype());
    HeapPlan.of(model, options).require();
  }

  /**
   * Requires a sink, a model that is open, and the module that vector kernels need.
   *
   * @throws IllegalStateException if the model is closed, or the module is missing
   */
  static void requireReady(LoadedModel loaded, EngineOptions options, EventSink sink) {
    Objects.requireNonNull(sink, "sink: expected an event sink, found null; EventSink.NONE is one");
    loaded.requireOpen();
    if (options.compute().kernels() != KernelSet.SCALAR) {
      VectorModule.require();
    }
  }
}
