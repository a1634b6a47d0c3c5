package orrery.model.deepseekv4;

import java.util.ArrayList;
import java.util.List;
import orrery.attention.Compressor;
import orrery.attention.Indexer;
import orrery.attention.LatentAttention;
import orrery.model.WeightShapes;
import orrery.model.Weights;

/** Reads the attention of a layer: the latent attention, its compressor and its indexer. */
final class AttentionWeights {
  private AttentionWeights() {}

  /**
   * @param p prefix of the names
   */
  static LatentAttention read(Weights w, DeepSeekV4Config c, String p, LayerPlan plan) {
    AttentionShapes a = c.attention();
    int queries = a.heads() * a.headDim();
    return new LatentAttention(
        a.heads(),
        a.headDim(),
        a.rotaryDim(),
        w.matrix(p + "wq_a.weight", a.queryRank(), c.hidden()),
        w.vector(p + "q_norm.weight", a.queryRank()),
        w.matrix(p + "wq_b.weight", queries, a.queryRank()),
        w.matrix(p + "wkv.weight", a.headDim(), c.hidden()),
        w.vector(p + "kv_norm.weight", a.headDim()),
        w.stack(p + "wo_a.weight", a.groups(), a.groupRank(), queries / a.groups()),
        w.matrix(p + "wo_b.weight", c.hidden(), a.groups() * a.groupRank()),
        w.vector(p + "attn_sink", a.heads()),
        c.normEps(),
        plan.attention().compresses()
            ? compressor(w, c, p + "compressor.", a.headDim(), plan)
            : null,
        plan.attention() == LayerPlan.Attention.CSA ? indexer(w, c, p + "indexer.", plan) : null);
  }

  private static Compressor compressor(
      Weights w, DeepSeekV4Config c, String p, int headDim, LayerPlan plan) {
    int width = plan.entriesOfToken() * headDim;
    return new Compressor(
        plan.ratio(),
        headDim,
        plan.entriesOfToken() > 1,
        w.matrix(p + "wkv.weight", width, c.hidden()),
        w.matrix(p + "wgate.weight", width, c.hidden()),
        w.table(p + "ape", plan.ratio(), width),
        w.vector(p + "norm.weight", headDim),
        c.normEps());
  }

  private static Indexer indexer(Weights w, DeepSeekV4Config c, String p, LayerPlan plan) {
    AttentionShapes.Index i = c.attention().index();
    return new Indexer(
        i.heads(),
        i.headDim(),
        i.topK(),
        w.matrix(p + "wq_b.weight", i.heads() * i.headDim(), c.attention().queryRank()),
        w.matrix(p + "weights_proj.weight", i.heads(), c.hidden()),
        compressor(w, c, p + "compressor.", i.headDim(), plan));
  }

  /** One attention of each kind that the model has, without weights: they size its buffers. */
  static List<LatentAttention> kinds(DeepSeekV4Config c) {
    List<LayerPlan> plans = new ArrayList<>(c.plans());
    plans.add(LayerPlan.WINDOW);
    WeightShapes shapes = new WeightShapes(c.format());
    return plans.stream()
        .map(plan -> new LayerPlan(plan.attention(), plan.ratio(), false))
        .distinct()
        .map(plan -> read(shapes, c, "attn.", plan))
        .toList();
  }
}
