/**
 * Made-up models: small, with caches like those of DeepSeek-V4.
 *
 * <p>A real model with windows would bring experts, norms and rotations along. These models have
 * only what concerns a cache: layers that read all earlier tokens, the last few tokens, groups of
 * tokens, or one compressed row for each group. A cached row also carries its slot, so a read of
 * the wrong row, or of a row that is gone, ends the test at once. {@link orrery.madeup.NaiveMadeUp}
 * computes the same models without a cache.
 */
package orrery.madeup;
