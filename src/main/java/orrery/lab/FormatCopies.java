package orrery.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import orrery.checkpoint.CheckpointException;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.kv.KvDtype;
import orrery.quantization.layouts.Layout;
import orrery.quantization.layouts.Layouts;

/**
 * Copies of a model in every layout that {@code orrery quantize} can give it, written to a
 * temporary directory and loaded from there.
 */
final class FormatCopies implements AutoCloseable {
  /** Layouts that are also shown with FP8 activations: those of DeepSeek's releases. */
  private static final List<String> ROUNDED = List.of("fp8", "v4");

  private final TemporaryDirectory directory;
  private final List<FormatVariant> variants = new ArrayList<>();

  /** Makes the copies, and says on the sheet which layouts the model cannot have. */
  FormatCopies(Subject s, Sheet sheet) {
    KvDtype rows = s.options().kv().kvCacheDtype();
    variants.add(new FormatVariant("as it is", s.loaded(), ActivationDtype.F32, rows));
    directory = TemporaryDirectory.create("orrery-formats");
    for (Layout layout : layouts()) {
      try {
        add(s, layout, rows);
      } catch (IllegalArgumentException | CheckpointException e) {
        sheet.text(layout.name() + " is left out: " + e.getMessage());
      }
    }
  }

  private static List<Layout> layouts() {
    List<Layout> all = new ArrayList<>();
    Layouts.names().forEach(name -> all.add(Layouts.of(name, null)));
    Layouts.expertNames().forEach(name -> all.add(Layouts.of("fp8-channel", name)));
    return all;
  }

  private void add(Subject s, Layout layout, KvDtype rows) {
    Path copy = directory.path().resolve("copy-" + variants.size());
    Quantize.write(s.loaded().directory(), layout, copy, (matrices, of) -> {});
    LoadedModel loaded = LoadedModel.load(copy);
    variants.add(new FormatVariant(layout.name(), loaded, ActivationDtype.F32, rows));
    if (ROUNDED.contains(layout.name())) {
      String name = layout.name() + ", activations fp8";
      variants.add(new FormatVariant(name, loaded, ActivationDtype.FP8, rows));
    }
  }

  /** The model as it is, then its copies. */
  List<FormatVariant> variants() {
    return List.copyOf(variants);
  }

  @Override
  public void close() {
    variants.stream()
        .skip(1) // the model as it is belongs to the experiment
        .filter(v -> v.activations() == ActivationDtype.F32)
        .forEach(v -> v.loaded().close());
    directory.close();
  }
}
