package orrery.quantization;

/**
 * A matrix [out][in] in codes and scales, as a checkpoint stores it.
 *
 * <p>The weight of a code c with the block scale s is c · s, rounded once to float32. If there is a
 * tensor scale t, it is (c · s) · t: the first product is exact (6 significant bits), the second is
 * rounded once.
 */
public interface CodedMatrix {
  WeightFormat format();

  int out();

  int in();

  /**
   * The codes of a row, one in each byte, even if a file packs two.
   *
   * @param into [in]
   */
  void codes(int row, byte[] into);

  /**
   * The scales of a row's blocks as floats, without the tensor scale.
   *
   * @param into [scaleCols]
   */
  void scales(int row, float[] into);

  /**
   * The stored codes of the scales of a row's blocks, for E8M0 and E4M3 scales.
   *
   * @param into [scaleCols]
   */
  void scaleCodes(int row, byte[] into);

  /** The scale of the whole tensor; 1 if there is none. */
  default float tensorScale() {
    return 1;
  }

  /** How the input of a product with this matrix is rounded where activations are FP8. */
  default ActivationRounding input() {
    return ActivationRounding.NONE;
  }

  /**
   * The weights of a row as floats: the definition that every kernel's product is held to.
   *
   * @param into [in]
   */
  default void decode(int row, float[] into) {
    byte[] codes = new byte[in()]; // [in]
    float[] scales = new float[format().scaleCols(in())]; // [scaleCols]
    codes(row, codes);
    scales(row, scales);
    for (int j = 0; j < codes.length; j++) {
      float scaled = format().codes().decode(codes[j]) * scales[j / format().blockCols()];
      into[j] = scaled * tensorScale();
    }
  }
}
