package orrery.model.classic;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import orrery.attention.GroupedQueryAttention;
import orrery.kernels.PackedMatrix;
import orrery.model.ModelInfo;
import orrery.model.ModelInfo.WeightGroup;
import orrery.moe.FeedForward;
import orrery.moe.MixtureOfExperts;

/** Counts the weights of a classic model by role. */
final class ClassicInfo {
  private ClassicInfo() {}

  static ModelInfo of(ClassicConfig c, ClassicWeights w) {
    List<WeightGroup> groups = new ArrayList<>();
    long hidden = c.hidden();
    boolean shared = w.head() == w.embedding();
    groups.add(
        new WeightGroup(
            shared ? "embedding (also the head)" : "embedding",
            size(w.embedding()),
            hidden,
            bytes(w.embedding()),
            hidden * w.embedding().format.bytesPerWeight));
    groups.addAll(layers("", Arrays.asList(w.layers()), c));
    groups.add(
        shared
            ? new WeightGroup("head (the embedding again)", 0, size(w.head()), 0, bytes(w.head()))
            : all("head", Stream.of(w.head())));
    if (w.mtp() != null) {
      ClassicWeights.Mtp m = w.mtp();
      groups.add(all("mtp projection", Stream.of(m.project())));
      groups.addAll(layers("mtp ", List.of(m.layer()), c));
      if (m.embedding() != w.embedding()) {
        groups.add(all("mtp embedding", Stream.of(m.embedding())));
      }
      if (m.head() != w.head()) {
        groups.add(all("mtp head", Stream.of(m.head())));
      }
    }
    groups.add(vectors("", floats(w.norm()), Arrays.asList(w.layers())));
    if (w.mtp() != null) {
      ClassicWeights.Mtp m = w.mtp();
      long own = floats(m.embeddingNorm(), m.hiddenNorm(), m.norm());
      groups.add(vectors("mtp ", own, List.of(m.layer())));
    }
    return new ModelInfo(
        groups.stream().filter(p -> p.parameters() + p.activeBytes() > 0).toList());
  }

  private static WeightGroup vectors(
      String prefix, long others, List<ClassicWeights.Layer> layers) {
    long n = others;
    for (ClassicWeights.Layer l : layers) {
      GroupedQueryAttention a = l.attention();
      n += floats(l.inputNorm(), l.postNorm(), a.qNorm(), a.kNorm());
      n += floats(a.qBias(), a.kBias(), a.vBias());
      n += l.experts() == null ? 0 : floats(l.experts().bias());
    }
    return new WeightGroup(prefix + "norms and biases", n, n, 4 * n, 4 * n);
  }

  private static List<WeightGroup> layers(
      String prefix, List<ClassicWeights.Layer> layers, ClassicConfig c) {
    List<MixtureOfExperts> moe =
        layers.stream().map(ClassicWeights.Layer::experts).filter(e -> e != null).toList();
    WeightGroup experts =
        all(
            "",
            moe.stream()
                .flatMap(e -> Stream.of(e.gate(), e.up(), e.down()).flatMap(Arrays::stream)));
    int n = c.router().experts();
    int k = c.router().topK();
    return List.of(
        all(
            prefix + "attention",
            layers.stream().map(ClassicWeights.Layer::attention).flatMap(ClassicInfo::matrices)),
        all(
            prefix + "dense feed-forward",
            layers.stream()
                .map(ClassicWeights.Layer::dense)
                .filter(d -> d != null)
                .flatMap(ClassicInfo::matrices)),
        all(prefix + "router", moe.stream().map(MixtureOfExperts::router)),
        new WeightGroup(
            prefix + "experts (" + k + " of " + n + " active)",
            experts.parameters(),
            experts.parameters() / n * k,
            experts.bytes(),
            experts.bytes() / n * k),
        all(prefix + "shared experts", moe.stream().flatMap(e -> matrices(e.shared()))));
  }

  private static Stream<PackedMatrix> matrices(GroupedQueryAttention a) {
    return Stream.of(a.q(), a.k(), a.v(), a.o());
  }

  private static Stream<PackedMatrix> matrices(FeedForward f) {
    return Stream.of(f.gate(), f.up(), f.down());
  }

  private static WeightGroup all(String role, Stream<PackedMatrix> matrices) {
    List<PackedMatrix> list = matrices.toList();
    long parameters = list.stream().mapToLong(ClassicInfo::size).sum();
    long bytes = list.stream().mapToLong(ClassicInfo::bytes).sum();
    return new WeightGroup(role, parameters, parameters, bytes, bytes);
  }

  private static long size(PackedMatrix m) {
    return (long) m.out * m.in;
  }

  private static long bytes(PackedMatrix m) {
    return size(m) * m.format.bytesPerWeight;
  }

  private static long floats(float[]... vectors) {
    return Arrays.stream(vectors).filter(v -> v != null).mapToLong(v -> v.length).sum();
  }
}
