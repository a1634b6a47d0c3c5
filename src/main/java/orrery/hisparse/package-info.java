/**
 * Sparse offload ("HiSparse"): a sparse attention reads few entries of a long context, so only the
 * entries that it has read of late lie on the device, and all of them on the host.
 */
package orrery.hisparse;
