package orrery.model.deepseekv4;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import orrery.attention.Compressor;
import orrery.attention.Indexer;
import orrery.attention.LatentAttention;
import orrery.hyper.HeadCollapse;
import orrery.hyper.HyperConnection;
import orrery.kernels.PackedMatrix;
import orrery.model.ModelInfo;
import orrery.model.ModelInfo.WeightGroup;
import orrery.model.deepseekv4.DeepSeekV4Weights.Layer;
import orrery.moe.FeedForward;
import orrery.moe.MixtureOfExperts;

/** Counts the weights of a model by role. */
final class DeepSeekV4Info {
  private DeepSeekV4Info() {}

  static ModelInfo of(DeepSeekV4Config c, DeepSeekV4Weights w) {
    List<WeightGroup> groups = new ArrayList<>();
    groups.add(WeightGroup.embedding("embedding", w.embedding()));
    groups.addAll(layers("", Arrays.asList(w.layers()), w.collapse(), c));
    groups.add(WeightGroup.of("head", Stream.of(w.head())));
    groups.add(vectors("", Arrays.asList(w.layers()), w.collapse(), w.norm()));
    if (w.mtp() != null) {
      DeepSeekV4Weights.Mtp m = w.mtp();
      groups.add(
          WeightGroup.of(
              "mtp projections", Stream.of(m.embeddingProjection(), m.streamProjections()[0])));
      groups.addAll(layers("mtp ", List.of(m.layer()), m.collapse(), c));
      groups.add(
          vectors(
              "mtp ",
              List.of(m.layer()),
              m.collapse(),
              m.embeddingNorm(),
              m.streamNorm(),
              m.norm()));
    }
    return new ModelInfo(groups.stream().filter(g -> g.parameters() > 0).toList());
  }

  private static List<WeightGroup> layers(
      String prefix, List<Layer> layers, HeadCollapse collapse, DeepSeekV4Config c) {
    List<LatentAttention> attention = layers.stream().map(Layer::attention).toList();
    List<MixtureOfExperts> moe = layers.stream().map(Layer::experts).toList();
    Stream<PackedMatrix> fns =
        layers.stream().flatMap(l -> Stream.of(l.attentionHyper().fn(), l.expertsHyper().fn()));
    return List.of(
        WeightGroup.of(prefix + "hyper-connections", Stream.concat(fns, Stream.of(collapse.fn()))),
        WeightGroup.of(prefix + "attention", attention.stream().flatMap(DeepSeekV4Info::matrices)),
        WeightGroup.of(
            prefix + "compressors",
            attention.stream()
                .map(LatentAttention::compressor)
                .filter(Objects::nonNull)
                .flatMap(k -> Stream.of(k.wkv(), k.wgate()))),
        WeightGroup.of(
            prefix + "indexers",
            attention.stream()
                .map(LatentAttention::indexer)
                .filter(Objects::nonNull)
                .flatMap(DeepSeekV4Info::matrices)),
        WeightGroup.of(prefix + "router", moe.stream().map(MixtureOfExperts::router)),
        hashTables(prefix, moe, c),
        experts(prefix, moe, c),
        WeightGroup.of(prefix + "shared experts", moe.stream().flatMap(e -> matrices(e.shared()))));
  }

  /** A token reads one row of each table. */
  private static WeightGroup hashTables(
      String prefix, List<MixtureOfExperts> moe, DeepSeekV4Config c) {
    List<int[]> tables =
        moe.stream().map(MixtureOfExperts::tid2eid).filter(Objects::nonNull).toList();
    long entries = tables.stream().mapToLong(t -> t.length).sum();
    long read = (long) tables.size() * c.router().topK();
    return new WeightGroup(
        prefix + "hash tables", entries, read, Integer.BYTES * entries, Integer.BYTES * read);
  }

  private static WeightGroup experts(
      String prefix, List<MixtureOfExperts> moe, DeepSeekV4Config c) {
    int n = c.router().experts();
    int k = c.router().topK();
    return WeightGroup.of(
            prefix + "experts (" + k + " of " + n + " active)",
            moe.stream()
                .flatMap(e -> Stream.of(e.gate(), e.up(), e.down()).flatMap(Arrays::stream)))
        .reading(k, n);
  }

  private static WeightGroup vectors(
      String prefix, List<Layer> layers, HeadCollapse collapse, float[]... norms) {
    Stream<float[]> others =
        Stream.concat(Stream.of(collapse.base(), collapse.scale()), Arrays.stream(norms));
    return WeightGroup.vectors(
        prefix + "norms, biases and sinks",
        Stream.concat(others, layers.stream().flatMap(DeepSeekV4Info::vectors)));
  }

  private static Stream<float[]> vectors(Layer l) {
    LatentAttention a = l.attention();
    Stream<float[]> own =
        Stream.of(l.attentionNorm(), l.expertsNorm(), a.qNorm(), a.kvNorm(), a.sink());
    return Stream.of(
            own,
            vectors(l.attentionHyper()),
            vectors(l.expertsHyper()),
            vectors(a.compressor()),
            vectors(a.indexer() == null ? null : a.indexer().compressor()),
            Stream.ofNullable(l.experts().bias()))
        .flatMap(v -> v);
  }

  private static Stream<float[]> vectors(HyperConnection h) {
    return Stream.of(h.base(), h.scale());
  }

  private static Stream<float[]> vectors(Compressor c) {
    return c == null ? Stream.empty() : Stream.of(c.ape(), c.norm());
  }

  private static Stream<PackedMatrix> matrices(LatentAttention a) {
    return Stream.concat(Stream.of(a.wqA(), a.wqB(), a.wkv(), a.woB()), Arrays.stream(a.woA()));
  }

  private static Stream<PackedMatrix> matrices(Indexer i) {
    return Stream.of(i.wqB(), i.weightsProj(), i.compressor().wkv(), i.compressor().wgate());
  }

  private static Stream<PackedMatrix> matrices(FeedForward f) {
    return Stream.of(f.gate(), f.up(), f.down());
  }
}
