from support.studio import Studio
from core import releases

def test_x(studio: Studio):
    p = releases.propose(studio.platform, studio.people["engineer"], studio.job)
    assert p.decision.opens, p.decision.reasons
