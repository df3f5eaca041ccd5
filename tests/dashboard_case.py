"""A case for the tests of the dashboard: the shared studio's job, put up for release too early and then in time.

The first proposal is refused, because the performer's consent was revoked; the others, after a new one, wait for
signatures. They were proposed by somebody who is engineer and release manager at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from support.studio import PASSWORD, Studio, found, give_consent, people_of

from core import consents, identity, releases
from core.platform import Platform
from core.settings import Settings
from core.tables import Subject

DOUBLE = "double"
DOUBLE_NAME = "Dot <b>Double</b> *Role* [x](http://example.org)"


@dataclass(frozen=True)
class Case:
    """An installation's folder, and the releases by what became of them."""

    home: Path
    refused: str
    open: tuple[str, ...]

    def platform(self) -> Platform:
        """Open the installation, as another process than the dashboard."""
        return Platform.open(Settings(home=self.home))

    def submit_again(self) -> str:
        """Submit the studio's job once more, for a worker to take; returns its id."""
        platform = self.platform()
        try:
            return Studio(platform, self.home.parent, people_of(platform), "", "").submit()
        finally:
            platform.close()


def make_case(folder: Path, candidates: int) -> Case:
    """Make an installation with one refused release and `candidates` that wait for signatures."""
    settings = Settings(home=folder / "home")
    Platform.create(settings).close()
    known = found(settings)
    platform = Platform.open(settings)
    try:
        people = people_of(platform)
        with platform.work(people["admin"]) as work:
            roles = ["engineer", "release_manager"]
            user = identity.create_user(work, login=DOUBLE, name=DOUBLE_NAME, password=PASSWORD, roles=roles)
        double = identity.actor_of(user)
        with platform.work(people["legal"]) as work:
            consents.revoke_consent(work, consent=known["consent"], reason="The performer changed their mind.")
        refused = releases.propose(platform, double, known["job"]).release.id
        with platform.work(people["legal"]) as work:
            give_consent(work, work.session.scalars(sa.select(Subject.id)).one())
        waiting = tuple(releases.propose(platform, double, known["job"]).release.id for _ in range(candidates))
        return Case(settings.home, refused, waiting)
    finally:
        platform.close()
