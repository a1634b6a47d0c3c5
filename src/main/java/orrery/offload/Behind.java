package orrery.offload;

/** What lies behind host memory. */
interface Behind {
  /** Nothing: what leaves is gone. */
  Behind NOTHING =
      new Behind() {
        @Override
        public int ahead(int slots) {
          return 0;
        }

        @Override
        public boolean has(HostPart part) {
          return true;
        }

        @Override
        public boolean leaving(HostPart part) {
          return false;
        }

        @Override
        public void gone(HostPart part, boolean evicted) {}
      };

  /** How many of the parts that leave next are to be saved before their slots are wanted. */
  int ahead(int slots);

  /** Whether nothing is lost when a part leaves. */
  boolean has(HostPart part);

  /**
   * A part that is not saved leaves soon.
   *
   * @return whether it is being saved now, which is a use of its slot; if not, no other can be
   */
  boolean leaving(HostPart part);

  /**
   * A part has left.
   *
   * @param evicted whether its slot was wanted for another part
   */
  void gone(HostPart part, boolean evicted);
}
