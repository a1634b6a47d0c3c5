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
    boolean shared = w.head() == w.embedding();
    groups.add(
        WeightGroup.embedding(shared ? "embedding (also the head)" : "embedding", w.embedding()));
    groups.addAll(layers("", Arrays.asList(w.layers()), c));
    WeightGroup head = WeightGroup.of("head", Stream.of(w.head()));
    String again = "head (the embedding again)";
    groups.add(shared ? new WeightGroup(again, 0, head.parameters(), 0, head.bytes()) : head);
    if (w.mtp() != null) {
      ClassicWeights.Mtp m = w.mtp();
      groups.add(WeightGroup.of("mtp projection", Stream.of(m.project())));
      groups.addAll(layers("mtp ", List.of(m.layer()), c));
      if (m.embedding() != w.embedding()) {
        groups.add(WeightGroup.of("mtp embedding", Stream.of(m.embedding())));
      }
      if (m.head() != w.head()) {
        groups.add(WeightGroup.of("mtp head", Stream.of(m.head())));
      }
    }
    groups.add(vectors("", Stream.of(w.norm()), Arrays.asList(w.layers())));
    if (w.mtp() != null) {
      ClassicWeights.Mtp m = w.mtp();
      Stream<float[]> own = Stream.of(m.embeddingNorm(), m.hiddenNorm(), m.norm());
      groups.add(vectors("mtp ", own, List.of(m.layer())));
    }
    return new ModelInfo(
        groups.stream().filter(p -> p.parameters() + p.activeBytes() > 0).toList());
  }

  private static WeightGroup vectors(
      String prefix, Stream<float[]> others, List<ClassicWeights.Layer> layers) {
    return WeightGroup.vectors(
        prefix + "norms and biases",
        Stream.concat(others, layers.stream().flatMap(ClassicInfo::vectors)));
  }

  private static Stream<float[]> vectors(ClassicWeights.Layer l) {
    GroupedQueryAttention a = l.attention();
    return Stream.of(
        l.inputNorm(),
        l.postNorm(),
        a.qNorm(),
        a.kNorm(),
        a.qBias(),
        a.kBias(),
        a.vBias(),
        l.experts() == null ? null : l.experts().bias());
  }

  private static List<WeightGroup> layers(
      String prefix, List<ClassicWeights.Layer> layers, ClassicConfig c) {
    List<MixtureOfExperts> moe =
        layers.stream().map(ClassicWeights.Layer::experts).filter(e -> e != null).toList();
    int n = c.router().experts();
    int k = c.router().topK();
    WeightGroup experts =
        WeightGroup.of(
            prefix + "experts (" + k + " of " + n + " active)",
            moe.stream()
                .flatMap(e -> Stream.of(e.gate(), e.up(), e.down()).flatMap(Arrays::stream)));
    return List.of(
        WeightGroup.of(
            prefix + "attention",
            layers.stream().map(ClassicWeights.Layer::attention).flatMap(ClassicInfo::matrices)),
        WeightGroup.of(
            prefix + "dense feed-forward",
            layers.stream()
                .map(ClassicWeights.Layer::dense)
                .filter(d -> d != null)
                .flatMap(ClassicInfo::matrices)),
        WeightGroup.of(prefix + "router", moe.stream().map(MixtureOfExperts::router)),
        experts.reading(k, n),
        WeightGroup.of(prefix + "shared experts", moe.stream().flatMap(e -> matrices(e.shared()))));
  }

  private static Stream<PackedMatrix> matrices(GroupedQueryAttention a) {
    return Stream.of(a.q(), a.k(), a.v(), a.o());
  }

  private static Stream<PackedMatrix> matrices(FeedForward f) {
    return Stream.of(f.gate(), f.up(), f.down());
  }
}
