package orrery.offload;

/**
 * The tokens that a look-up is about.
 *
 * @param tokens of a sequence; the first {@code limit} do not change
 * @param limit tokens that a hit may have
 * @param salt isolates tenants
 */
record Prefix(int[] tokens, int limit, String salt) {}
