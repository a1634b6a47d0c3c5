package orrery.quantization;

/** How the scale of a block of weights follows from their largest magnitude, amax. */
public enum ScaleRule {
  /** amax / MAX, as exactly as the scales are stored: the usual rule for F32 and BF16 scales. */
  EXACT,
  /** The least power of two ≥ amax / MAX, so that nothing saturates: DeepSeek's rule. */
  CEIL,
  /**
   * 2^⌊log2 amax⌋ / 2^⌊log2 MAX⌋, so that the largest weights may saturate: "OCP Microscaling
   * Formats", 2023, §6.3.
   */
  FLOOR,
  /** The power of two nearest to amax / MAX. */
  NEAREST
}
