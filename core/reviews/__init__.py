"""Reviews of manuscripts: who is asked, what they answer on which form, where they differ, and who settles it.

Reviewers do not see who wrote a manuscript nor what others said of it before their own review is in; who submitted the
run or brought the study in, is named as its author, or has declared an interest, cannot review it.
"""

from core.reviews.conflicts import declare_conflict
from core.reviews.giving import adjudicate, record_judge_review, submit_review
from core.reviews.judging import judge_review
from core.reviews.queue import assign, decline, withdraw
from core.reviews.seeing import Assigned, Seen, assignments_for, closed_releases, disputes, reviews_for

__all__ = [
    "Assigned",
    "Seen",
    "adjudicate",
    "assign",
    "assignments_for",
    "closed_releases",
    "declare_conflict",
    "decline",
    "disputes",
    "judge_review",
    "record_judge_review",
    "reviews_for",
    "submit_review",
    "withdraw",
]
