package orrery.prefix;

/** The prefix caches. */
public enum PrefixCacheKind {
  OFF,
  /** SGLang's tree: {@link RadixCache}. */
  RADIX,
  /** vLLM's blocks: {@link HashBlockCache}. */
  HASH
}
