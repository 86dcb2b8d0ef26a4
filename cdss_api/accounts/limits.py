"""How often one may guess: what is wrong is counted, by account and by address, in the database of all processes."""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Double, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Guess
from cdss_api.accounts.people import normal
from cdss_api.database import Database
from neuronova.web.problems import Problem

log = logging.getLogger(__name__)

# A person mistypes a few times; a guesser of one account gets 2,880 tries a day at passwords of twelve characters.
PER_ACCOUNT = 10
# A ward or a whole hospital may come from one address.
PER_ADDRESS = 50
WINDOW = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """No more than `most` failures of one kind within the window; of whom is kept as a digest, never as a name."""

    kind: str
    whose: str
    most: int

    @property
    def key(self) -> str:
        """Return what its failures are counted under."""
        return hashlib.sha256(f"{self.kind} {self.whose}".encode()).hexdigest()


def of_address(kind: str, address: str) -> Limit:
    """Return the limit of what fails from an address."""
    return Limit(f"{kind} from an address", address, PER_ADDRESS)


def of_username(kind: str, username: str) -> Limit:
    """Return the limit of what fails for an account, whether there is one of that name or not."""
    return Limit(f"{kind} for an account", normal(username), PER_ACCOUNT)


def is_problem(status: int) -> Callable[[Exception], bool]:
    """Return what tells whether an error is a problem that is answered with `status`."""
    return lambda error: isinstance(error, Problem) and error.code == status


_is_unauthorized = is_problem(401)

_MADE = insert(Guess).returning(Guess.number)
_COUNTED = select(Guess.key, Guess.wrong).where(
    Guess.key.in_(bindparam("keys", expanding=True)),
    Guess.at > bindparam("since", type_=Double),
    Guess.wrong | (Guess.at > bindparam("looked_at_since", type_=Double)),
)
_WRONG = (
    update(Guess)
    .where(Guess.number.in_(bindparam("made", expanding=True)))
    .values(wrong=True)
    .execution_options(synchronize_session=False)
)
# What another process deletes at this moment is left to it.
_OLD = select(Guess.number).where(Guess.at <= bindparam("until", type_=Double)).with_for_update(skip_locked=True)
_DELETED = (
    delete(Guess)
    .where(Guess.number.in_(bindparam("made", expanding=True)) | Guess.number.in_(_OLD))
    .execution_options(synchronize_session=False)
)
_LONGEST_LOOK = 60.0  # seconds: what is older was begun by a process that died
_PATIENCE = 3.0  # seconds that a guess waits for those that are looked at
_LOOK_EVERY = 0.05  # seconds


class Guesses:
    """Counts a guess before it is looked at, and takes it back unless it was wrong.

    Counted afterwards, as many could be made at once as all processes have threads. Where those that are looked at take
    all places, the next wait for them: many who know their password are no guessers.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    @contextmanager
    def counted(self, *limits: Limit, wrong: Callable[[Exception], bool] = _is_unauthorized) -> Iterator[None]:
        """Let the block guess; the guess stays counted where the block ends with an error that is `wrong`.

        Raises:
            Problem: 429, where one of the limits is reached, or too many are looked at for too long.
        """
        made = self._begin(limits)
        try:
            yield
        except Exception as error:
            if wrong(error):
                self._keep(made)
            else:
                self._take_back(made)
            raise
        self._take_back(made)

    def _begin(self, limits: Sequence[Limit]) -> list[int]:
        ends = time.monotonic() + _PATIENCE
        while (made := self._placed(limits)) is None:
            if time.monotonic() > ends:
                detail = "Too many log in at this moment; try again."
                raise Problem(429, "too_many_at_once", detail, {"Retry-After": "1"})
            time.sleep(_LOOK_EVERY * (1 + random.random()))  # noqa: S311 - so that not all look at once
        return made

    def _placed(self, limits: Sequence[Limit]) -> list[int] | None:
        """Count a guess; None where there is no place for it now."""
        with self._database.writing() as session:
            if not self._has_place(session, limits, others=1):
                return None
            new = [{"key": limit.key, "at": self._now(), "wrong": False} for limit in limits]
            made = list(session.scalars(_MADE, new))
        # Others may have begun at the same moment, and not seen this one: whoever comes to see too many gives way.
        try:
            with self._database.reading() as session:
                if self._has_place(session, limits, others=0):
                    return made
        except Problem:
            self._take_back(made)
            raise
        self._take_back(made)
        return None

    def _has_place(self, session: Session, limits: Sequence[Limit], *, others: int) -> bool:
        keys = [limit.key for limit in limits]
        now = self._now()
        asked = {"keys": keys, "since": now - WINDOW, "looked_at_since": now - _LONGEST_LOOK}
        counted = session.execute(_COUNTED, asked).all()
        all_, wrong = Counter(one.key for one in counted), Counter(one.key for one in counted if one.wrong)
        for limit in limits:
            if wrong[limit.key] >= limit.most:
                log.warning("too many failures: %s", limit.kind)
                detail = "Too many failures; wait a few minutes."
                raise Problem(429, "too_many_failures", detail, {"Retry-After": str(round(WINDOW))})
        return all(all_[limit.key] + others <= limit.most for limit in limits)

    def _keep(self, made: Sequence[int]) -> None:
        with self._database.writing() as session:
            session.execute(_WRONG, {"made": made})

    def _take_back(self, made: Sequence[int]) -> None:
        """Delete guesses, and all that no limit counts any more."""
        with self._database.writing() as session:
            session.execute(_DELETED, {"made": made, "until": self._now() - WINDOW})
