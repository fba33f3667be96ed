"""What a run comes to."""

from typing import NamedTuple


class Verdict(NamedTuple):
    """Acts that were acknowledged, and how often the service broke its word."""

    acknowledged: int
    lost: int
    revived: int
    forked: int
    reused: int = 0
    wrong: int = 0

    def is_clean(self):
        """Whether there was a word to keep, and it was kept."""
        return self.acknowledged > 0 and not any(self[1:])

    def shows_loss(self):
        """What a cluster must look like that acknowledges what it then loses."""
        return self.lost > 0 and self.revived > 0

    def __str__(self):
        more = "".join(f", {count} {name}" for count, name in ((self.reused, "reused"), (self.wrong, "wrong")) if count)
        return (f"{self.acknowledged} acts acknowledged, {self.lost} lost, {self.revived} revived, "
                f"{self.forked} forked{more}")
