package orrery.batching;

/** The policies that decide which sequences run in which step. */
public enum SchedulePolicy {
  STATIC,
  SGLANG,
  VLLM,
  /** TensorRT-LLM's "guaranteed no evict". */
  TRTLLM,
  TRTLLM_MAX_UTILIZATION
}
