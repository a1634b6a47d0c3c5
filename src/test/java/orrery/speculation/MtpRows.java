package orrery.speculation;

/** Lets tests look at a sequence's MTP rows. */
public final class MtpRows {
  private MtpRows() {}

  /** The last slot that has an MTP row in the cache; the first row lies at slot 1. */
  public static int newestSlot(Drafts drafts) {
    return ((MtpDrafts) drafts).written;
  }

  /** The first guess that the sequence has ready, or {@link DraftPicker#NONE}. */
  public static int first(Drafts drafts) {
    return ((MtpDrafts) drafts).first;
  }
}
